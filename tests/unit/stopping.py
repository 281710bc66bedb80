"""Trainings that stop in the middle, as a killed job does."""

import pytest

from lvpipe.learning.progress import Progress


def stop_at(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Let a training fail once it has told of this epoch."""
    real = Progress.tell

    def failing(self, row) -> None:
        real(self, row)
        if row.epoch == epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "tell", failing)
