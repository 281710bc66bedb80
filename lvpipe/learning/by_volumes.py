"""The task of measuring volumes, in turns with that of drawing masks, if there are any: a stack is one batch."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from lvpipe.learning.apply import turned
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.fractions import By
from lvpipe.learning.legs import Leg, Size, Watched
from lvpipe.learning.measuring import Measurer, Told, moved_most, settled_norms
from lvpipe.learning.millilitres import crps, l1, l2
from lvpipe.learning.rounds import plan_lessons
from lvpipe.learning.sampled import SampledTask
from lvpipe.learning.stacks import Stack, Stacks
from lvpipe.learning.store import Samples
from lvpipe.turns import SETS, WAYS, Turn

if TYPE_CHECKING:
    from torch import Tensor, nn

_BOTH = (0, 1)
"""End-diastole and end-systole, as they stand in a case's pick and in its volumes."""


class Shown(NamedTuple):
    """A stack that teaches: in which of its two frames, or in both, and how it is turned."""

    case: str
    phases: tuple[int, ...]
    turn: Turn


class ByVolumes:
    """Reference volumes as teachers; the frames that they are those of are picked by the network itself."""

    def __init__(
        self,
        stacks: Stacks,
        learn: Sequence[str],
        watch: Sequence[str],
        measurer: Measurer,
        masks: SampledTask[Samples] | None,
        draws: bool,
        studies: bool,
        started: bool = False,
    ) -> None:
        """`draws`: the network draws too; `studies`: it sees all frames at once, and learns of both in one step;
        `started`: it comes with weights that were taught elsewhere.
        """
        self.stacks, self.learn, self.watch, self.measurer = stacks, learn, watch, measurer
        self.masks, self.draws, self.blank = masks, draws, not (masks or started)
        self.settings, self.teaching = measurer.settings, measurer.settings.volumes
        self.lessons = plan_lessons(self.teaching, self.settings.epochs, masks is not None, started)
        phases = [_BOTH] if studies else [(phase,) for phase in _BOTH]
        ways = WAYS[self.teaching.turns]
        self.shows = [Shown(case, phase, turn) for case in learn for phase in phases for turn in ways]
        self.score = masks.score if masks else "1 - volume error"
        self.random = masks.random if masks else torch.Generator().manual_seed(self.settings.seed)
        self.augment = Augmenter(self.settings.augmentation, self.settings.seed, self.random)
        self.picks: dict[str, list[int]] = {}
        self.lesson = self.lessons[0][0]
        self.shown: Shown | None = None

    @property
    def legs(self) -> list[Leg]:
        """Masks alone, then each round."""
        slices = sum(self.stacks.slices(show.case) * len(show.phases) for show in self.shows)
        volumes = Size(slices, len(self.shows))
        masks = self.masks.size if self.masks else Size(0, 0)
        return [[_size(masks, lesson.masks, volumes, lesson.volumes) for lesson in leg] for leg in self.lessons]

    def prepare(self, network: "nn.Module", epoch: int) -> None:
        """Know what this epoch teaches; pick the frames, if it is time."""
        self.lesson = [lesson for leg in self.lessons for lesson in leg][epoch]
        if self.lesson.picks:
            self._pick(network)

    def batches(self, order: np.random.Generator) -> Iterator[Any]:
        """Masks first, then one stack after another, both in the order of a fresh draw."""
        if self.masks and self.lesson.masks:
            self.shown = None
            yield from self.masks.batches(order)
        if self.lesson.volumes:
            for i in order.permutation(len(self.shows)):
                self.shown = self._drawn(self.shows[i], order)
                yield self.shown

    def loss(self, network: "nn.Module", batch: Any) -> "Tensor":
        """The loss of drawn images, or of one stack's volumes."""
        if not isinstance(batch, Shown):
            assert self.masks, "only a task of masks has batches of its own"
            return self.masks.loss(network, batch)
        stack = self.stacks.read(batch.case)
        picked = [self.picks[batch.case][phase] for phase in batch.phases]
        with settled_norms(network, len(stack.positions_mm) < self.teaching.batch_norm_slices):
            told = self.measurer.frames(network, stack, picked, lambda x: self._show(x, batch.turn), self.teaching.by)
        return self.teaching.weight * self._error(told, stack, batch.phases)

    def _drawn(self, show: Shown, order: np.random.Generator) -> Shown:
        turns = SETS["all"]
        return show._replace(turn=turns[order.integers(len(turns))]) if self.teaching.turns == "drawn" else show

    def _show(self, images: "Tensor", turn: Turn) -> "Tensor":
        images = turned(images, turn)
        return self.augment.relight(images) if self.teaching.light else images

    def whose(self) -> list[str]:
        """The cases of the latest batch."""
        if self.shown:
            return [self.shown.case]
        return self.masks.whose() if self.masks else []

    def evaluate(self, network: "nn.Module") -> Watched:
        """The losses of masks and, once they teach, of volumes: of the extremes of all frames, as in use.

        Together, so that what is best for the few watched volumes is not kept where it has forgotten how to draw.
        """
        found = [self._judge(network, self.stacks.read(case)) for case in self.watch]
        losses, errors_ml, volumes_ml = (np.mean(column) for column in zip(*found, strict=True))
        drawn = self.masks.evaluate(network) if self.masks else Watched(0.0, float(1 - errors_ml / volumes_ml))
        measured = self.teaching.weight * float(losses) if self.lesson.volumes else 0.0
        return Watched(drawn.loss + measured, drawn.score, float(errors_ml))

    def state(self) -> dict[str, Any]:
        """The frames as they were picked."""
        return {"picks": self.picks}

    def restore(self, state: dict[str, Any]) -> None:
        """Take a state."""
        self.picks = state["picks"]

    def _pick(self, network: "nn.Module") -> None:
        picks = {case: self._pick_of(network, self.stacks.read(case)) for case in self.learn}
        changed = sum(picks[case] != self.picks.get(case) for case in self.learn)
        self.picks = picks
        print(f"picked the frames of {len(self.learn)} cases, {changed} of them others than before", flush=True)

    def _pick_of(self, network: "nn.Module", stack: Stack) -> list[int]:
        """The largest and the smallest frame. At first by what is drawn, since the head of areas knows nothing yet; of
        a network that knows nothing at all, the first frame and the one that differs most from it.
        """
        if not self.picks and self.blank:
            return [0, moved_most(stack)]
        by: By = "prob" if not self.picks and self.draws else self.teaching.by
        curve_ml = self.measurer.curve(network, stack, by).volumes_ml
        return [int(curve_ml.argmax()), int(curve_ml.argmin())]

    def _judge(self, network: "nn.Module", stack: Stack) -> tuple[float, float, float]:
        """Loss, error in mL and volume of a watched case, each the mean of EDV and ESV."""
        curve = self.measurer.curve(network, stack, self.teaching.by)
        told = curve.only([int(curve.volumes_ml.argmax()), int(curve.volumes_ml.argmin())])
        references = _references(stack, _BOTH, told.volumes_ml)
        error_ml = (told.volumes_ml - references).abs().mean()
        return float(self._error(told, stack, _BOTH)), float(error_ml), float(references.mean())

    def _error(self, told: Told, stack: Stack, phases: Sequence[int]) -> "Tensor":
        errors_ml = told.volumes_ml - _references(stack, phases, told.volumes_ml)
        scale_ml = self.teaching.scale_ml
        if self.teaching.loss == "l2":
            return l2(errors_ml, scale_ml).mean()
        if self.teaching.loss == "crps" and told.sds_ml is not None:
            return crps(errors_ml, told.sds_ml, scale_ml).mean()
        return l1(errors_ml, scale_ml).mean()


def _references(stack: Stack, phases: Sequence[int], like: "Tensor") -> "Tensor":
    volumes = (stack.edv_ml, stack.esv_ml)
    return like.new_tensor([volumes[phase] for phase in phases])


def _size(masks: Size, drawn: bool, volumes: Size, measured: bool) -> Size:
    parts = [size for size, wanted in ((masks, drawn), (volumes, measured)) if wanted]
    return Size(sum(part.images for part in parts), sum(part.steps for part in parts))
