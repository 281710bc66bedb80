"""A short run of benchmarks/fuzz.py, and proof that its judge would see what must not be."""

from dataclasses import replace

import numpy as np
import pytest
from fuzzing import FRAMES, HEIGHTS_MM, Fuzz, Judge, kinds
from mutations import HEAVY

from lvpipe.cine.conversion import Conversion
from lvpipe.cine.ledger import DIGEST_SHOWN
from lvpipe.config.convert import ConvertSettings
from lvpipe.readers import kaggle

ROUNDS = 2


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory):
    return Fuzz(tmp_path_factory.mktemp("fuzz") / "7")


@pytest.mark.parametrize("kind", kinds())
def test_a_damaged_study_is_mended_told_or_rejected(fuzz, kind):
    verdicts = [fuzz.attack(kind, seed) for seed in range(ROUNDS)]
    assert not [fault for verdict in verdicts for fault in verdict.faults]
    assert all(verdict.outcome for verdict in verdicts)


@pytest.mark.parametrize("kind", HEAVY)
def test_what_would_fill_the_memory_is_left_out(fuzz, kind):
    verdict = fuzz.attack(kind, 0)
    assert (verdict.faults, verdict.outcome) == ([], "told")


def test_an_intact_study_passes_as_it_is(fuzz):
    cine, account = converted(fuzz)
    assert account["events"] == []
    assert cine.array_tzyx.shape[:2] == (FRAMES, len(HEIGHTS_MM))
    assert judged(fuzz, cine, account) == []


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda a: np.roll(a, 1, axis=3), "mm from where it is"),
        (lambda a: np.roll(a, 1, axis=2), "mm from where it is"),
        (lambda a: a[:, :, :, ::-1], "mm from where it is"),
        (lambda a: a[:, ::-1], "mm from where it is"),
        (lambda a: np.roll(a, 2, axis=0), "mm from where it is"),
        (lambda a: a[[0, 1, 0, 1, 0, 1]], "has the values of another"),
        (lambda a: np.where(np.arange(4)[:, None, None] == 2, 0, a), "a slice without content"),
        (lambda a: np.where(np.arange(4)[:, None, None] == 2, np.nan, a.astype(float)), "voxels that are no numbers"),
    ],
)
def test_the_judge_sees_content_that_moved(fuzz, harm, complaint):
    cine, account = converted(fuzz)
    assert any(complaint in fault for fault in judged(fuzz, replace(cine, array_tzyx=harm(cine.array_tzyx)), account))


def test_the_judge_sees_a_cine_that_lies_elsewhere(fuzz):
    cine, account = converted(fuzz)
    shifted = cine.affine.copy()
    shifted[:3, 3] += [0.7, 0.7, 0.7]
    assert any("mm from" in fault for fault in judged(fuzz, replace(cine, affine=shifted), account))


def test_the_judge_misses_slices_and_frames(fuzz):
    cine, account = converted(fuzz)
    slices = replace(cine, array_tzyx=cine.array_tzyx[:, 1:])
    lost = {key: account[key][1:] for key in ("slice_files", "positions_mm")}
    assert any("slice at" in fault and "gone" in fault for fault in judged(fuzz, slices, account | lost))
    frames = replace(cine, array_tzyx=cine.array_tzyx[1:])
    lost = {"slice_files": [files[1:] for files in account["slice_files"]], "times_ms": account["times_ms"][1:]}
    assert "frame 0 gone without an entry" in judged(fuzz, frames, account | lost)
    swapped = {"slice_files": [files[::-1] for files in account["slice_files"]]}
    assert any("in this order" in fault for fault in judged(fuzz, cine, account | swapped))


def converted(fuzz):
    conversion = Conversion(kaggle.read_study([fuzz.root]), ConvertSettings())
    cine, _ = conversion.images()
    return cine, conversion.account()


def judged(fuzz, cine, account):
    here = set(fuzz.by_content)
    return Judge(fuzz.by_content, here, {sha[:DIGEST_SHOWN] for sha in here}, cine, account).faults()
