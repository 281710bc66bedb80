"""Settings of the stage `detect`: where the heart is."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lvpipe.config.base import Section
from lvpipe.config.loop import BatchImages, Epochs, LearningRate, LoopSettings, Patience, WeightDecay
from lvpipe.config.network_job import NetworkJob

Method = Literal["lbp_cnn", "mean_deltas", "fourier", "locator", "consensus", "reference", "centre"]
"""Names of modules in lvpipe/detection/methods, and what these agree on."""

CONSENSUS: Literal["consensus"] = "consensus"

LEARNT: dict[str, tuple[str, ...]] = {
    "lbp_cnn": ("cascade", "classifier", "fitter"),
    "locator": ("locator",),
}
"""What a method must have learnt before it finds anything: parts of `results/detect/{view}/fold-{fold}`."""

_LEARNING = ("masks", "cascade", "classifier", "fitter", "locator")
"""Settings that show in the learnt parts alone."""


class CascadeSettings(Section):
    """The cascade that proposes squares: multi-block local binary patterns, boosted (Liao et al., section 4.3)."""

    seed: int = Field(1, ge=0, description="Seed of which examples are drawn.")
    window_px: int = Field(24, ge=12, le=64, description="Side of the window that features lie in.")
    positives: int = Field(900, ge=10, description="Most squares around hearts that it learns from.")
    negatives_per_positive: float = Field(10.0, gt=0, description="Squares without a heart for each with one.")
    negative_iou: float = Field(0.3, gt=0, lt=1, description="Squares that overlap a heart's less are without one.")
    hit_rate: float = Field(0.995, gt=0.5, le=1, description="Share of hearts that each stage lets pass, at least.")
    false_alarm: float = Field(0.5, gt=0, lt=1, description="Share of the rest that each stage lets pass, at most.")
    overall_false_alarm: float = Field(
        1e-5, gt=0, lt=1, description="Share of all squares without a heart at which no further stage is learnt."
    )
    weak_learners: int = Field(100, ge=1, description="Most look-up tables in a stage.")
    stages: int = Field(20, ge=1, description="Most stages.")
    features: int | None = Field(
        None, ge=50, description="Features that each stage chooses from, drawn anew; None: all that fit in the window."
    )
    images: int = Field(
        3000, ge=1, description="Most images, in some size each, in which the negatives of a stage are sought."
    )


class ProposalSettings(Section):
    """Which squares are asked about, and how many are kept."""

    slices: int = Field(3, ge=1, description="Slices in the middle of the stack in which squares are proposed.")
    side_mm: tuple[float, float] = Field((36.0, 150.0), description="Smallest and largest side of a square.")
    scale_factor: float = Field(1.1, ge=1.02, le=2, description="Ratio of each side to the next smaller one.")
    step: int = Field(2, ge=1, le=8, description="Step between windows, in pixels of the cascade's window.")
    most: int = Field(100, ge=1, description="Most proposals of a slice, by neighbours; of a grid's squares, by score.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 < self.side_mm[0] < self.side_mm[1]:
            raise ValueError(f"side_mm is {list(self.side_mm)}; expected 0 < first < second")
        return self


class ClassifierSettings(LoopSettings):
    """How the network learns that tells the heart's square from others (Liao et al., Table I)."""

    epochs: Epochs = 10
    batch_images: BatchImages = 128
    learning_rate: LearningRate = 0.008
    right_iou: float = Field(0.7, gt=0, le=1, description="A square that overlaps the heart's this much is right.")
    wrong_iou: float = Field(0.3, ge=0, lt=1, description="One that overlaps less is wrong; between them it is partly.")
    slice_images: int = Field(100, ge=4, description="Squares of each drawn slice that it learns from.")
    epoch_images: int = Field(4000, ge=1, description="Most squares in one epoch, a fresh draw each.")


class FitterSettings(LoopSettings):
    """How the network learns that moves and sizes a square to the heart that it nearly shows."""

    epochs: Epochs = 10
    batch_images: BatchImages = 64
    learning_rate: LearningRate = 0.003
    weight_decay: WeightDecay = 1e-3
    slice_images: int = Field(40, ge=1, description="Squares about that of each drawn slice that it learns from.")
    epoch_images: int = Field(6400, ge=1, description="Most squares in one epoch, a fresh draw each.")


class RefineSettings(Section):
    """How the heart is followed from the middle slice outward."""

    by: Literal["fit", "walk"] = Field(
        "fit",
        description="`fit`: a network moves and sizes the neighbour's square to what it sees. `walk`: squares about "
        "the neighbour's are tried, and the classifier chooses (Liao et al., section 4.5).",
    )
    sides: tuple[Annotated[float, Field(gt=0.1, le=2)], ...] = Field(
        (0.6, 0.7, 0.8, 0.9, 1.0, 1.1),
        min_length=1,
        description="`walk`: sides to try, as shares of the neighbour's; a second, finer look may add a tenth.",
    )
    step_share: float = Field(
        0.05, ge=0.01, le=0.5, description="`walk`: step between places to try, as a share of its side."
    )
    reach_share: float = Field(
        0.2,
        ge=0,
        le=0.5,
        description="`walk`: how far places to try lie off, as a share of its side; a finer look may add a step.",
    )
    least_score: float = Field(
        0.5, ge=0, le=1, description="A square that scores less is none: the neighbour's holds in this slice too."
    )


class LocatorSettings(LoopSettings):
    """How the network learns that regresses the heart's middle and size from a whole slice."""

    patience: Patience = 25  # one cosine: what it learns settles at its end
    batch_images: BatchImages = 16
    learning_rate: LearningRate = 0.003


class MotionSettings(Section):
    """The methods that follow what moves: `mean_deltas` and `fourier`."""

    band_mm: float = Field(60.0, gt=0, description="`mean_deltas`: width of the bands over which change is averaged.")
    refine: Literal["ring", "none"] = Field(
        "ring",
        description="`ring`: the centre moves to the best bright disk in a dark ring; what moves most is often the "
        "right ventricle. `none`: it stays (paper 000).",
    )
    reach_mm: float = Field(70.0, gt=0, description="How far, along each axis, `refine` may move a centre.")
    per: Literal["slice", "study"] = Field(
        "study", description="`mean_deltas`: a centre for each slice, or the study's median centre for all its slices."
    )


class DetectSettings(NetworkJob):
    """One square per slice around the heart."""

    method: Method = Field(
        "lbp_cnn",
        description="`lbp_cnn`: a cascade proposes squares, a network chooses (paper 002). `locator`: a network "
        "regresses middle and size. `mean_deltas`, `fourier`: what moves (paper 000; the first harmonic over time). "
        "`consensus`: the one that most of `rivals` agree with. `reference`: what the expert drew. `centre`: the "
        "middle of the image.",
    )
    rivals: tuple[Method, ...] = Field(
        ("fourier",), description="Methods that are asked too; a study on which they disagree is flagged."
    )
    agree_mm: float = Field(25.0, gt=0, description="Methods agree whose middles of a study are no farther apart.")
    masks: tuple[str, ...] = Field(
        (), description="Cohorts whose masks it learns from; none named: every cohort with masks."
    )
    side_mm: float = Field(110.0, gt=10, description="Side of the squares of methods that find a middle alone.")
    margin: float = Field(1.2, ge=1, le=3, description="Side of a square, as a multiple of the heart's outer border.")
    motion: MotionSettings = Field(default_factory=MotionSettings, description="Methods that follow what moves.")
    cascade: CascadeSettings = Field(default_factory=CascadeSettings, description="What proposes squares.")
    proposals: ProposalSettings = Field(default_factory=ProposalSettings, description="Which are asked about.")
    classifier: ClassifierSettings = Field(default_factory=ClassifierSettings, description="What chooses.")
    refine: RefineSettings = Field(default_factory=RefineSettings, description="From the middle slice outward.")
    fitter: FitterSettings = Field(default_factory=FitterSettings, description="The network that fits squares.")
    locator: LocatorSettings = Field(default_factory=LocatorSettings, description="The regressing network.")

    def finding(self) -> Self:
        """What is left where the parts have been learnt."""
        unlearnt = {name: type(self).model_fields[name].get_default(call_default_factory=True) for name in _LEARNING}
        return self.model_copy(update=unlearnt)

    @property
    def asked(self) -> tuple[Method, ...]:
        """The methods that look at a case: the one that decides, then its rivals; a consensus does not look itself."""
        return tuple(dict.fromkeys(name for name in (self.method, *self.rivals) if name != CONSENSUS))

    @property
    def learnt(self) -> tuple[str, ...]:
        """The parts that must be learnt for them."""
        unused = {"fitter"} if self.refine.by == "walk" else set()
        parts = dict.fromkeys(part for method in self.asked for part in LEARNT.get(method, ()))
        return tuple(part for part in parts if part not in unused)

    @model_validator(mode="after")
    def _rivals_can_vote(self) -> Self:
        if CONSENSUS in self.rivals:
            raise ValueError("rivals names consensus, which is asked of the rivals; expected other methods there")
        if self.method == CONSENSUS and len(self.rivals) < 2:
            raise ValueError(f"method is consensus, rivals are {list(self.rivals)}; expected at least two to agree")
        return self
