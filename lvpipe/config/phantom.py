"""The section `phantom`: what the synthetic cohorts look like. Every range is (lowest, highest), drawn case by case."""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, NonNegativeFloat, NonNegativeInt, model_validator

from lvpipe.cases import SPLITS
from lvpipe.config.base import PathName, Section
from lvpipe.phantom.names import cases_up_to

WHOLE = "all"
"""The one key of `cases` in a layout that declares no split."""

_Pair = TypeVar("_Pair", tuple[float, float], tuple[int, int])


def _ascending(pair: _Pair) -> _Pair:
    if pair[0] > pair[1] or pair[0] < 0:
        raise ValueError(f"expected (lowest, highest) with 0 <= lowest <= highest, found {pair}")
    return pair


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
Count = Annotated[tuple[int, int], AfterValidator(_ascending)]
Rate = Annotated[float, Field(ge=0.0, le=1.0)]


class Populations(Section):
    """How often each kind of heart is drawn; the weights need not sum to one."""

    normal: NonNegativeFloat = Field(default=0.4, description="Weight of healthy hearts: EF 52 to 75 %.")
    dilated: NonNegativeFloat = Field(
        default=0.2, description="Weight of dilated hearts: large, thin-walled, EF 10 to 40 %."
    )
    hypertrophic: NonNegativeFloat = Field(
        default=0.2, description="Weight of thick-walled hearts: small cavity, EF 55 to 75 %."
    )
    infarct: NonNegativeFloat = Field(
        default=0.2, description="Weight of hearts with a wall region that no longer contracts."
    )

    @model_validator(mode="after")
    def _somebody(self) -> "Populations":
        if self.normal + self.dilated + self.hypertrophic + self.infarct <= 0:
            raise ValueError("all population weights are 0; give at least one a positive weight")
        return self


class Contrast(Section):
    """What the scanner makes of the tissues; the blood pool has signal 1."""

    myocardium: Range = Field(default=(0.25, 0.55), description="Signal of the heart muscle, as a fraction of blood.")
    fat: Range = Field(default=(0.7, 1.5), description="Signal of fat, as a fraction of blood.")
    organs: Range = Field(default=(0.2, 0.7), description="Signal of liver, spleen and bowel, as a fraction of blood.")
    lung: Range = Field(default=(0.02, 0.1), description="Signal of lung, as a fraction of blood.")
    flow: Range = Field(
        default=(0.03, 0.15), description="Unevenness of the blood signal (standard deviation, fraction)."
    )
    coil: Range = Field(
        default=(0.8, 6.0), description="How much brighter tissue is under the surface coil than far from it."
    )
    noise: Range = Field(
        default=(0.015, 0.06), description="Rician noise (standard deviation, fraction of blood signal)."
    )
    blur_pixels: Range = Field(default=(0.45, 0.9), description="In-plane point spread (standard deviation, pixels).")


class Irregularities(Section):
    """The rate, per case, of each irregularity of real exports; all but `absent_trigger_times` need layout kaggle."""

    duplicate_position: Rate = Field(
        default=0.1, description="A slice was taken twice; the last series is the good one."
    )
    rotated: Rate = Field(default=0.1, description="A slice is turned by 90 degrees in plane, and its header says so.")
    other_matrix: Rate = Field(default=0.1, description="A slice has another matrix size at the same pixel spacing.")
    other_spacing: Rate = Field(default=0.1, description="A slice has another pixel spacing.")
    in_between: Rate = Field(default=0.1, description="A slice lies between two regular positions.")
    other_orientation: Rate = Field(default=0.1, description="A sax folder holds a long-axis slice.")
    missing_frames: Rate = Field(default=0.1, description="A slice lacks one to three frames.")
    out_of_order: Rate = Field(
        default=0.1, description="File and instance numbers of a slice do not follow trigger times."
    )
    absent_trigger_times: Rate = Field(default=0.1, description="No slice states trigger times; excludes out_of_order.")
    missing_slices: Rate = Field(default=0.0, description="An inner slice was not exported; not beside three_slices.")
    outlying_position: Rate = Field(default=0.0, description="The first slice lies centimetres away from the stack.")
    three_slices: Rate = Field(default=0.0, description="Three slices are all that was exported.")
    stray_end: Rate = Field(
        default=0.0, description="One more slice beyond the apex, at no regular distance; not beside three_slices."
    )
    concatenated: Rate = Field(default=0.0, description="All slices without another fault are files of one folder.")
    large_matrix: Rate = Field(default=0.0, description="All images have 264 to 512 pixels a side, and finer ones.")
    special_spacing: Rate = Field(default=0.0, description="All images have pixels of 0.7 or 1.5 times the usual size.")
    other_frame_count: Rate = Field(
        default=0.0,
        description="A slice has five frames where others have six, over the same cycle; needs trigger times.",
    )


class PhantomCohort(Section):
    """One synthetic cohort, written as a real source would export it."""

    layout: Literal["sunnybrook", "kaggle"] = Field(description="Whose folders, headers and sheets to imitate.")
    cases: dict[str, NonNegativeInt] = Field(
        description="Number of cases per split (train, validate, test) in layout kaggle; `all: <number>` in sunnybrook."
    )
    first: int = Field(
        default=1, ge=1, le=9000, description="Number of the first case: cohorts that share no number share no patient."
    )
    frames: Count = Field(default=(20, 25), description="Frames in a cardiac cycle.")
    matrix: Count = Field(default=(160, 208), description="Pixels along the longer side of an image.")
    square: bool = Field(
        default=False, description="Whether images are square; else some are three quarters as wide as high."
    )
    field_mm: Range = Field(
        default=(270.0, 360.0), description="Field of view along the longer side; gives the pixel spacing."
    )
    slice_spacing_mm: Range = Field(default=(8.0, 10.0), description="Distance between slice positions.")
    slice_thickness_mm: Range = Field(default=(6.0, 8.0), description="Thickness of a slice; never above the spacing.")
    breath_hold_mm: Range = Field(default=(0.0, 3.0), description="Shift of a slice's anatomy (standard deviation).")
    trabeculae: Range = Field(
        default=(0.08, 0.25),
        description="How far trabeculae reach into the cavity near the apex, in radii: they are muscle to the eye and "
        "cavity to whoever draws.",
    )
    distractors: Count = Field(
        default=(0, 0),
        description="Round things beside the heart, bright as blood, that are no ventricle: domes of spleen or "
        "stomach, vessels; so many in each case.",
    )
    long_axis_frames: NonNegativeInt = Field(default=3, description="Frames of each 2ch and 4ch folder; 0 makes none.")
    vendors: tuple[Literal["SIEMENS", "GE", "PHILIPS"], ...] = Field(
        default=("SIEMENS", "GE", "PHILIPS"), min_length=1, description="Manufacturers whose headers and scales appear."
    )
    contrast: Contrast = Field(default_factory=Contrast, description="Tissue signals and image quality.")
    populations: Populations = Field(default_factory=Populations, description="Mix of healthy and diseased hearts.")
    irregularities: Irregularities = Field(default_factory=Irregularities, description="Rates of planted faults.")

    @model_validator(mode="after")
    def _splits_of_layout(self) -> "PhantomCohort":
        allowed = set(SPLITS) if self.layout == "kaggle" else {WHOLE}
        if not self.cases or not set(self.cases) <= allowed:
            found = ", ".join(sorted(self.cases)) or "nothing"
            raise ValueError(f"cases of layout {self.layout} need keys of {sorted(allowed)}; found {found}")
        return self

    @model_validator(mode="after")
    def _enough(self) -> "PhantomCohort":
        if self.frames[0] < 8 or self.matrix[0] < 48 or self.slice_spacing_mm[0] <= 0 or self.field_mm[0] < 150:
            raise ValueError("a phantom needs 8 frames, a matrix of 48, a field of 150 mm and a slice spacing above 0")
        return self


class PhantomOrder(Section):
    """All that one cohort's files depend on, so that a change in one cohort does not remake another."""

    seed: int
    cohort: PhantomCohort


class PhantomSettings(Section):
    """The synthetic cohorts of a run."""

    seed: int = Field(default=2016, description="Number from which every case follows; another seed, other hearts.")
    cohorts: dict[PathName, PhantomCohort] = Field(default_factory=dict, description="Synthetic cohorts by name.")

    def order(self, cohort: str, case: str | None = None) -> PhantomOrder:
        """What to pass to the stage for one cohort, or for one case of it, which cases added after it do not change."""
        wanted = self.cohorts[cohort]
        if case is not None:
            wanted = wanted.model_copy(update={"cases": cases_up_to(wanted, case)})
        return PhantomOrder(seed=self.seed, cohort=wanted)
