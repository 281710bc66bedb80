"""Entries of the lists `cohorts` and `models`: who is measured, and by what."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from lvpipe.config.base import PathName, Section
from lvpipe.config.window import Window
from lvpipe.labels import Label

RESERVED = ("climatology", "expert", "background", "gaussian")
"""Names of rows that stand beside the models' in tables and pages."""

_FEWEST_TOGETHER = 2
"""Of one model there is nothing to average or to combine."""

_TAUGHT = ("volumes", "training", "start")
"""Keys of models that learn from more than masks, or share what was learnt."""


class CohortEntry(Section):
    """Cases from one source."""

    name: PathName = Field(description="Name of the cohort in paths and tables.")
    reader: str = Field(description="Source layout: the name of a module in lvpipe/readers.")
    options: dict[str, Any] = Field(default_factory=dict, description="Arguments of that module's `read_study`.")
    path: str | None = Field(None, description="Folder of the source, relative to `data_root`.")
    phantom: str | None = Field(None, description="Instead of `path`: a cohort of section `phantom`, made here.")
    masks: bool = Field(False, description="Whether the source has contours or masks to learn from.")
    volumes: bool = Field(False, description="Whether the source has reference volumes.")
    test_share: float = Field(
        0.0, ge=0, le=1, description="Share of patients that are split `test` where the source declares no split."
    )
    prefix: str = Field("", pattern=r"^[A-Za-z0-9.-]*$", description="Put before every case name of this cohort.")


class Overrides(Section):
    """Settings of later stages that hold for one model alone."""

    train: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `train`.")
    segment: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `segment`.")
    regress: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `regress`.")
    postprocess: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `postprocess`.")
    integrate: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `integrate`.")
    calibrate: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `calibrate`.")

    @field_validator("segment")
    @classmethod
    def _shards_are_everybodys(cls, changes: dict[str, Any]) -> dict[str, Any]:
        if "shard_cases" in changes:
            raise ValueError("shard_cases cannot differ between models, which share their shards: set it in `segment`")
        return changes


class ModelEntry(Section):
    """What measures cohorts: a network with what it sees and learns from, several of them, or another tool."""

    name: PathName = Field(description="Name of the model in paths and tables.")
    kind: Literal["draws", "regresses", "averages", "given", "combines"] = Field(
        "draws",
        description="`draws`: a network that makes probabilities of cines. `regresses`: one that tells areas or "
        "volumes without drawing. `averages`: the mean of what several that draw make. `given`: another tool's "
        "estimates, which cohorts of the readers `areas` and `masks` bring. `combines`: one forecast of what several "
        "measure, for the cohorts that all of them do.",
    )
    of: tuple[str, ...] = Field(
        (),
        description="`averages`: the models of kind `draws` whose mean it is. `combines`: the models, of any other "
        "kind, whose volumes and slices it forecasts from.",
    )
    training: str = Field(
        "",
        description="`regresses`: the model of kind `draws` whose head of areas it is, in place of a network of its "
        "own: one training, two models.",
    )
    view: str = Field("", description="`draws`, `regresses`: the view of section `resample` that it sees.")
    window: Window = Field(default_factory=Window, description="`draws`, `regresses`: what it sees of a slice.")
    network: str = Field("", description="`draws`, `regresses`: architecture, the name of a module in lvpipe/networks.")
    options: dict[str, Any] = Field(default_factory=dict, description="Arguments of that module's `build`.")
    labels: tuple[Label, ...] = Field(
        ("cavity",),
        min_length=1,
        description="`draws`: what the network's outputs are, each with a probability of its own; the cavity first.",
    )
    makes: Literal["prob", "areas", "volumes", "masks"] = Field(
        "prob",
        description="What it makes of a cine: `prob` if it draws, `areas` or `volumes` if it regresses, `areas` or "
        "`masks` if it is given.",
    )
    table: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="`given`: the name of its table (`areas/<table>.csv`) or its folder of masks; left out: "
        "`areas.csv`, or the masks in the cohort's folder itself.",
    )
    masks: tuple[str, ...] = Field((), description="`draws`, `regresses`: cohorts whose masks it learns from.")
    volumes: tuple[str, ...] = Field(
        (), description="`draws`, `regresses`: cohorts whose reference volumes it learns from (`train: volumes`)."
    )
    start: str = Field(
        "",
        description="`draws`, `regresses`: a model of the same network whose weights, of the same fold, it starts "
        "from.",
    )
    overrides: Overrides = Field(default_factory=Overrides, description="Settings of later stages for this model.")

    @property
    def trained(self) -> bool:
        """Whether it is a network that is trained here, for itself."""
        return self.kind in ("draws", "regresses") and not self.training

    @property
    def draws(self) -> bool:
        """Whether probabilities are made here, and masks of them."""
        return self.kind in ("draws", "averages")

    @property
    def regresses(self) -> bool:
        """Whether areas or volumes are told here, straight from pixels."""
        return self.kind == "regresses"

    @property
    def combines(self) -> bool:
        """Whether it forecasts from what others measure, and measures nothing itself."""
        return self.kind == "combines"

    @property
    def trained_as(self) -> str:
        """The model whose training it is: mostly its own."""
        return self.training or self.name

    def heading(self, trained: "ModelEntry") -> "ModelEntry":
        """With what follows from the model of whose training it is the head of areas.

        It learnt volumes as slices are summed up there, and so sums them up alike, unless it is told otherwise.
        """
        seen = {name: getattr(trained, name) for name in ("view", "window", "network", "options", "masks", "volumes")}
        integrate = self.overrides.integrate or trained.overrides.integrate
        return self._following({**seen, "overrides": self.overrides.model_copy(update={"integrate": integrate})})

    def averaging(self, members: Sequence["ModelEntry"]) -> "ModelEntry":
        """With what follows from the models that it averages, if any; boxes are told in the view of the first."""
        if not members:
            return self
        masks = dict.fromkeys(name for member in members for name in member.masks)
        return self._following({"view": members[0].view, "labels": members[0].labels, "masks": tuple(masks)})

    def _following(self, values: dict[str, Any]) -> "ModelEntry":
        """With values that follow from other models: nobody set them, so they are not written down as if."""
        completed = self.model_copy(update=values)
        completed.model_fields_set.intersection_update(self.model_fields_set)
        return completed

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"a model is called {name}, as a row of the tables is; expected another name")
        return name

    @model_validator(mode="after")
    def _kind_agrees(self) -> Self:
        faults = {
            "draws": self._drawing_faults,
            "regresses": self._regressing_faults,
            "averages": self._averaging_faults,
            "given": self._given_faults,
            "combines": self._combining_faults,
        }
        wrong = list(faults[self.kind]())
        if wrong:
            raise ValueError(f"the model {self.name} is of kind {self.kind}: {'; '.join(wrong)}")
        return self

    def _drawing_faults(self) -> Iterator[str]:
        yield from self._looking_faults()
        if self.makes != "prob":
            yield f"makes is {self.makes}, expected prob"
        if self.labels[0] != "cavity" or len(set(self.labels)) < len(self.labels):
            yield f"labels are {', '.join(self.labels)}, expected cavity first and each once"
        if not self.masks and not (self.start and self.volumes):
            yield "masks is empty; expected a cohort with masks to learn from, or a start and volumes"
        if self.training:
            yield "training is for kind regresses"
        yield from self._kept_from(("regress",), "concern models that regress")

    def _regressing_faults(self) -> Iterator[str]:
        if self.makes not in ("areas", "volumes"):
            yield f"makes is {self.makes}, expected areas or volumes"
        if self.training:
            yield from self._heading_faults()
        else:
            yield from self._looking_faults()
            if "labels" in self.model_fields_set:
                yield "labels is for kind draws"
            if not self.masks and not self.volumes:
                yield "masks and volumes are empty; expected a cohort to learn from"
        yield from self._kept_from(("segment", "postprocess"), "concern models that draw")

    def _heading_faults(self) -> Iterator[str]:
        """All but its name and what comes after it follows from the training (`Config`)."""
        own = ("view", "window", "network", "options", "labels", "masks", "volumes", "start", "table", "of")
        yield from (f"{key} follows from its training" for key in own if key in self.model_fields_set)
        if self.makes != "areas":
            yield f"makes is {self.makes}, expected areas: the head of areas of its training"
        yield from self._kept_from(("train",), "concern the model whose training it is")

    def _looking_faults(self) -> Iterator[str]:
        yield from (f"{key} is missing" for key in ("view", "network") if not getattr(self, key))
        yield from (
            f"{key} is for kind {kind}"
            for key, kind in (("table", "given"), ("of", "averages or combines"))
            if self._has(key)
        )

    def _averaging_faults(self) -> Iterator[str]:
        """View, labels and masks follow from its members (`Config`)."""
        yield from self._together_faults()
        yield from (f"{key} is for kind draws" for key in ("network", "options", *_TAUGHT) if self._has(key))
        yield from self._kept_from(("train", "segment", "regress"), "concern the models that it averages")
        if self.makes != "prob" or self.table:
            yield "makes and table are for kind given"

    def _combining_faults(self) -> Iterator[str]:
        """All but the forecast is its members' business."""
        yield from self._together_faults()
        seen = ("view", "window", "network", "options", "labels", "makes", "table", "masks", *_TAUGHT)
        yield from (f"{key} is for models that measure" for key in seen if key in self.model_fields_set)
        stages = (stage for stage in Overrides.model_fields if stage != "calibrate")
        yield from self._kept_from(stages, "concern the models that it combines")

    def _together_faults(self) -> Iterator[str]:
        if len(set(self.of)) < max(len(self.of), _FEWEST_TOGETHER):
            yield f"of is [{', '.join(self.of)}], expected two models or more, each once"

    def _given_faults(self) -> Iterator[str]:
        if self.makes not in ("areas", "masks"):
            yield f"makes is {self.makes}, expected areas or masks"
        drawing = ("view", "network", "options", "masks", *_TAUGHT)
        yield from (f"{key} is for kind draws" for key in drawing if self._has(key))
        if self.of:
            yield "of is for kind averages or combines"
        yield from self._kept_from(("train", "segment", "regress", "postprocess"), "concern no given estimates")

    def _has(self, key: str) -> bool:
        return bool(getattr(self, key))

    def _kept_from(self, stages: Iterable[str], why: str) -> Iterator[str]:
        yield from (f"overrides of {stage} {why}" for stage in stages if getattr(self.overrides, stage))
