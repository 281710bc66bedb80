"""What the rules of published figures ask: whose tables, which models belong together, which were split by image."""

import json
from collections.abc import Callable

from lvpipe.config.schema import Config
from lvpipe.config.train import TrainSettings

PAPERS = "lvpipe/published"
"""The folder of the papers' tables, from the repository's root."""


_SIGMA = tuple(f"results/published/{name}.csv" for name in ("sigma", "sigma_map", "sigma_expected"))


class PublishedPlan:
    """Papers beside a run, computed when the workflow is parsed; `train_settings` tells those of a model, as JSON."""

    def __init__(self, config: Config, train_settings: Callable[[str], str]) -> None:
        self._config = config
        self._trained = {
            model.name: TrainSettings.model_validate_json(train_settings(model.name))
            for model in config.models
            if model.trained
        }

    def papers(self, root: str) -> list[str]:
        """The papers' tables, of the repository that is at `root`."""
        return [f"{root}/{PAPERS}/{paper}.csv" for paper in self._config.published.papers]

    def origins(self) -> str:
        """Where the cases of each cohort come from, as canonical JSON."""
        entries = self._config.cohorts
        return json.dumps({entry.name: "phantom" if entry.phantom else entry.reader for entry in entries})

    @property
    def sigma_tables(self) -> list[str]:
        """The tables of the study of spreads, where there is one."""
        return list(_SIGMA) if self._config.published.sigma.model else []

    @property
    def leaks(self) -> list[str]:
        """The tables of all models that draw whose images are split regardless of patients, a fold each."""
        drawing = {model.name for model in self._config.models if model.draws}
        split = {name for name, settings in self._trained.items() if settings.split_by == "image"}
        models = [name for name in self._trained if name in drawing & split]
        return [f"results/score/leak/{model}_fold-{fold}.csv" for model in models for fold in range(self._config.folds)]

    @property
    def arms(self) -> str:
        """Models that differ in their limit of images alone: by name their arm and this limit, as canonical JSON."""
        return json.dumps(self._arms())

    def _arms(self) -> dict[str, dict[str, object]]:
        alike: dict[str, list[str]] = {}
        for model in self._config.models:
            if model.name in self._trained:
                settings = self._trained[model.name].model_copy(update={"learn_images": None})
                key = model.model_dump_json(exclude={"name": True, "overrides": {"train"}})
                alike.setdefault(key + settings.canonical(), []).append(model.name)
        groups = [sized for names in alike.values() if len(sized := [name for name in names if self._images(name)]) > 1]
        return {
            name: {"arm": names[0].removesuffix(f"-{self._images(names[0])}"), "most_images": self._images(name)}
            for names in groups
            for name in names
        }

    def shown(self) -> list[str]:
        """What the report shows of all this."""
        table = ["results/published.csv"] if self._config.published.papers else []
        sizes = ["results/published/sizes.svg"] if self._arms() else []
        return table + sizes + (["results/published/sigma.svg"] if self.sigma_tables else [])

    def files(self) -> list[str]:
        """What a run makes of all this."""
        return self.shown() + self.leaks

    def _images(self, model: str) -> int | None:
        return self._trained[model].learn_images
