"""Settings of the stage `convert`: what is mended, what is dropped, when a case is rejected."""

from typing import Literal

from pydantic import Field

from lvpipe.config.base import Section


class Completeness(Section):
    """When a stack is too incomplete for a volume, whoever drew on it."""

    slices_for_volume: int = Field(
        4, ge=1, description="A stack with fewer slices is converted, but marked incomplete: no volume to trust."
    )
    volume_gap_steps: float = Field(
        2.5, gt=1, description="A stack with a gap wider than this many usual spacings is marked incomplete."
    )
    volume_extent_mm: float = Field(
        30.0, ge=0, description="A stack that covers less than this, from edge to edge, is marked incomplete."
    )


class ConvertSettings(Completeness):
    """Tolerances of the repair rules (docs/convert.md has an example of each)."""

    same_slice_within_mm: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Images of one series are one slice when no pixel of theirs lies further apart than this.",
    )
    orientation_tolerance_degrees: float = Field(
        5.0, gt=0, lt=45, description="Slices tilted further than this against most others are dropped."
    )
    frame_share_required: float = Field(
        0.5, ge=0, lt=1, description="A slice with no more than this share of the usual number of frames is dropped."
    )
    duplicate_within_mm: float = Field(
        2.0,
        ge=0,
        description="Slices closer than this are one slice acquired again: `duplicates` says which of them stays.",
    )
    off_grid_share: float = Field(
        0.25, gt=0, le=0.5, description="Slices further than this share of the spacing off the regular positions go."
    )
    grid_slices_share_required: float = Field(
        0.6, gt=0, le=1, description="With fewer slices than this share on a regular grid, the stack stays irregular."
    )
    outlying_gap_steps: float = Field(
        2.5, gt=1, description="A gap wider than this many spacings separates outlying slices from the stack."
    )
    outlying_slices_max: int = Field(
        1, ge=0, description="Groups of at most this many slices behind such a gap are dropped; 0 keeps all."
    )
    grid_tolerance_mm: float = Field(
        0.01,
        gt=0,
        le=1,
        description="Slices whose corners lie within this of the common pixel grid are not resampled.",
    )
    duplicates: Literal["last_acquired", "most_alike"] = Field(
        "last_acquired",
        description="Which of several slices at one position stays: the one acquired last, or the one whose mean over "
        "time correlates best with the slices on either side.",
    )
    gaps: Literal["keep", "fill"] = Field(
        "keep",
        description="What becomes of missing slices: nothing is put there, or a slice interpolated from its neighbours "
        "(255 in the reference).",
    )
    cycle_range_ms: tuple[float, float] = Field(
        (250.0, 2500.0),
        description="Length of a heart cycle (240 to 24 beats a minute) that a header is believed to tell.",
    )
    nominal_cycle_ms: float = Field(1000.0, gt=0, description="Heart cycle assumed where no header tells it.")
    slices_min: int = Field(
        2, ge=1, description="A case with fewer usable slices is rejected: no spacing can be known."
    )
    frames_min: int = Field(2, ge=1, description="A case with fewer common frames is rejected: no ED and ES.")
    undrawn_slices: Literal["as_source", "background", "unknown"] = Field(
        "as_source",
        description="Slices without a drawing in a frame that the expert drew: `background` (no cavity there, as the "
        "Sunnybrook protocol means it), `unknown` (label 255), or what the source's reader says.",
    )

    def completeness(self) -> Completeness:
        """The part of these that holds for given estimates too."""
        return Completeness(**{name: getattr(self, name) for name in Completeness.model_fields})
