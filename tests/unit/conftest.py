"""Fixtures of all unit tests; the folder of this file is on the import path, so `studies` can be imported."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_REAL = Path(os.environ.get("LVPIPE_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def sunnybrook_root() -> Path:
    root = _REAL / "sunnybrook"
    if not root.is_dir():
        pytest.skip(f"REAL DATA NOT TESTED: no {root}; set LVPIPE_DATA to the folder that holds sunnybrook/")
    return root


@pytest.fixture(scope="session")
def kaggle_root() -> Path:
    root = _REAL / "kaggle"
    if not root.is_dir():
        pytest.skip(f"REAL DATA NOT TESTED: no {root}; set LVPIPE_DATA to the folder that holds kaggle/")
    return root


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """Stages fix torch's threads and algorithms for their process, which here goes on to other tests."""
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(threads)
