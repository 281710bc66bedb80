"""What a table of areas says of one case: what is mended, and what is not believed."""

import numpy as np
import pytest

from lvpipe.area_cells import Cell, lay_out
from lvpipe.errors import Rejected

NAN = float("nan")
FRAMES, SLICES = 6, 4
AREAS = 1000.0 + 100 * np.array([5, 3, 1, 0, 2, 4])[:, None] + np.arange(SLICES)


def table(**odd):
    """The rows of a small heart, of which some say something else: `t2z1=-5`."""
    return [
        Cell(t, z, odd.get(f"t{t}z{z}", float(AREAS[t, z])), 500.0, 10.0 * z)
        for t in range(FRAMES)
        for z in range(SLICES)
    ]


def without(*places):
    return [cell for cell in table() if cell.place not in places]


def test_a_whole_table_is_taken_as_it_is():
    found = lay_out(table()[::-1])
    np.testing.assert_array_equal(found.cavity_tz_mm2, AREAS)
    assert (found.slices, found.mended) == ([0, 1, 2, 3], {})


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        (without((2, 1)), ["areas-filled"]),
        (table(t2z1=NAN), ["areas-filled"]),
        (table(t2z1=-5.0), ["areas-impossible", "areas-filled"]),
        (table(t2z1=float("inf")), ["areas-impossible", "areas-filled"]),
        ([*table(), Cell(2, 1, 1.0, 500.0, 10.0)], ["rows-twice", "areas-filled"]),
    ],
)
def test_an_area_that_is_not_known_comes_from_the_frames_beside_it(cells, flags):
    found = lay_out(cells)
    assert list(found.mended) == flags
    assert found.cavity_tz_mm2[2, 1] == (AREAS[1, 1] + AREAS[3, 1]) / 2
    found.cavity_tz_mm2[2, 1] = AREAS[2, 1]
    np.testing.assert_array_equal(found.cavity_tz_mm2, AREAS)


def test_the_first_frame_follows_the_last():
    found = lay_out(table(t0z3=NAN))
    assert found.cavity_tz_mm2[0, 3] == (AREAS[5, 3] + AREAS[1, 3]) / 2


def test_the_same_row_twice_counts_once():
    found = lay_out([*table(), *table()[:5]])
    np.testing.assert_array_equal(found.cavity_tz_mm2, AREAS)
    assert found.mended == {"rows-twice": "5 areas stand twice in the table, such as frame 0, slice 0"}


def drop(axis, number, places=range(FRAMES)):
    return without(*((place, number) if axis else (number, place) for place in places))


@pytest.mark.parametrize(
    ("cells", "shape", "told"),
    [
        (without((2, 0), (2, 1)), (5, 4), "frames: 5 used, 1 left out, 1 between them missing"),
        (drop(0, 3), (5, 4), "frames: 5 used, 0 left out, 1 between them missing"),
        (drop(1, 1, range(4)), (6, 3), "slices: 3 used, 1 left out, 1 between them missing"),
        ([*table(), Cell(2, 77, 9.0, NAN, NAN)], (6, 4), "slices: 4 used, 1 left out, 0 between them missing"),
        ([*table(), Cell(10**400, 0, 9.0, NAN, NAN)], (6, 4), "1 rows of frames or slices above 999 are left out"),
    ],
)
def test_what_is_mostly_missing_is_left_out(cells, shape, told):
    found = lay_out(cells)
    assert found.cavity_tz_mm2.shape == shape
    assert np.isfinite(found.cavity_tz_mm2).all()
    assert list(found.mended.values()) == [told]


def test_muscle_that_cannot_be_is_not_known_and_the_cavity_stays():
    cells = table()
    cells[6] = cells[6]._replace(myocardium_mm2=1e9)
    found = lay_out(cells)
    assert found.mended["areas-impossible"].startswith("1 areas cannot be, such as 1e+09 mm2 in frame 1, slice 2;")
    assert np.isnan(found.myocardium_tz_mm2).sum() == 1
    np.testing.assert_array_equal(found.cavity_tz_mm2, AREAS)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([cell._replace(cavity_mm2=cell.cavity_mm2 / 100) for cell in table()], "the largest area is 15.03 mm2"),
        (table()[:SLICES], "only 1 of 1 frames have most of 4 slices"),
        (
            [cell._replace(cavity_mm2=-1.0) for cell in table()],
            "24 areas cannot be, such as -1 mm2 in frame 0, slice 0",
        ),
        (
            [cell._replace(frame=1000) for cell in table()],
            "24 rows of frames or slices above 999 are left out; only 0 of 0",
        ),
    ],
)
def test_of_too_little_nothing_is_believed(cells, words):
    with pytest.raises(Rejected) as caught:
        lay_out(cells)
    assert words in str(caught.value)
