"""What the rules ask of the models of a run, and through it of cohorts, detectors, trainings and searches."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from lvpipe import provenance
from lvpipe.cases import Case, Labels, shards
from lvpipe.cohort_plan import CohortPlan
from lvpipe.config.cohorts import ModelEntry, Overrides
from lvpipe.config.integrate import GivenSource
from lvpipe.config.network_job import conda_file
from lvpipe.config.schema import Config, load_config, merged
from lvpipe.config.sheet import PlacedCohort, SheetOrder
from lvpipe.config.train import TrainSettings
from lvpipe.detector_plan import DetectorPlan
from lvpipe.errors import UserError
from lvpipe.learners import teachers
from lvpipe.network_options import check_network
from lvpipe.published_plan import PublishedPlan
from lvpipe.reader_options import accepted, load_reader
from lvpipe.search_plan import SearchPlan
from lvpipe.teaching_options import check_head, check_teaching
from lvpipe.training_plan import TrainingPlan


class Plan(CohortPlan):
    """A validated configuration and what follows from it, computed when the workflow is parsed."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        super().__init__(load_config(raw))
        self._raw = raw
        self.models: dict[str, ModelEntry] = {model.name: model for model in self.config.models}
        self.entries = dict(self.models)
        self.detector = DetectorPlan(self.config, lambda: self.cases.values())
        for model in self.config.models:
            self._check_overrides(model)
            self._check_learning(model)
        self._check_sigma()
        self.published = PublishedPlan(self.config, lambda model: self.settings("train", model))
        self.search = SearchPlan(self.config)
        self.entries.update(self.search.trials)
        self.training = TrainingPlan(self.config, self.entries, lambda: self.cases, self.settings, self._stated)

    @cached_property
    def trained(self) -> list[str]:
        """The models that are trained here."""
        return [name for name, model in self.models.items() if model.trained]

    @cached_property
    def averaging(self) -> list[str]:
        """The models whose probabilities are the mean of others'."""
        return [name for name in self.drawing if name not in self.trained]

    @cached_property
    def segmenting(self) -> list[str]:
        """The models whose networks make probabilities."""
        return [name for name in self.drawing if name in self.trained]

    @cached_property
    def regressing(self) -> list[str]:
        """The models whose networks tell areas or volumes."""
        return [name for name, model in self.models.items() if model.regresses]

    def telling(self, makes: str) -> list[str]:
        """Those of them that tell `areas`, or `volumes`."""
        return [name for name in self.regressing if self.models[name].makes == makes]

    @cached_property
    def told(self) -> list[str]:
        """What is told straight from pixels in this run: `areas`, `volumes`, both or nothing."""
        return list(dict.fromkeys(self.models[name].makes for name in self.regressing))

    @cached_property
    def looking(self) -> list[str]:
        """The models that see cines."""
        return self.drawing + self.regressing

    @cached_property
    def given(self) -> list[str]:
        """The models whose estimates another tool made."""
        return [name for name, model in self.models.items() if model.kind == "given"]

    @cached_property
    def combining(self) -> dict[str, list[str]]:
        """The models that forecast from what others measure, each with these."""
        return {name: list(model.of) for name, model in self.models.items() if model.combines}

    def combinations(self) -> str:
        """The same as canonical JSON."""
        return json.dumps(self.combining, sort_keys=True)

    @cached_property
    def drawing(self) -> list[str]:
        """The models whose probabilities and masks are made here."""
        return [name for name, model in self.models.items() if model.draws]

    @cached_property
    def measuring_slices(self) -> list[str]:
        """The models that see cines and have an area of every slice."""
        return self.drawing + self.telling("areas")

    @cached_property
    def heads(self) -> list[str]:
        """The models that are the head of areas of one that draws, where drawn cases can tell both apart."""
        return [name for name in self.regressing if self.models[name].training and self.judged]

    @cached_property
    def area_files(self) -> list[str]:
        """What compares areas with drawn ones: made where a model tells areas."""
        pictures = [f"results/score/areas/{model}.svg" for model in self.heads]
        return ["results/areas.csv", *pictures] if self.telling("areas") and self.drawn() else []

    @cached_property
    def judged(self) -> list[str]:
        """The models that draw, where any case has a reference mask to compare theirs with."""
        return self.drawing if self.drawn() else []

    @cached_property
    def views(self) -> list[str]:
        """The views that models look at: in each of them the heart is sought."""
        return list(dict.fromkeys(self.models[model].view for model in self.looking))

    @cached_property
    def measured(self) -> dict[str, list[str]]:
        """The cohorts that each model measures: one that draws those with cines, a given one those with its table, one
        that combines those that all of its members measure.

        Raises:
            UserError: a model that measures nobody, or a cohort that nobody measures.
        """
        measured = {model: [cohort for cohort in self.cohorts if self.measures(model, cohort)] for model in self.models}
        for model, cohorts in measured.items():
            if not cohorts:
                raise UserError(f"models: {model} measures no cohort; {self._expected(self.models[model])}")
        for cohort in self.cohorts:
            if not any(cohort in cohorts for cohorts in measured.values()):
                kind = f"given, makes: {self.gives(cohort)}" if self.gives(cohort) else "draws"
                raise UserError(f"cohorts: no model measures {cohort}; expected one of kind: {kind}")
        return measured

    def measures(self, model: str, cohort: str) -> bool:
        """Whether a model measures the cases of a cohort."""
        entry, gives = self.models[model], self.gives(cohort)
        if entry.combines:
            return all(self.measures(member, cohort) for member in entry.of)
        return not gives if entry.kind != "given" else entry.makes == gives and self._table(model, cohort) is not None

    def measuring(self, name: str) -> list[str]:
        """A file of `integrate` (`volumes`, `pairs`) for each model and each cohort that it measures."""
        return list(dict.fromkeys(file for model in self.models for file in self.measured_by(model, name)))

    def measured_by(self, model: str, *names: str) -> list[str]:
        """Files of `integrate` for each cohort that a model measures: its own, or those of each that it combines."""
        return [
            f"results/integrate/{one}/{cohort}_{name}.csv"
            for one in self.combining.get(model, [model])
            for cohort in self.measured[model]
            for name in names
        ]

    def given_tables(self) -> list[str]:
        """The files and folders of all estimates that cohorts bring."""
        pairs = [(model, cohort) for model in self.given for cohort in self.measured[model]]
        return list(dict.fromkeys(self.given_table(*pair) for pair in pairs))

    def given_table(self, model: str, cohort: str) -> str:
        """The file or folder that holds the estimates of a given model."""
        path = self._table(model, cohort)
        if path is None:
            sys.exit(f"lvpipe: cohort {cohort} has no table of the model {model}")
        return str(path)

    def given_source(self, model: str, cohort: str) -> str:
        """What the job reads that integrates a given model's estimates, as canonical JSON."""
        entry = self.cohorts[cohort]
        return GivenSource(
            reader=entry.reader,
            root=str(self.root(cohort)),
            table=self.models[model].table,
            options=entry.options,
            prefix=entry.prefix,
            complete=self.config.convert.completeness(),
        ).canonical()

    def given_fingerprint(self, model: str, cohort: str) -> str:
        """Changes inside a folder of masks, which Snakemake does not see."""
        return provenance.folder_fingerprint([Path(self.given_table(model, cohort))])

    def given_fingerprints(self) -> str:
        """The same of all estimates that cohorts bring, of which the case sheet asks who is there."""
        return provenance.folder_fingerprint(map(Path, self.given_tables()))

    def view(self, name: str) -> str:
        """The settings of one view, as canonical JSON."""
        return self.config.resample.prepared(name).canonical()

    def sheet_order(self) -> str:
        """What the case sheet depends on, as canonical JSON."""
        placed = tuple(
            PlacedCohort(
                name=entry.name,
                reader=entry.reader,
                root=str(self.root(entry.name)),
                prefix=entry.prefix,
                volumes=entry.volumes,
                tables=tuple(self._tables_used(entry.name)),
                options=entry.options if self.gives(entry.name) else {},
            )
            for entry in self.config.cohorts
        )
        return SheetOrder(cohorts=placed).canonical()

    def choices(self, model: str) -> list[str]:
        """The file of what the drawn cases of a model choose; none where nothing is to be chosen."""
        chooses = json.loads(self.settings("postprocess", model))["choose"]
        return [f"results/postprocess/{model}/choices.json"] if chooses else []

    def choosing_cases(self, model: str) -> list[str]:
        """The names of the drawn cases by which a model's choices are made."""
        return [case.name for case in teachers(self.cases.values(), self.models[model].masks)]

    def choosers(self, model: str) -> str:
        """The same cases with patient and fold, as JSON."""
        found = teachers(self.cases.values(), self.models[model].masks)
        return json.dumps([[case.name, case.patient, case.fold] for case in found])

    def shown(self, members: Sequence[str]) -> list[str]:
        """The cases among these whose references `detect` looks at: none, but for its method `reference`."""
        drawn = set(self.drawn()) if "reference" in self.config.detect.asked else set()
        return [name for name in members if name in drawn]

    def folds_for(self, held_out: str) -> list[int]:
        """The folds whose models are applied to cases of this held-out fold."""
        return list(range(self.config.folds)) if held_out == "all" else [int(held_out)]

    @cached_property
    def shards(self) -> dict[tuple[str, str], list[str]]:
        """Cases of one `segment` job, by held-out fold and shard."""
        return self._shards(self.cines)

    @cached_property
    def detect_shards(self) -> dict[tuple[str, str, str], list[str]]:
        """Cases of one `detect` job, by cohort, held-out fold and shard.

        By cohort, since networks learn from the boxes of some: a new case of another must not teach them again.
        """
        by_cohort = {cohort: self._shards(self.members(cohort)) for cohort in self.cine_cohorts}
        return {(cohort, *key): members for cohort, found in by_cohort.items() for key, members in found.items()}

    def _shards(self, names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
        size = self.config.segment.shard_cases
        held_out: dict[str, list[str]] = {}
        for case in map(self.cases.__getitem__, names):
            held_out.setdefault(case.held_out, []).append(case.name)
        return {
            (fold, key): members for fold in sorted(held_out) for key, members in shards(held_out[fold], size).items()
        }

    def settings(self, stage: str, model: str | None = None) -> str:
        """A stage's section, with the model's overrides, as canonical JSON."""
        changes = getattr(self.entries[model].overrides, stage, {}) if model is not None else {}
        return str(getattr(self._changed(stage, json.dumps(changes)), stage).canonical())

    @cache  # noqa: B019  (a plan lives as long as the run)
    def _changed(self, stage: str, changes: str) -> Config:
        """The configuration with these changes of a stage's section, as JSON."""
        changed = json.loads(changes)
        return load_config({**self._raw, stage: merged(self._raw.get(stage, {}), changed)}) if changed else self.config

    def threads(self, stage: str, model: str) -> int:
        """The cores that a network job asks for: torch's thread count."""
        return int(json.loads(self.settings(stage, model))["threads"])

    def gpus(self, stage: str, model: str) -> int:
        """The GPUs that a network job asks for."""
        return int(json.loads(self.settings(stage, model))["device"] == "cuda")

    def environment(self, stage: str, model: str) -> str:
        """The conda file of a network job, as its rule file names it; used by `--sdm conda` alone."""
        return conda_file(json.loads(self.settings(stage, model))["device"])

    def code(self, stage: str, *modules: str) -> str:
        """The modules of a stage, and those that it loads by name, each with its digest."""
        return provenance.code_digest(f"lvpipe.stages.{stage}", *modules)

    def _stated(self, case: Case) -> str | list[float | str | None]:
        """EDV, ESV and why they are left out, as a sheet has them; of a phantom of Kaggle's layout the folder that has
        them, since its sheet is yet to be made.
        """
        entry = self.cohorts[case.cohort]
        if entry.phantom is not None:
            folder = str(self.root(case.cohort) / case.sources[0])
            return folder if self.phantoms[entry.phantom] == "kaggle" else [None, None, ""]
        found = self._labels.get(case.cohort, {}).get(case.name.removeprefix(entry.prefix), Labels())
        return [found.edv_ml, found.esv_ml, found.left_out]

    @cached_property
    def _labels(self) -> dict[str, Mapping[str, Labels]]:
        """What the sheets of the cohorts say whose volumes teach."""
        teaching = {cohort for model in self.entries.values() for cohort in model.volumes}
        real = [name for name in teaching if self.cohorts[name].phantom is None]
        return {name: self._reader(name).read_labels(self.root(name)) for name in real}

    def _table(self, model: str, cohort: str) -> Path | None:
        find = self._reader(cohort).find_table
        options = accepted(find, self.cohorts[cohort].options)
        found: Path | None = find(self.root(cohort), self.models[model].table, **options)
        return found

    def _tables_used(self, cohort: str) -> list[str]:
        models = (self.models[model] for model, cohorts in self.measured.items() if cohort in cohorts)
        return list(dict.fromkeys(model.table for model in models if model.kind == "given"))

    def _expected(self, model: ModelEntry) -> str:
        if model.combines:
            return f"expected one that all of {', '.join(model.of)} measure"
        if model.kind != "given":
            return "expected one with cines, which it can look at"
        reader = load_reader(model.makes)
        there = [
            table or "(one without a name)"
            for cohort in self.given_cohorts
            if self.gives(cohort) == model.makes
            for table in reader.list_tables(
                self.root(cohort), **accepted(reader.list_tables, self.cohorts[cohort].options)
            )
        ]
        wanted = f"the table {model.table}" if model.table else "a table without a name"
        return f"expected a cohort of reader {model.makes} with {wanted}; there are: {', '.join(there) or 'none'}"

    def _check_learning(self, model: ModelEntry) -> None:
        if model.training:
            check_head(model, self._train(model.training))
        if not model.trained:
            return
        check_network(model)
        check_teaching(model, self.models, self._train(model.name))
        for cohort in filter(self.gives, model.volumes):
            raise UserError(
                f"models: {model.name}: volumes: cohort {cohort} brings estimates, no images to learn from; expected "
                f"cohorts with cines"
            )

    def _check_sigma(self) -> None:
        model, drawn = self.config.published.sigma.model, [one.name for one in self.config.cohorts if one.masks]
        if model and (model not in self.measuring_slices or not drawn):
            raise UserError(
                f"published: sigma: model is {model}; expected one that has areas of cines' slices, in a run with a "
                f"cohort with masks: {', '.join(self.measuring_slices) or 'none'}"
            )

    def _train(self, model: str) -> TrainSettings:
        return TrainSettings.model_validate_json(self.settings("train", model))

    def _check_overrides(self, model: ModelEntry) -> None:
        for stage in Overrides.model_fields:
            try:
                self.settings(stage, model.name)
            except UserError as error:
                raise UserError(f"models: {model.name}: overrides: {error}") from None


def one_of(names: Iterable[str]) -> str:
    """A pattern that only these names match; where there are none nothing does (Snakemake passes over a blank one)."""
    return "|".join(map(re.escape, names)) or "(?!)"
