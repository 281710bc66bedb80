"""Where voxels lie: images whose values are their own places in the patient say it themselves."""

from pathlib import Path

import numpy as np
import pytest
from studies import NORMAL, X, Y, plane

from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import to_mm, unit
from lvpipe.study import Frame, ImageFile, Study

RAS = np.diag([-1, -1, 1])
TOLERANCE_MM = 0.01


def cine_of_places(planes, axis):
    """The cine, and its ledger, of slices whose pixels hold their own position along one of the patient's axes."""
    shown = {Path(f"{n}"): one for n, one in enumerate(planes)}

    def decode(file, read):
        place = shown[file.path]
        rows, columns = np.indices(place.shape_yx)
        points = np.array(place.origin_mm) + np.stack([columns, rows], -1) @ place.steps_mm.T
        pixels = (points[..., axis] + 1000).astype(np.float32)  # never zero, which is what lies outside
        return [Frame(file, f"{file.path}", place, pixels, instance=t, trigger_ms=50.0 * t) for t in range(2)]

    files = tuple(ImageFile(path, str(path), (n,), n) for n, path in enumerate(shown))
    conversion = Conversion(Study(files, decode), ConvertSettings())
    return conversion.images()[0], conversion.account()


def places_off_mm(planes):
    """By how much each voxel's value and its place by the affine disagree, at worst, on any axis and in any slice."""
    worst = []
    for axis in range(3):
        cine, account = cine_of_places(planes, axis)
        z, y, x = np.indices(cine.array_tzyx.shape[1:])
        places = (to_mm(cine.affine, np.stack([x, y, z], -1).reshape(-1, 3).astype(float)) @ RAS)[:, axis] + 1000
        values = cine.array_tzyx[0].ravel()
        inside = whole(cine.array_tzyx[0]).ravel()
        assert inside.mean() > 0.3
        worst.append(np.abs(values - places)[inside].max())
    return max(worst), account


def whole(slices_zyx):
    """Voxels that are no mixture with what lies outside: away from the edge of what is not zero."""
    from scipy.ndimage import binary_erosion

    return np.stack([binary_erosion(one > 500, iterations=3) for one in slices_zyx])


HEIGHTS = (0, 8, 16, 24, 32)
DRIFTS = {
    "none": [(0.0, 0.0)] * 5,
    "whole pixels": [(1.5 * n, -3.0 * n) for n in range(5)],
    "sheared": [(0.7 * n, -1.1 * n) for n in range(5)],
    "breath-holds": [(0.0, 0.0), (0.4, 2.3), (-1.7, 0.9), (0.03, -0.02), (5.2, -4.4)],
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_slices_that_drift_in_plane_stay_where_they_are(drift):
    planes = [plane(height, shift=shift) for height, shift in zip(HEIGHTS, DRIFTS[drift], strict=True)]
    off, account = places_off_mm(planes)
    assert off < TOLERANCE_MM
    assert ("carry_to_grid" in {event["rule"] for event in account["events"]}) == (drift != "none")


OTHERS = {
    "turned": plane(16, x=Y, y=-X, shape=(48, 40)),
    "mirrored": plane(16, x=-X),
    "turned a little": plane(16, x=unit(X + 0.1 * Y), y=unit(Y - 0.1 * X)),
    "finer": plane(16, spacing=(0.7, 0.9), shape=(90, 80)),
    "coarser": plane(16, spacing=(2.1, 2.1), shape=(30, 36)),
    "smaller": plane(16, shape=(33, 37)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_slice_on_another_grid_stays_where_it_is(other):
    planes = [plane(height) for height in HEIGHTS]
    planes[2] = OTHERS[other]
    assert places_off_mm(planes)[0] < TOLERANCE_MM


@pytest.mark.parametrize("heights", [HEIGHTS, HEIGHTS[::-1], (0, 8.004, 15.998, 24, 32.003), (0, 8)])
def test_even_stacks_lie_where_their_headers_say(heights):
    off, account = places_off_mm([plane(height) for height in heights])
    assert off < TOLERANCE_MM
    assert account["events"] == []


@pytest.mark.parametrize(("heights", "told"), [((0, 8, 16, 26, 34), 2.0), ((0, 8.03, 16, 24, 32), 0.02)])
def test_uneven_stacks_say_how_far_they_are_drawn_off(heights, told):
    off, account = places_off_mm([plane(height) for height in heights])
    (event,) = [event for event in account["events"] if event["rule"] == "uneven_positions"]
    assert f"up to {told:.2f} mm off" in event["what"]
    assert off <= told * 1.5
    assert np.diff(account["positions_mm"]).tolist() == pytest.approx(np.diff(heights).tolist(), abs=1e-3)


def test_a_tilted_slice_says_how_far_it_is_drawn_off():
    planes = [plane(height) for height in HEIGHTS]
    planes[2] = plane(16, x=unit(X + 0.02 * NORMAL))
    off, account = places_off_mm(planes)
    (event,) = [event for event in account["events"] if event["rule"] == "lay_flat"]
    assert "1.15 degrees: corners lie up to 0.70 mm off" in event["what"]
    assert TOLERANCE_MM < off < 0.8
    assert [one["fate"] for one in account["found"]] == ["kept", "kept", "mended", "kept", "kept"]


def test_the_common_grid_is_the_most_central_and_says_what_falls_off():
    planes = [plane(height, shift=(3.0 * n, 0.0)) for n, height in enumerate(HEIGHTS)]
    cine, account = cine_of_places(planes, 0)
    middle = np.array([[0.0, 0.0, 2.0]])
    np.testing.assert_allclose(to_mm(cine.affine, middle)[0], np.array(planes[2].origin_mm) @ RAS, atol=1e-6)
    told = [event["what"] for event in account["events"] if event["rule"] == "carry_to_grid"]
    assert [what.partition("exactly, ")[2] for what in told] == [
        f"{share} of its pixels fall off the edges" for share in ("8.3%", "4.2%", "4.2%", "8.3%")
    ]


@pytest.mark.parametrize(
    ("kinds", "stored", "said"),
    [
        ((np.int16, np.int16), np.int16, 0),
        ((np.int16, np.uint16), np.int32, 0),
        ((np.int16, np.uint32), np.float32, 1),
        ((np.int16, np.float32), np.float32, 0),
    ],
)
def test_whole_numbers_that_no_32_bits_hold_together_are_told(kinds, stored, said):
    def decode(file, _):
        place = plane(8 * file.number)
        pixels = np.arange(np.prod(place.shape_yx), dtype=kinds[file.number]).reshape(place.shape_yx)
        return [Frame(file, "00", place, pixels, instance=t, trigger_ms=50.0 * t) for t in range(2)]

    files = tuple(ImageFile(Path(f"{n}"), f"{n}", (n,), n) for n in range(2))
    conversion = Conversion(Study(files, decode), ConvertSettings())
    cine, _ = conversion.images()
    events = [event for event in conversion.account()["events"] if event["rule"] == "round_wide_values"]
    assert (cine.array_tzyx.dtype, len(events)) == (stored, said)
    assert not said or "images of int16, uint32" in events[0]["what"]
