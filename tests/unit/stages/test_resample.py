import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.config.resample import Clahe, PreparedView
from lvpipe.geometry import to_mm
from lvpipe.images import Image, is_rejected, read_image, write_image, write_rejected
from lvpipe.stages.resample import prepare_cine, prepare_reference

RADIUS_MM = 22.0
CENTRE_MM = np.array([58.0, 49.0])  # x, y from the first pixel


def disk(spacing_mm: float, dtype=np.float32, size_mm: float = 110) -> np.ndarray:
    """A disk, its edge pixels in part covered."""
    side = round(size_mm / spacing_mm)
    places = np.arange(side) * spacing_mm
    distance = np.hypot(places[None, :] - CENTRE_MM[0], places[:, None] - CENTRE_MM[1])
    inside = np.clip((RADIUS_MM - distance) / spacing_mm + 0.5, 0, 1)
    return np.tile((1000 * inside).astype(dtype), (2, 2, 1, 1))


def millimetres(spacing_mm=1.0, **changes) -> PreparedView:
    return PreparedView(spacing_mm=spacing_mm, **changes)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(native=st.floats(0.7, 2), wanted=st.sampled_from([0.7, 1.0, 1.5, 2.0]))
def test_a_disk_keeps_its_area_and_its_place(native, wanted):
    affine = np.diag([native, native, 8, 1.0])
    seen = prepare_cine(Image(disk(native), affine), millimetres(wanted))
    assert seen.array_tzyx.dtype == np.uint8
    assert seen.spacing_xyz_mm == pytest.approx((wanted, wanted, 8))
    assert seen.array_tzyx[1, 1].sum() / 255 * wanted**2 == pytest.approx(np.pi * RADIUS_MM**2, rel=0.01)
    np.testing.assert_allclose(centre_mm(seen)[:2], CENTRE_MM, atol=0.1)


def centre_mm(image: Image) -> np.ndarray:
    pixels = image.array_tzyx[0, 1].astype(float)
    x, y = (pixels.sum(axis=axis) @ np.arange(pixels.shape[1 - axis]) / pixels.sum() for axis in (0, 1))
    return to_mm(image.affine, np.array([[x, y, 1]]))[0]


@pytest.mark.parametrize(
    "view",
    [
        millimetres(),
        millimetres(2.5),
        millimetres(grid="pixels", pixels_size=96, pixels_shrink=2),
        millimetres(grid="pixels", pixels_size=71, pixels_shrink=2),
        millimetres(grid="pixels", pixels_size=128, pixels_shrink=3),
    ],
)
def test_one_physical_point_shows_one_feature(image, view):
    turn = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    straight = image(disk(1.4), (1.4, 1.4, 8))
    native = Image(straight.array_tzyx, turn @ straight.affine)
    seen = prepare_cine(native, view)
    np.testing.assert_allclose(centre_mm(seen), centre_mm(native), atol=0.08)
    corner = seen.affine[:3, 3]
    assert not np.allclose(corner, native.affine[:3, 3], atol=0.1), "the grid itself has moved"


def test_the_grid_of_the_raw_arm_is_padded_or_cropped_and_halved(image):
    view = millimetres(grid="pixels", pixels_size=64, pixels_shrink=2)
    for size in (40, 64, 100):
        seen = prepare_cine(image(np.ones((1, 1, size, size + 10), np.int16)), view)
        assert seen.array_tzyx.shape == (1, 1, 32, 32)
        assert seen.spacing_xyz_mm == pytest.approx((3, 3, 8))


def test_contrast_is_cut_at_percentiles_of_the_slice_over_all_frames(image):
    cine = np.random.default_rng(2).normal(500, 100, (6, 2, 40, 40)).astype(np.float32)
    cine[:, 1] *= 3  # a brighter coil
    cine[2, 0, 20, 20] = 1e6  # a spike
    seen = prepare_cine(image(cine, (1, 1, 8)), millimetres(clip_percent=(1, 99))).array_tzyx
    for z in range(2):
        low, high = np.percentile(cine[:, z], (1, 99))
        expected = np.clip((cine[:, z] - low) / (high - low), 0, 1) * 255
        np.testing.assert_allclose(seen[:, z], expected, atol=0.51)


@pytest.mark.parametrize("clahe", [None, Clahe()])
@pytest.mark.parametrize("grey", [0, 7, -3])
def test_a_constant_image_stays_constant(image, clahe, grey):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # casting a NaN to uint8 warns
        seen = prepare_cine(image(np.full((2, 2, 40, 40), grey, np.int16)), millimetres(clahe=clahe))
    assert len(np.unique(seen.array_tzyx)) == 1


def test_a_single_bright_pixel_among_equals_is_no_division_by_zero(image):
    cine = np.zeros((2, 1, 40, 40), np.float32)
    cine[0, 0, 5, 5] = 1000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = prepare_cine(image(cine, (1, 1, 8)), millimetres(clip_percent=(1, 99)))
    assert seen.array_tzyx[0, 0, 5, 5] == 255
    assert seen.array_tzyx.sum() == 255


def test_clahe_raises_local_contrast_and_its_limit_bounds_it(image):
    y, x = np.indices((64, 64))
    faint = (200 * (x > 32) + 6 * ((x // 4 + y // 4) % 2) + np.random.default_rng(0).normal(0, 1, (64, 64))) + 20
    cine = image(np.tile(faint.astype(np.float32), (2, 1, 1, 1)), (1, 1, 8))

    def contrast(clahe) -> float:
        seen = prepare_cine(cine, millimetres(clahe=clahe)).array_tzyx[0, 0, 8:56, 4:28].astype(float)
        return float(seen.std())

    assert contrast(Clahe(clip_limit=2)) > 1.3 * contrast(None)
    assert contrast(Clahe(clip_limit=40)) > 1.3 * contrast(Clahe(clip_limit=2))


def test_labels_keep_their_values_and_outside_is_not_annotated(image):
    labels = np.zeros((1, 2, 40, 44), np.uint8)
    labels[0, 0, 10:34, 12:30], labels[0, 0, 14:23, 15:27] = 2, 1
    labels[0, 1] = 255
    seen = prepare_reference(image(labels), millimetres(0.9))
    assert set(np.unique(seen.array_tzyx)) == {0, 1, 2, 255}
    assert (seen.array_tzyx[0, 1] == 255).all()
    areas = [(seen.array_tzyx[0, 0] == label).sum() * 0.81 for label in (1, 2)]
    assert areas == pytest.approx([108 * 2.25, 324 * 2.25], rel=0.06)
    padded = prepare_reference(image(labels), millimetres(grid="pixels", pixels_size=64, pixels_shrink=1)).array_tzyx
    assert padded.shape[2:] == (64, 64)
    np.testing.assert_array_equal(padded[0, 0, 12:52, 10:54], labels[0, 0])
    assert (padded[0, 0] == 255).sum() == 64 * 64 - 40 * 44


def test_a_reference_lies_on_the_cines_grid(image):
    cine = image(disk(1.4), (1.4, 1.4, 8))
    reference = Image((cine.array_tzyx >= 500).astype(np.uint8), cine.affine, cine.time_step_ms)
    for view in (millimetres(), millimetres(2.0), millimetres(grid="pixels", pixels_size=64)):
        seen, labels = prepare_cine(cine, view), prepare_reference(reference, view)
        np.testing.assert_allclose(seen.affine, labels.affine)
        inside = labels.array_tzyx != 255
        differ = (seen.array_tzyx > 127) != (labels.array_tzyx == 1)
        assert (differ & inside).sum() <= 0.1 * (labels.array_tzyx == 1).sum()


def test_the_stage_writes_what_its_functions_make(lvpipe, image, tmp_path):
    cine = image(disk(1.4))
    write_image(tmp_path / "in.nii.gz", cine)
    options = ("--image", tmp_path / "in.nii.gz", "--settings", millimetres().canonical())
    assert lvpipe("resample", *options, "--out", tmp_path / "out.nii.gz") == 0
    seen = read_image(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(seen.array_tzyx, prepare_cine(cine, millimetres()).array_tzyx)
    assert seen.time_step_ms == 40
    labels = Image((cine.array_tzyx > 500).astype(np.uint8), cine.affine)
    write_image(tmp_path / "in.nii.gz", labels)
    assert lvpipe("resample", "--labels", *options, "--out", tmp_path / "labels.nii.gz") == 0
    assert set(np.unique(read_image(tmp_path / "labels.nii.gz").array_tzyx)) <= {0, 1, 255}


def test_a_rejected_case_is_passed_on(lvpipe, tmp_path):
    write_rejected(tmp_path / "in.nii.gz")
    paths = ("--image", tmp_path / "in.nii.gz", "--out", tmp_path / "out.nii.gz")
    assert lvpipe("resample", *paths, "--settings", millimetres().canonical()) == 0
    assert is_rejected(tmp_path / "out.nii.gz")
