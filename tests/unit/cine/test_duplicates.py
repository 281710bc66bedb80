import numpy as np
import pytest
from studies import X, Y, plane, stack, told, view, write_shots

from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings

NOISE = 400.0


def spoilt(study, run, rng, after=0):
    """Every image of a run (beyond a number) gets noise, as of a patient who breathed."""
    from pydicom import dcmread

    for file in study.images:
        if file.run == run and file.number > after:
            header = dcmread(file.path)
            noisy = header.pixel_array + rng.normal(0, NOISE, header.pixel_array.shape)
            header.PixelData = noisy.astype(np.int16).tobytes()
            header.save_as(file.path)


@pytest.mark.parametrize(
    ("setting", "rule", "bad", "kept"),
    [
        ("last_acquired", "keep_last_acquired", "sax_9", 9),
        ("most_alike", "keep_most_alike", "sax_9", 3),
        ("most_alike", "keep_most_alike", "sax_3", 9),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_which_of_two_slices_at_one_position_stays(tmp_path, setting, rule, bad, kept, turned):
    again = plane(16, x=Y, y=-X, shape=(48, 40)) if turned else plane(16)
    shots = [*stack(), *stack((16,))]
    shots[-1].plane, shots[-1].series, shots[-1].run = again, 9, "sax_9"
    study = write_shots(tmp_path, shots)
    spoilt(study, bad, np.random.default_rng(1))
    conversion = Conversion(study, ConvertSettings(duplicates=setting))
    cine, _ = conversion.images()
    (event,) = told(conversion.ledger, rule)
    (dropped,) = [one for one in conversion.ledger.found if one.dropped]
    assert (dropped.dropped, dropped.acquired[0]) == (rule, 12 - kept)
    assert event.position_mm == pytest.approx(dropped.position_mm, abs=1e-3)
    assert (np.abs(cine.array_tzyx[0, 2] - view(plane(16))).max() < 1) == (bad != f"sax_{kept}")


def test_three_at_one_position_leave_one(tmp_path):
    shots = [*stack(), *stack((8, 9.5))]
    for n, shot in enumerate(shots[5:]):
        shot.series, shot.run = 10 + n, f"sax_{10 + n}"
    for setting in ("last_acquired", "most_alike"):
        conversion = Conversion(write_shots(tmp_path, shots), ConvertSettings(duplicates=setting))
        conversion.images()
        assert sum(bool(one.dropped) for one in conversion.ledger.found) == 2
        assert conversion.account()["slices"] == 5


def doubled(tmp_path, series, noisy):
    """A stack with one slice twice, the second in a folder of its own; what the ledger says of the one that goes."""
    shots = [*stack(), *stack((16,))]
    shots[-1].series, shots[-1].run = series, "sax_9"
    study = write_shots(tmp_path, shots)
    if noisy:
        spoilt(study, "sax_9", np.random.default_rng(1))
    conversion = Conversion(study, ConvertSettings())
    conversion.images()
    (event,) = told(conversion.ledger, "keep_last_acquired")
    return event.what


@pytest.mark.parametrize(
    ("series", "noisy", "why"),
    [
        (9, True, "from one acquired later"),
        (3, True, "from another, and nothing tells which is later"),
        (3, False, "from one with the same pixels, a copy"),
        (9, False, "from one with the same pixels, a copy"),
    ],
)
def test_the_ledger_claims_no_more_than_the_source_tells(tmp_path, series, noisy, why):
    assert doubled(tmp_path, series, noisy) == f"slice 0.00 mm {why}, dropped"


def test_numbers_tell_which_repeat_was_later(tmp_path):
    """Twice the frames in one folder: the second half of the numbers is the later scan."""
    shots = stack()
    shots[2].frames = tuple(range(8)) * 2
    study = write_shots(tmp_path, shots)
    spoilt(study, "sax_3", np.random.default_rng(1), after=8)
    conversion = Conversion(study, ConvertSettings())
    conversion.images()
    assert "acquired later" in told(conversion.ledger, "keep_last_acquired")[0].what
