import numpy as np
import pytest

from lvpipe.detection.lessons import moments, moments_of, read_lessons
from lvpipe.images import write_image, write_rejected


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (30, [0, 6, 12, 17, 23, 29]),
        (25, [0, 5, 10, 14, 19, 24]),
        (6, [0, 1, 2, 3, 4, 5]),
        (2, [0, 0, 0, 1, 1, 1]),
        (1, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_six_frames_are_spread_over_the_cycle(frames, expected):
    assert moments_of(frames).tolist() == expected


def test_drawn_cases_teach_and_others_are_named(tmp_path, image, capsys):
    cine = np.random.default_rng(0).integers(0, 255, (8, 3, 30, 30)).astype(np.uint8)
    reference = np.full(cine.shape, 255, np.uint8)
    reference[5, 1] = 0
    blank = reference.copy()
    reference[5, 1, 10:20, 12:22] = 1
    for case, drawn in (("a", reference), ("b", blank)):
        write_image(tmp_path / f"{case}_cine.nii.gz", image(cine, (1.5, 1.5, 8)))
        write_image(tmp_path / f"{case}_reference.nii.gz", image(drawn, (1.5, 1.5, 8)))
    write_rejected(tmp_path / "r_cine.nii.gz", tmp_path / "r_reference.nii.gz")
    (lesson,) = read_lessons("abr", tmp_path, 1.2)
    assert (lesson.case, lesson.pixel_mm, lesson.slices.tolist()) == ("a", 1.5, [1])
    np.testing.assert_array_equal(lesson.drawn_fzyx, cine[[5]])
    np.testing.assert_array_equal(lesson.moments_tzyx, cine[moments_of(8)])
    np.testing.assert_allclose(lesson.squares[1], [14.5, 16.5, 1.2 * (10 + 12)])
    told = capsys.readouterr().out
    assert "b: left out of training: no cavity is drawn" in told
    assert "r: left out of training: " in told


def test_a_missing_picture_is_stood_for_by_the_nearest():
    cine = np.random.default_rng(0).integers(0, 255, (6, 3, 9, 9)).astype(np.uint8)
    before = cine.copy()
    cine[4, 1] = 0
    cine[:5, 2] = 7
    taken = moments(cine)
    np.testing.assert_array_equal(taken[:, 0], before[:, 0])
    np.testing.assert_array_equal(taken[4, 1], before[3, 1])
    np.testing.assert_array_equal(taken[:, 2], before[[5] * 6, 2])
    assert (moments(np.zeros((2, 2, 9, 9), np.uint8)) == 0).all()
