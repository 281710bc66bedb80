"""How far a training is, for who waits for it; seconds are said here and kept nowhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from lvpipe.learning.loop import Epoch

Batch = TypeVar("Batch")

_LINE_S = 0.2
"""Seconds between two changes of the live line; more often nobody can read it."""

_SHORTEST_S = 1e-6
"""Of an epoch: nothing is divided by 0."""

_MINUTE_S, _HOUR_S = 60, 3600


class Progress:
    """A live line within an epoch, on a terminal; a plain line after it, anywhere."""

    def __init__(self, epochs: int, score: str) -> None:
        self._epochs, self._score = epochs, score
        self._images = self._steps = 0
        self._live = sys.stdout.isatty()
        self._done = 0
        self._spent_s = 0.0
        self._started_s = time.perf_counter()
        self._trained_s = 0.0

    def follow(self, batches: Iterable[Batch], epoch: int, images: int, steps: int) -> Iterator[Batch]:
        """The batches of this epoch, so many with so many images, each told of when the next one is wanted."""
        self._images, self._steps = images, steps
        self._started_s = told_s = time.perf_counter()
        for step, batch in enumerate(batches):
            now_s = time.perf_counter()
            if self._live and step and now_s - told_s > _LINE_S:
                told_s = now_s
                self._draw(epoch, step)
            yield batch
        self._trained_s = time.perf_counter() - self._started_s

    def tell(self, row: "Epoch") -> None:
        """The line of an epoch that was learnt and watched."""
        self._done += 1
        self._spent_s += time.perf_counter() - self._started_s
        left_s = (self._epochs - row.epoch) * self._spent_s / self._done
        left = f", at most {duration(left_s)} left" if left_s else ""
        print(
            f"{self._wipe()}epoch {row.epoch}/{self._epochs}: loss {row.train_loss:.4f}, watched {row.watch_loss:.4f}, "
            f"{self._score} {row.watch_score:.4f}{' (best)' if row.best else ''}; "
            f"{self._images / max(self._trained_s, _SHORTEST_S):.0f} images/s{left}",
            flush=True,
        )

    def _draw(self, epoch: int, step: int) -> None:
        rate = step / (time.perf_counter() - self._started_s)
        left_s = ((self._epochs - epoch + 1) * self._steps - step) / rate
        images_per_s = rate * self._images / self._steps
        line = f"epoch {epoch}/{self._epochs}: batch {step}/{self._steps}, {images_per_s:.0f} images/s, "
        print(f"{self._wipe()}{line}about {duration(left_s)} left", end="", flush=True)

    def _wipe(self) -> str:
        """Back to the start of a terminal's line, and what stands there goes."""
        return "\r\x1b[K" if self._live else ""


def duration(seconds: float) -> str:
    """Seconds as one reads a clock: 40 s, 12 min, 3 h 05 min."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE_S)
    if seconds < _HOUR_S:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"
