"""The mean of what several networks drew: of each label, in bytes, on the same grid."""

import numpy as np
import pytest

from lvpipe import averaging
from lvpipe.images import Image, is_rejected, read_images, write_images, write_rejected
from lvpipe.probabilities import PROB_SLOPE, stored

OBLIQUE = np.array([[1.1, 0.3, -2.0, -40], [-0.2, 1.2, 5.0, 17], [0.4, -0.5, 6.0, 3], [0, 0, 0, 1.0]])


@pytest.fixture
def drawn(tmp_path):
    """Files of three networks with two labels each, and their probabilities."""
    probs = np.random.default_rng(3).random((3, 2, 2, 3, 4, 5))
    files = [tmp_path / f"{number}.nii.gz" for number in range(len(probs))]
    for file, labels in zip(files, probs, strict=True):
        write_images(file, [Image(stored(label), OBLIQUE, 40.0) for label in labels], slope=PROB_SLOPE)
    return files, probs


def mean_of(files, out):
    averaging.main(["--probs", *map(str, files), "--out", str(out)])
    return out


def test_each_label_is_the_mean_of_its_own(drawn, tmp_path):
    files, probs = drawn
    made = read_images(mean_of(files, tmp_path / "mean.nii.gz"))
    assert len(made) == 2
    for image, expected in zip(made, probs.mean(axis=0), strict=True):
        np.testing.assert_allclose(image.array_tzyx, expected, atol=1.01 * PROB_SLOPE)
        np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-4)
        assert image.time_step_ms == pytest.approx(40)


def test_the_mean_of_one_network_twice_is_that_network(drawn, tmp_path):
    (first, *_), _ = drawn
    assert mean_of([first, first], tmp_path / "mean.nii.gz").read_bytes() == first.read_bytes()


def test_a_rejected_case_is_passed_on(drawn, tmp_path):
    (first, *_), _ = drawn
    write_rejected(tmp_path / "rejected.nii.gz")
    assert is_rejected(mean_of([first, tmp_path / "rejected.nii.gz"], tmp_path / "mean.nii.gz"))


def test_networks_with_unlike_labels_have_no_mean(drawn, tmp_path):
    (first, *_), probs = drawn
    write_images(tmp_path / "one.nii.gz", [Image(stored(probs[0, 0]), OBLIQUE, 40.0)], slope=PROB_SLOPE)
    with pytest.raises(ValueError, match="zip"):
        mean_of([first, tmp_path / "one.nii.gz"], tmp_path / "mean.nii.gz")
    assert not (tmp_path / "mean.nii.gz").exists()
