"""Trainings that stop in the middle, as a killed job does."""

import pytest

from lvpipe.learning import loop


def stop_at(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Let a training fail once it has told of this epoch."""
    real = loop._tell

    def failing(row, *rest) -> None:
        real(row, *rest)
        if row.epoch == epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_tell", failing)
