"""Where dcm2niix is there: its voxels and its places are those of `convert`."""

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "dcm2niix.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("dcm2niix_benchmark", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if module.find_dcm2niix() is None:
        pytest.skip("NOT COMPARED WITH DCM2NIIX: none beside this Python or on PATH; pip install dcm2niix")
    return module


def assert_same(found, within_mm):
    assert (found.unmatched, found.voxels) == (0, 0)
    assert found.slices > 5
    assert found.corner_mm < within_mm


@pytest.mark.parametrize("layout", ["sunnybrook", "kaggle"])
def test_a_regular_phantom_is_the_same(benchmark, layout, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "REGULAR", {layout: {"sunnybrook": {"all": 1}, "kaggle": {"train": 1}}[layout]})
    ((reader, study),) = benchmark.phantom_studies(tmp_path)
    assert_same(benchmark.compare(benchmark.find_dcm2niix(), reader, study, tmp_path), 1e-3)


def test_a_real_cine_is_the_same(benchmark, sunnybrook_root, tmp_path):
    (_, study), *_ = benchmark.real_studies(sunnybrook_root / "SCD_IMAGES")
    assert_same(benchmark.compare(benchmark.find_dcm2niix(), "sunnybrook", study, tmp_path), 1e-3)
