import numpy as np
import pytest
from skimage.feature import multiblock_lbp

from lvpipe.detection.cascade.lbp import all_features, integral, patch_codes, patch_integrals, window_codes

PATCHES = np.random.default_rng(0).integers(0, 256, (7, 24, 24)).astype(np.uint8)


def expected(image, feature, row=0, column=0):
    x, y, width, height = feature
    sums = image.cumsum(axis=0, dtype=float).cumsum(axis=1)
    return multiblock_lbp(sums, row + y, column + x, width, height)


def test_every_feature_lies_in_the_window_and_none_is_missing():
    x, y, width, height = all_features(24).T
    assert len(np.unique(all_features(24), axis=0)) == 92**2
    assert (x + 3 * width).max() == (y + 3 * height).max() == 24
    assert min(x.min(), y.min()) == 0


def test_codes_of_patches_are_those_of_scikit_image():
    features = all_features(24)[::97]
    codes = patch_codes(patch_integrals(PATCHES), features)
    assert codes.tolist() == [[expected(patch, feature) for patch in PATCHES] for feature in features.tolist()]


@pytest.mark.parametrize("feature", [(0, 0, 1, 1), (2, 5, 3, 4), (0, 0, 8, 8)])
def test_codes_of_windows_are_those_of_scikit_image(feature):
    image = np.random.default_rng(1).integers(0, 256, (40, 31)).astype(np.uint8)
    sums = integral(image)
    corners = [(0, 0), (16, 7), (9, 3)]
    places = np.array([row * sums.shape[1] + column for row, column in corners])
    assert window_codes(sums, places, feature).tolist() == [expected(image, feature, *corner) for corner in corners]


def test_what_is_flat_has_all_bits_set():
    flat = np.full((1, 24, 24), 7, np.uint8)
    assert (patch_codes(patch_integrals(flat), all_features(24)[:5]) == 255).all()
