import numpy as np

from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.images import is_rejected, read_image, write_image, write_images, write_rejected


def test_a_stored_probability_is_a_probability(lvpipe, image, tmp_path):
    """Stored as bytes with a slope: whoever forgets the slope takes 1/255 for certainty."""
    stored = np.zeros((1, 1, 20, 20), np.uint8)
    stored[0, 0, 5:15, 5:15] = 200
    stored[0, 0, 2:5] = 100
    prob = image(stored)
    write_image(tmp_path / "prob.nii.gz", prob, slope=1 / 255)
    write_rejected(tmp_path / "rejected.nii.gz")
    for name in ("prob", "rejected"):
        paths = ("--prob", tmp_path / f"{name}.nii.gz", "--out", tmp_path / f"{name}_mask.nii.gz", "--labels", "cavity")
        assert lvpipe("postprocess", "mask", *paths, "--settings", PostprocessSettings().canonical()) == 0
    mask = read_image(tmp_path / "prob_mask.nii.gz")
    np.testing.assert_array_equal(mask.array_tzyx, stored == 200)
    np.testing.assert_allclose(mask.affine, prob.affine)
    assert is_rejected(tmp_path / "rejected_mask.nii.gz")


def test_labels_lie_along_the_fifth_axis_in_the_order_of_the_model(lvpipe, image, tmp_path):
    cavity, muscle, rest = np.zeros((3, 1, 1, 30, 30), np.uint8)
    muscle[0, 0, 5:19, 5:19], cavity[0, 0, 8:16, 8:16] = 250, 250
    rest[:] = 255 - muscle
    write_images(tmp_path / "prob.nii.gz", [image(one) for one in (cavity, rest, muscle)], slope=1 / 255)
    paths = ("--prob", tmp_path / "prob.nii.gz", "--out", tmp_path / "mask.nii.gz")
    labels = ("--labels", "cavity", "background", "myocardium")
    assert lvpipe("postprocess", "mask", *paths, *labels, "--settings", PostprocessSettings().canonical()) == 0
    mask = read_image(tmp_path / "mask.nii.gz").array_tzyx
    np.testing.assert_array_equal(mask == 1, cavity > 0)
    np.testing.assert_array_equal(mask == 2, (muscle > 0) & (cavity == 0))
