"""What the rules of `detect` ask: which parts are learnt, by whom, and what each step depends on."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lvpipe.cases import Case
from lvpipe.config.network_job import NetworkJob, conda_file
from lvpipe.config.schema import Config
from lvpipe.detection.parts import FILES, NETWORKS
from lvpipe.learners import both_or_exit, share_out
from lvpipe.provenance import code_digest


class DetectorPlan:
    """The detector of a run: a file of each part for every view and fold."""

    def __init__(self, config: Config, cases: Callable[[], Iterable[Case]]) -> None:
        self._config, self._settings, self._cases = config, config.detect, cases

    @property
    def cohorts(self) -> list[str]:
        """The cohorts that it learns from: those named, else every one with masks."""
        return list(self._settings.masks) or [cohort.name for cohort in self._config.cohorts if cohort.masks]

    def learners(self, part: str, fold: str | int) -> tuple[list[str], list[str]]:
        """The cases that a part learns from in a fold, and those that it watches; a cascade watches nobody.

        Raises:
            UserError: fewer than two patients.
        """
        share = getattr(getattr(self._settings, part), "inner_share", 0.0)
        who = f"detect: {self._settings.method} (or choose a `detect: method` that learns nothing)"
        learn, watch = share_out(self._cases(), self.cohorts, int(fold), share, who)
        return (learn, watch) if share else (learn + watch, [])

    def taught(self, part: str, fold: str | int) -> list[str]:
        """The cases that a part learns from or watches in a fold; ends the run with one line where nobody teaches."""
        return both_or_exit(lambda: self.learners(part, fold))

    def lessons(self, part: str, kind: str) -> Callable[[Any], list[str]]:
        """An input function: the cines, or the references, that a part is taught with in a view and fold."""
        return lambda w: [f"results/resample/{w.view}/{case}_{kind}.nii.gz" for case in self.taught(part, w.fold)]

    def files(self, view: str, folds: Sequence[int]) -> list[str]:
        """All that the methods must have learnt, in these folds."""
        parts = self._settings.learnt
        return [f"results/detect/{view}/fold-{fold}/{FILES[part]}" for fold in folds for part in parts]

    def job(self, step: str) -> NetworkJob:
        """Where a step with a network computes."""
        job: NetworkJob = self._settings if step == "find" else getattr(self._settings, step)
        return job

    def gpus(self, step: str) -> int:
        """The GPUs that a step asks for."""
        return int(self.job(step).device == "cuda")

    def environment(self, step: str) -> str:
        """The conda file of a step, as its rule file names it; used by `--sdm conda` alone."""
        return conda_file(self.job(step).device)

    def settings(self, step: str) -> str:
        """What a step depends on, as canonical JSON; how a part was learnt shows in that part's file."""
        section = self._settings.finding() if step == "find" else getattr(self._settings, step)
        return str(section.canonical())

    def code(self, step: str) -> str:
        """The modules of a step, and those that it loads by name, each with its digest."""
        parts, methods = (self._settings.learnt, self._settings.asked) if step == "find" else ((step,), ())
        modules = [f"lvpipe.detection.methods.{method}" for method in methods]
        modules += [f"lvpipe.networks.{NETWORKS[part]}" for part in parts if part in NETWORKS]
        return code_digest("lvpipe.stages.detect", f"lvpipe.detection.steps.{step}", *modules)
