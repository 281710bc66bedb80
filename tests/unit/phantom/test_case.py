import numpy as np
import pytest

from lvpipe.config.phantom import PhantomCohort, PhantomOrder
from lvpipe.labels import CAVITY, MYOCARDIUM
from lvpipe.phantom.case import build_case, list_volumes

REGULAR = dict.fromkeys(
    ("duplicate_position", "rotated", "other_matrix", "other_spacing", "in_between", "other_orientation",
     "missing_frames", "out_of_order", "absent_trigger_times"), 0.0,
)  # fmt: skip


def order(**changes):
    settings = {"layout": "kaggle", "cases": {"train": 6}, "irregularities": REGULAR, "matrix": (128, 128)}
    return PhantomOrder(seed=1, cohort=PhantomCohort(**{**settings, **changes}))


@pytest.fixture(scope="module")
def thin():
    """Contiguous thin slices and no breathing: masks then have to fill the reference volume."""
    return build_case("k", "1", order(slice_spacing_mm=(1.0, 1.0), slice_thickness_mm=(1.0, 1.0),
                                      breath_hold_mm=(0.0, 0.0), matrix=(200, 200)))  # fmt: skip


def summed_ml(case, frame, value):
    voxel_ml = case.slices[0].plane.pixel_mm ** 2 * 1.0 / 1000
    return sum((case.reference_mask(taken, frame) == value).sum() for taken in case.slices) * voxel_ml


def test_reference_volumes_agree_with_masks_within_a_hundredth(thin):
    assert summed_ml(thin, thin.heart.ed_frame, CAVITY) == pytest.approx(thin.edv_ml, rel=0.01)
    assert summed_ml(thin, thin.heart.es_frame, CAVITY) == pytest.approx(thin.esv_ml, rel=0.01)


def test_reference_masks_hold_the_muscle(thin):
    assert summed_ml(thin, thin.heart.ed_frame, MYOCARDIUM) * 1.05 == pytest.approx(thin.heart.mass_g, rel=0.1)


def test_volumes_alone_equal_those_of_the_case():
    wanted = order()
    case = build_case("k", "2", wanted)
    assert list_volumes("k", wanted, "2") == (case.edv_ml, case.esv_ml)


def test_trabeculae_darken_the_rim_of_the_cavity_and_change_no_volume():
    smooth, rough = (build_case("k", "2", order(trabeculae=depth)) for depth in ((0.0, 0.0), (0.6, 0.6)))
    assert (smooth.edv_ml, smooth.esv_ml) == (rough.edv_ml, rough.esv_ml)
    taken, frame = smooth.slices[2 * len(smooth.slices) // 3], smooth.heart.ed_frame
    cavity = smooth.reference_mask(taken, frame) == CAVITY
    assert (rough.reference_mask(taken, frame) == CAVITY).sum() == cavity.sum()
    light, dark = (case.image(taken)[frame][cavity].mean() for case in (smooth, rough))
    assert dark < 0.97 * light


def test_contour_and_mask_are_the_same_surface():
    case = build_case("k", "1", order())
    taken, frame = case.slices[len(case.slices) // 2], case.heart.ed_frame
    x, y = case.contour(taken, frame).T
    polygon_px = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    mask = case.reference_mask(taken, frame) == CAVITY
    assert mask.sum() == pytest.approx(polygon_px, rel=0.015)
    rows, columns = np.nonzero(mask)
    assert (columns.mean(), rows.mean()) == pytest.approx((x.mean(), y.mean()), abs=1.0)


def test_boxes_hold_the_muscle():
    case = build_case("k", "3", order())
    taken = case.slices[3]
    top, left, bottom, right = case.box(taken)
    rows, columns = np.nonzero(case.reference_mask(taken, case.heart.ed_frame))
    assert top <= rows.min() + 1
    assert rows.max() - 1 <= bottom
    assert left <= columns.min() + 1
    assert columns.max() - 1 <= right


def test_nothing_is_drawn_above_the_base_nor_beyond_the_apex():
    case = build_case("k", "1", order())
    assert not case.reference_mask(case.slices[0], case.heart.es_frame).any()
    assert case.contour(case.slices[0], case.heart.es_frame).size == 0


def test_pictures_show_bright_blood_within_dark_muscle():
    case = build_case("k", "4", order())
    taken, frame = case.slices[len(case.slices) // 2 - 1], case.heart.ed_frame
    picture, labels = case.image(taken)[frame], case.reference_mask(taken, frame)
    assert np.median(picture[labels == CAVITY]) > 1.3 * np.median(picture[labels == MYOCARDIUM])


def test_the_cavity_is_where_the_picture_changes():
    case = build_case("k", "4", order())
    taken = case.slices[len(case.slices) // 2]
    labels = case.reference_mask(taken, case.heart.ed_frame)
    moved = np.var(case.image(taken).astype(float), axis=0)
    assert np.mean(moved[labels > 0]) > 3 * np.mean(moved[labels == 0])


def test_another_seed_or_name_is_another_heart():
    same = build_case("k", "1", order())
    assert same.edv_ml == build_case("k", "1", order()).edv_ml
    assert same.edv_ml != build_case("other", "1", order()).edv_ml
    assert same.edv_ml != build_case("k", "2", order()).edv_ml


def test_a_rotated_slice_shows_the_same_anatomy():
    case = build_case("k", "1", order())
    taken = case.slices[4]
    turned = taken.plane.turned()
    np.testing.assert_allclose(turned.points(), np.rot90(taken.plane.points(), axes=(1, 2)), atol=1e-3)
    np.testing.assert_allclose(turned.normal, taken.plane.normal)
    assert turned.centre_mm == pytest.approx(taken.plane.centre_mm)
