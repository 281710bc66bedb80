import numpy as np
import pytest
from studies import plane, stack, view, write_shots

from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import to_mm


def converted(tmp_path, heights, **settings):
    conversion = Conversion(write_shots(tmp_path, stack(heights)), ConvertSettings(**settings))
    return *conversion.images(), conversion.account()


def rules(account):
    return [event["rule"] for event in account["events"]]


def test_gaps_stay_and_are_noted(tmp_path):
    cine, _, account = converted(tmp_path, (0, 8, 16, 32, 40))
    assert cine.array_tzyx.shape[1] == account["slices"] == 5
    assert rules(account) == ["note_gaps", "uneven_positions"]
    assert "up to 8.00 mm off" in account["events"][1]["what"]
    assert np.diff(account["positions_mm"]).tolist() == pytest.approx([8, 8, 16, 8], abs=1e-3)
    assert account["filled"] == []


def test_gaps_are_filled_between_their_neighbours(tmp_path):
    cine, reference, account = converted(tmp_path, (0, 8, 16, 40, 48), gaps="fill")
    assert cine.array_tzyx.shape[1] == reference.array_tzyx.shape[1] == account["slices"] == 7
    assert rules(account) == ["note_gaps", "fill_gaps", "fill_gaps"]
    assert account["filled"] == [3, 4]
    assert [bool(files) for files in account["slice_files"]] == [True, True, True, False, False, True, True]
    assert np.diff(account["positions_mm"]).tolist() == pytest.approx([8] * 6, abs=1e-3)
    assert [one["slice"] for one in account["found"]] == [0, 1, 2, 5, 6]
    for z, height in ((2, 16), (5, 40), (6, 48)):
        np.testing.assert_array_equal(cine.array_tzyx[3, z], view(plane(height), 3))
    assert (reference.array_tzyx[:, 3:5] == 255).all()


def test_filled_values_are_linear_in_position(tmp_path):
    shots = stack((0, 8, 16, 40, 48))
    study = write_shots(tmp_path, shots)
    for n, run in enumerate(f"sax_{n}" for n in range(1, 6)):
        paint(study, run, 100 * n)
    conversion = Conversion(study, ConvertSettings(gaps="fill"))
    cine, _ = conversion.images()
    assert cine.array_tzyx[:, :, 5, 5].tolist() == [[0, 100, 200, 233, 267, 300, 400]] * 8


def paint(study, run, value):
    from pydicom import dcmread

    for file in study.images:
        if file.run == run:
            header = dcmread(file.path)
            painted = np.full((header.Rows, header.Columns), value, np.int16)
            painted[0, 0] = -1  # an image of one value throughout is no image
            header.PixelData = painted.tobytes()
            header.save_as(file.path)


def test_the_affine_of_a_filled_stack_is_exact(tmp_path):
    cine, _, _ = converted(tmp_path, (0, 8, 16, 32, 40), gaps="fill")
    where = np.array(plane(40).origin_mm) * (-1, -1, 1)
    np.testing.assert_allclose(to_mm(cine.affine, np.array([[0.0, 0.0, 5.0]]))[0], where, atol=1e-3)
