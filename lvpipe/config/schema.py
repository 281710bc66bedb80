"""The whole configuration: what config.yaml and its overlays may say, and one clear line where they say more."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from lvpipe.config.base import Section
from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.config.cohorts import CohortEntry, ModelEntry
from lvpipe.config.convert import ConvertSettings
from lvpipe.config.detect import DetectSettings
from lvpipe.config.integrate import IntegrateSettings
from lvpipe.config.phantom import PhantomSettings
from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.config.published import PublishedSettings
from lvpipe.config.regress import RegressSettings
from lvpipe.config.report import ReportSettings
from lvpipe.config.resample import ResampleSettings
from lvpipe.config.score import ScoreSettings
from lvpipe.config.search import SearchSettings
from lvpipe.config.segment import SegmentSettings
from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError


class Config(Section):
    """Every scientific choice; one section per stage."""

    data_root: str = Field(".", description="Folder that cohort paths start from, relative to the working directory.")
    folds: int = Field(3, ge=2, le=20, description="Folds by patient; each has a model that never saw its patients.")
    cohorts: tuple[CohortEntry, ...] = Field(min_length=1, description="Who is measured.")
    models: tuple[ModelEntry, ...] = Field(min_length=1, description="By what.")
    phantom: PhantomSettings = Field(default_factory=PhantomSettings, description="The synthetic cohorts.")
    convert: ConvertSettings = Field(default_factory=ConvertSettings, description="What is mended, dropped, rejected.")
    resample: ResampleSettings = Field(description="What the networks see.")
    detect: DetectSettings = Field(default_factory=DetectSettings, description="Where the heart is.")
    train: TrainSettings = Field(default_factory=TrainSettings, description="How networks learn.")
    search: SearchSettings = Field(default_factory=SearchSettings, description="Which settings suit a network.")
    segment: SegmentSettings = Field(default_factory=SegmentSettings, description="How networks are applied.")
    regress: RegressSettings = Field(
        default_factory=RegressSettings, description="How networks that tell areas or volumes are applied."
    )
    postprocess: PostprocessSettings = Field(default_factory=PostprocessSettings, description="What counts as cavity.")
    integrate: IntegrateSettings = Field(default_factory=IntegrateSettings, description="From areas to millilitres.")
    calibrate: CalibrateSettings = Field(default_factory=CalibrateSettings, description="How sure we are.")
    score: ScoreSettings = Field(default_factory=ScoreSettings, description="How good it is.")
    published: PublishedSettings = Field(default_factory=PublishedSettings, description="Papers to compare with.")
    report: ReportSettings = Field(default_factory=ReportSettings, description="The pages.")

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        _unique("cohorts", [cohort.name for cohort in self.cohorts])
        _unique("models", [model.name for model in self.models])
        for cohort in self.cohorts:
            _one_source(cohort, self.phantom)
        drawn = {cohort.name for cohort in self.cohorts if cohort.masks}
        for name in self.detect.masks:
            _known("detect: masks", name, drawn)
        trained = {model.name: model for model in self.models if model.trained}
        measured = {cohort.name for cohort in self.cohorts if cohort.volumes}
        for model in trained.values():
            _known(f"models: {model.name}: view", model.view, self.resample.views)
            for name in model.masks:
                _known(f"models: {model.name}: masks", name, drawn)
            for name in model.volumes:
                _known(f"models: {model.name}: volumes", name, measured)
        for model in self.models:
            _made_of_known(model, self.models)
            _shared_alike(model, trained)
        for name, search in self.search.searches.items():
            _known(f"search: {name}: model", search.model, trained)
            _known(f"search: {name}: fold", str(search.fold), [str(fold) for fold in range(self.folds)])
        return self


def load_config(raw: Mapping[str, Any]) -> Config:
    """Validate what Snakemake merged from config.yaml, its overlays and `--config`.

    Raises:
        UserError: one line for each thing that is wrong.
    """
    try:
        config = Config.model_validate(dict(raw))
    except ValidationError as error:
        raise UserError("configuration: " + "; ".join(_sentences(error))) from None
    named = {model.name: model for model in config.models}
    completed = tuple(_completed(model, named) for model in config.models)
    return config.model_copy(update={"models": completed})


def _completed(model: ModelEntry, named: Mapping[str, ModelEntry]) -> ModelEntry:
    """With what follows from the models that it names."""
    if model.training:
        return model.heading(named[model.training])
    return model.averaging([named[name] for name in model.of]) if model.kind == "averages" else model


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes laid over base, mapping by mapping; lists are replaced whole."""
    result = dict(base)
    for key, value in changes.items():
        inner = base.get(key)
        result[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
    return result


def _sentences(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        place = ": ".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            yield _unknown_key(detail, place)
        elif detail["type"] == "value_error":
            yield (f"{place}: " if place else "") + detail["msg"].removeprefix("Value error, ")
        else:
            yield f"{place} is {detail['input']!r}; {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _unknown_key(detail: ErrorDetails, place: str) -> str:
    known = sorted(_known_keys(detail["loc"][:-1]))
    near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
    return f"unknown key `{place}`; {hint} (docs/configuration.md lists all)"


def _known_keys(location: tuple[int | str, ...]) -> set[str]:
    """The keys of the section at this place of the configuration; found by walking the models."""
    section: type[BaseModel] = Config
    for part in location:
        if isinstance(part, str) and part in section.model_fields:
            section = next(iter(_sections(section.model_fields[part].annotation)), section)
    return set(section.model_fields)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every section type inside an annotation such as `tuple[CohortEntry, ...]` or `Clahe | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _sections(inner)


def _unique(place: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{place}: the name {twice[0]} stands twice; expected each name once")


def _known(place: str, name: str, known: Any) -> None:
    if name not in known:
        raise ValueError(f"{place} names {name}, which is not there; expected one of: {', '.join(sorted(known))}")


def _made_of_known(model: ModelEntry, models: Sequence[ModelEntry]) -> None:
    """What is averaged must be drawn by a network, and alike; what is combined must be measured."""
    fit = {one.name: one for one in models if (not one.combines if model.combines else one.trained and one.draws)}
    for name in model.of:
        _known(f"models: {model.name}: of", name, fit)
        if not model.combines and fit[name].labels != fit[model.of[0]].labels:
            raise ValueError(f"models: {model.name}: {model.of[0]} and {name} have other labels; expected the same")


def _shared_alike(model: ModelEntry, trained: Mapping[str, ModelEntry]) -> None:
    """Models whose training others share, or start from, must be there and fit."""
    if model.training:
        taught = {name for name, one in trained.items() if one.draws and one.volumes}
        _known(f"models: {model.name}: training", model.training, taught)
    if model.start:
        alike = {name for name, one in trained.items() if one.network == model.network and name != model.name}
        _known(f"models: {model.name}: start", model.start, alike)
        _not_in_a_ring(model, trained)


def _not_in_a_ring(model: ModelEntry, trained: Mapping[str, ModelEntry]) -> None:
    """A model must not start, through others, from itself."""
    chain, start = [model.name], model.start
    while start in trained and start not in chain:
        chain.append(start)
        start = trained[start].start
    if start:
        raise ValueError(f"models: {' starts from '.join([*chain, start])}; expected one that starts from none")


def _one_source(cohort: CohortEntry, phantom: PhantomSettings) -> None:
    if (cohort.path is None) == (cohort.phantom is None):
        raise ValueError(f"cohorts: {cohort.name} has path and phantom both or neither; expected exactly one of them")
    if cohort.phantom is not None:
        _known(f"cohorts: {cohort.name}: phantom", cohort.phantom, phantom.cohorts)
