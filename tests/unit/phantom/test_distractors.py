import numpy as np
import pytest

from lvpipe.config.phantom import Irregularities, PhantomCohort, PhantomOrder
from lvpipe.phantom.case import build_case
from lvpipe.phantom.distractors import Distractor

NONE = dict.fromkeys(Irregularities.model_fields, 0.0)


def case(distractors=(0, 0), name="1"):
    settings = {
        "layout": "kaggle",
        "cases": {"train": 9},
        "matrix": (128, 128),
        "frames": (8, 8),
        "irregularities": NONE,
    }
    return build_case("d", name, PhantomOrder(seed=3, cohort=PhantomCohort(**settings, distractors=distractors)))


@pytest.fixture(scope="module")
def many():
    return [case((3, 3), str(number)) for number in range(1, 9)]


def test_a_case_without_them_is_what_it_was(many):
    plain, beside = case(), many[0]
    assert not plain.scene.distractors
    taken = plain.slices[len(plain.slices) // 2]
    np.testing.assert_array_equal(plain.contour(taken, 0), beside.contour(beside.slices[len(plain.slices) // 2], 0))
    assert not np.array_equal(plain.image(taken), beside.image(taken))


def test_more_of_them_leave_the_first_where_they_are(many):
    fewer, more = case((2, 2)).scene.distractors, many[0].scene.distractors
    assert (len(fewer), len(more)) == (2, 3)
    for one, same in zip(fewer, more, strict=False):
        np.testing.assert_array_equal(one.centre_mm, same.centre_mm)
        assert one.radius_mm == same.radius_mm


def test_the_heart_itself_is_never_covered(many):
    for one in many:
        heart = one.heart
        for thing in one.scene.distractors:
            gap = np.hypot(*thing.centre_mm[:2]) - thing.radius_mm - thing.rim_mm
            assert gap > heart.radius_mm


def test_they_are_as_bright_as_blood_of_many_sizes_some_with_a_dark_rim(many):
    things = [thing for one in many for thing in one.scene.distractors]
    balls = [thing for thing in things if np.isfinite(thing.length_mm)]
    vessels = [thing for thing in things if not np.isfinite(thing.length_mm)]
    assert len(things) == 24
    assert min(thing.radius_mm for thing in balls) < 20
    assert max(thing.radius_mm for thing in balls) > 30
    assert 0 < sum(thing.rim_mm > 0 for thing in balls) < len(balls)
    assert min(thing.water for thing in things) > 0.75
    assert max(thing.rim_water for thing in things) < 0.5
    assert vessels
    assert all(0 < thing.pulse < 0.1 for thing in vessels)
    assert not any(thing.pulse for thing in balls)


@pytest.fixture
def points():
    """A plane through the heart's axes, at height 10 mm."""
    y, x = np.mgrid[-60:61, -60:61].astype(np.float32)
    return np.stack([x, y, np.full_like(x, 10)])


def thing(**changes) -> Distractor:
    usual = {"centre_mm": np.array([20.0, -10, 10]), "radius_mm": 15.0, "length_mm": 15.0, "rim_mm": 6.0,
             "water": 0.9, "rim_water": 0.2, "pulse": 0.0}  # fmt: skip
    return Distractor(**{**usual, **changes})


def test_a_ball_is_bright_in_a_dark_rim_and_covers_the_rest(points):
    water, fat = thing().paint(np.full((2, 1, 121, 121), 0.5, np.float32), points, np.zeros(8, np.float32))[:, 0]
    assert water[50, 80] == pytest.approx(0.9)
    assert water[50, 80 + 18] == pytest.approx(0.2)
    assert water[50, 80 + 24] == 0.5
    assert fat[50, 80] == 0
    assert (water > 0.7).sum() == pytest.approx(np.pi * 15**2, rel=0.05)


def test_a_ball_ends_above_and_below_and_a_vessel_does_not(points):
    still = np.zeros((2, 1, 121, 121), np.float32)
    above = points + np.array([0, 0, 40], np.float32)[:, None, None]
    assert not thing().paint(still, above, np.zeros(8, np.float32)).any()
    assert thing(length_mm=np.inf).paint(still, above, np.zeros(8, np.float32)).any()


def test_a_vessel_pulsates_by_a_few_percent(points):
    contracted = np.array([0, 0.5, 1], np.float32)
    frames = thing(pulse=0.08, rim_mm=0.0).paint(np.zeros((2, 1, 121, 121), np.float32), points, contracted)
    assert frames.shape == (2, 3, 121, 121)
    area = frames[0].sum(axis=(1, 2))
    assert area[2] / area[0] == pytest.approx(1.08**2, abs=0.02)


def test_pictures_show_them_in_every_frame(many):
    """Where a ball's middle lies inside the image, it is brighter than in the case without."""
    seen = 0
    for number, one in enumerate(many[:4], start=1):
        plain = case(name=str(number))
        for taken in one.slices[1:-1:3]:
            new, old = one.image(taken).astype(int), plain.image(taken).astype(int)
            seen += int((np.abs(new - old).min(axis=0) > 0.2 * new.max()).sum() > 60)
    assert seen >= 2
