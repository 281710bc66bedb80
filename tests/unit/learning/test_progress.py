"""What is said of a training while it runs."""

import io

import pytest

from lvpipe.learning.loop import Epoch
from lvpipe.learning.progress import Progress, duration

ROW = Epoch(2, 0.1, 0.5, 0.25, 0.9, best=True)


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("lvpipe.learning.progress.time.perf_counter", lambda: now[0])
    return now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(clock, monkeypatch, out: io.StringIO) -> str:
    """The second of ten epochs: four batches of 10 s, and 8 s of watching."""
    monkeypatch.setattr("sys.stdout", out)
    progress = Progress(epochs=10, score="Dice")
    for _ in progress.follow(range(4), 2, images=80, steps=4):
        clock[0] += 10
    clock[0] += 8
    progress.tell(ROW)
    return out.getvalue()


END = "epoch 2/10: loss 0.5000, watched 0.2500, Dice 0.9000 (best); 2 images/s, at most 6 min left\n"


def test_a_log_gets_one_plain_line_an_epoch(clock, monkeypatch):
    assert told(clock, monkeypatch, io.StringIO()) == END


def test_a_terminal_gets_a_live_line_that_goes_when_the_epoch_ends(clock, monkeypatch):
    lines = told(clock, monkeypatch, Terminal()).split("\r\x1b[K")
    assert lines[1] == "epoch 2/10: batch 1/4, 2 images/s, about 6 min left"
    assert lines[3] == "epoch 2/10: batch 3/4, 2 images/s, about 6 min left"
    assert lines[-1] == END


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59, "59 s"), (61, "1 min"), (3590, "60 min"), (3700, "1 h 02 min"), (36000, "10 h 00 min")],
)
def test_durations_are_read_at_a_glance(seconds, words):
    assert duration(seconds) == words
