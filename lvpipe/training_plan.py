"""What the rules of networks ask: who teaches each of them by masks or by volumes, what it sees, what it is."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping

from lvpipe.cases import Case
from lvpipe.config.cohorts import ModelEntry
from lvpipe.config.schema import Config
from lvpipe.config.train import TrainSettings
from lvpipe.learners import both_or_exit, share_out


class TrainingPlan:
    """Models that are trained, computed when the workflow is parsed; `entries` has the trials of searches too."""

    def __init__(
        self,
        config: Config,
        entries: Mapping[str, ModelEntry],
        cases: Callable[[], Mapping[str, Case]],
        settings: Callable[[str, str], str],
        stated: Callable[[Case], object],
    ) -> None:
        self._entries, self._cases, self._settings, self._stated = entries, cases, settings, stated
        self._drawn = {cohort.name for cohort in config.cohorts if cohort.masks}

    def learners(self, model: str, fold: str | int) -> tuple[list[str], list[str]]:
        """The cases whose masks a model learns from in a fold, and those that it watches; none of one without masks.

        Raises:
            UserError: fewer than two patients.
        """
        return self._share_out(model, self._entries[model].masks, int(fold), "masks")

    def measured(self, model: str, fold: str | int) -> tuple[list[str], list[str]]:
        """The same of reference volumes; who is watched by masks teaches nothing by volumes.

        Raises:
            UserError: fewer than two patients.
        """
        watching = {self._cases()[name].patient for name in self.learners(model, fold)[1]}
        return self._share_out(model, self._entries[model].volumes, int(fold), "volumes", watching)

    def taught(self, model: str, fold: str | int) -> list[str]:
        """The cases whose masks a model sees in a fold; ends the run with one line where nobody teaches."""
        return both_or_exit(lambda: self.learners(model, fold))

    def taught_volumes(self, model: str, fold: str | int) -> list[str]:
        """The cases whose volumes a model sees in a fold; ends the run with one line where nobody teaches."""
        return both_or_exit(lambda: self.measured(model, fold))

    def seen(self, model: str, fold: str | int) -> list[str]:
        """All of them, each once."""
        return list(dict.fromkeys(self.taught(model, fold) + self.taught_volumes(model, fold)))

    def stated(self, model: str, fold: str | int) -> str:
        """What sources state of the volumes that a model sees in a fold, by case, as JSON.

        Of phantoms the folder that has them. The sheet of all cases is no input: it changes with every new case.
        """
        return json.dumps(self._stated_by_case(model, fold), sort_keys=True)

    def phantoms(self, model: str, fold: str | int) -> list[str]:
        """The folders of the phantoms among them."""
        return [folder for folder in self._stated_by_case(model, fold).values() if isinstance(folder, str)]

    def start(self, model: str, fold: str | int) -> list[str]:
        """The weights that a training starts from, if it does not start anew."""
        start = self._entries[model].start
        return [f"results/train/{start}/fold-{fold}/model.safetensors"] if start else []

    def integration(self, model: str) -> str:
        """How a model that learns from volumes sums up slices, as canonical JSON: as `integrate` will."""
        return self._settings("integrate", model) if self._entries[model].volumes else "{}"

    def strangers(self, model: str, fold: str | int) -> list[str]:
        """The cases with masks of the patients that a fold holds out, of the cohorts that a model learns from."""
        learnt_from = [cohort for cohort in self._entries[model].masks if cohort in self._drawn]
        return [
            case.name for case in self._cases().values() if case.cohort in learnt_from and case.held_out == str(fold)
        ]

    def network(self, model: str) -> str:
        """The network of a model and its options, as canonical JSON; `head`: with one that tells areas beside it."""
        entry = self._entries[model]
        options = {**entry.options, "outputs": len(entry.labels)} if entry.draws else entry.options
        head = {"head": True} if entry.draws and entry.volumes and self._sums_areas(model) else {}
        return json.dumps({"network": entry.network, "options": options, **head}, sort_keys=True)

    def modules(self, model: str) -> list[str]:
        """What a training loads by name: its network, and how volumes teach, if they do."""
        measuring = ["lvpipe.learning.measuring_task"] if self._entries[model].volumes else []
        return [self.network_module(model), *measuring]

    def network_module(self, model: str) -> str:
        """The module of a model's network."""
        return f"lvpipe.networks.{self._entries[model].network}"

    def window(self, model: str) -> str:
        """What a model sees of a slice, as canonical JSON."""
        return self._entries[model].window.canonical()

    def _share_out(
        self, model: str, cohorts: Iterable[str], fold: int, references: str, watching: Collection[str] = ()
    ) -> tuple[list[str], list[str]]:
        if not cohorts:
            return [], []
        share = TrainSettings.model_validate_json(self._settings("train", model)).inner_share
        return share_out(self._cases().values(), tuple(cohorts), fold, share, f"model {model}", references, watching)

    def _sums_areas(self, model: str) -> bool:
        return TrainSettings.model_validate_json(self._settings("train", model)).volumes.by == "areas"

    def _stated_by_case(self, model: str, fold: str | int) -> dict[str, object]:
        cases = map(self._cases().__getitem__, self.taught_volumes(model, fold))
        return {case.name: self._stated(case) for case in cases}
