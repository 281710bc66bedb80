"""Samples on disk: what is cut, what is written, what is read back, and what a killed job leaves."""

import os
import shutil

import numpy as np
import pytest
from placing import boxes_at

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.window import Window
from lvpipe.errors import UserError
from lvpipe.images import Image, write_image, write_rejected
from lvpipe.learning.samples import cut_samples, store_samples
from lvpipe.learning.store import write_store

WINDOW = Window(side_px=16)
PLACES = ((0, 2), (5, 5), (3, 3))


def drawn_case(random) -> tuple[np.ndarray, np.ndarray]:
    """Frame 1 is drawn in slices 0 and 2, frame 3 in slice 1, cavity and muscle everywhere."""
    cine = random.integers(0, 256, (4, 3, 20, 24)).astype(np.uint8)
    reference = np.full(cine.shape, 255, np.uint8)
    for t, z in ((1, 0), (1, 2), (3, 1)):
        reference[t, z] = random.integers(0, 3, (20, 24))
        reference[t, z, :2] = 255  # beyond the original image
    return cine, reference


def test_samples_are_the_drawn_slices_of_the_drawn_frames():
    cine, reference = drawn_case(np.random.default_rng(0))
    places = boxes_at((0, 2), (5, 5), (14, 18), side_px=16)
    images, targets = cut_samples(Image(cine, np.eye(4)), reference, places, WINDOW)
    assert len(images) == len(targets) == 3
    windows = [
        (1, 0, slice(0, 16), slice(2, 18)),
        (1, 2, slice(14, 30), slice(18, 34)),
        (3, 1, slice(5, 21), slice(5, 21)),
    ]
    for i, window in enumerate(windows):
        image, label = cine[window], reference[window]
        rows, columns = image.shape
        np.testing.assert_array_equal(images[i, :rows, :columns], image)
        np.testing.assert_array_equal(targets[i, :rows, :columns], np.where(label == 255, 0, label))
        assert not targets[i, rows:].any()
        assert not targets[i, :, columns:].any()


@pytest.fixture
def folder(tmp_path, image):
    """Cases `a` and `c` with three drawn slices each; `b` was rejected."""
    for seed, case in enumerate("abc"):
        cine, reference = drawn_case(np.random.default_rng(seed))
        write_image(tmp_path / f"{case}_cine.nii.gz", image(cine))
        write_image(tmp_path / f"{case}_reference.nii.gz", image(reference))
        write_boxes(tmp_path / f"{case}_boxes.json", boxes_at(*PLACES, side_px=16))
    write_rejected(tmp_path / "b_cine.nii.gz", tmp_path / "b_reference.nii.gz", tmp_path / "b_boxes.json")
    return tmp_path


def expected(seed: int) -> tuple[np.ndarray, np.ndarray]:
    cine, reference = drawn_case(np.random.default_rng(seed))
    return cut_samples(Image(cine, np.eye(4)), reference, boxes_at(*PLACES, side_px=16), WINDOW)


def test_cases_are_stored_in_their_order_and_a_rejected_one_has_no_samples(folder, capsys):
    store = store_samples(folder / "store", "cba", folder, folder, WINDOW)
    assert store.counts == {"c": 3, "a": 3}
    assert "b: left out of training" in capsys.readouterr().out
    for seed, case in ((0, "a"), (2, "c")):
        for read, wanted in zip(store.samples([case]).read(np.arange(3)), expected(seed), strict=True):
            np.testing.assert_array_equal(read, wanted)


def test_images_are_read_in_any_order_and_more_than_once(folder):
    samples = store_samples(folder / "store", "abc", folder, folder, WINDOW).samples(["c", "a"])
    assert len(samples) == 6
    images, targets = (np.concatenate(pair) for pair in zip(expected(2), expected(0), strict=True))
    for chosen in ([5, 0, 3, 3, 1], [2], []):
        read = samples.read(np.array(chosen, dtype=int))
        np.testing.assert_array_equal(read[0], images[chosen])
        np.testing.assert_array_equal(read[1], targets[chosen])


def test_numpy_reads_the_files(folder):
    store_samples(folder / "store", "ac", folder, folder, WINDOW)
    for i, name in enumerate(("images", "targets")):
        array = np.load(folder / "store" / f"{name}.npy")
        np.testing.assert_array_equal(array, np.concatenate([expected(0)[i], expected(2)[i]]))


def test_windows_about_the_image_are_learnt_from_without_a_heart(folder):
    window = Window(side_px=16, about="image")
    there = store_samples(folder / "there", "ab", folder, folder, window).samples(["a"]).read(np.arange(3))
    write_boxes(folder / "a_boxes.json", Boxes("mean_deltas", 1.0, (), reason="two frames"))
    assert store_samples(folder / "none", "ab", folder, folder, WINDOW).counts == {}
    found = store_samples(folder / "found", "ab", folder, folder, window).samples(["a"]).read(np.arange(3))
    for mine, theirs in zip(found, there, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_store_of_nothing_has_no_samples(folder):
    store = store_samples(folder / "store", "b", folder, folder, WINDOW)
    assert store.counts == {}
    assert len(store.samples([])) == 0
    assert np.load(folder / "store" / "images.npy").size == 0


def test_an_unfinished_store_is_none(folder):
    def killed():
        yield "a", *(np.tile(array, (3000, 1, 1)) for array in expected(0))  # more than a buffer holds
        (part,) = folder.glob(".store.*.part")
        shutil.copytree(part, folder / "store")  # as if a crash of the machine had let it appear
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_store(folder / "store", killed())
    assert not list(folder.glob(".store.*")), "a full disk has room again"
    with pytest.raises(ValueError, match="pickled"):  # numpy's guess at a file without its header
        np.load(folder / "store" / "images.npy")
    assert store_samples(folder / "store", "ac", folder, folder, WINDOW).counts == {"a": 3, "c": 3}


@pytest.mark.parametrize("size", [0, 100, 128, 300])
def test_a_store_that_a_crash_cut_off_is_built_again(folder, size):
    store_samples(folder / "store", "ac", folder, folder, WINDOW)
    whole = (folder / "store" / "images.npy").read_bytes()
    os.truncate(folder / "store" / "images.npy", size)
    assert store_samples(folder / "store", "ac", folder, folder, WINDOW).counts == {"a": 3, "c": 3}
    assert (folder / "store" / "images.npy").read_bytes() == whole


def test_a_finished_store_is_not_built_again(folder):
    store_samples(folder / "store", "ac", folder, folder, WINDOW)
    (folder / "a_cine.nii.gz").unlink()
    assert store_samples(folder / "store", "ac", folder, folder, WINDOW).counts == {"a": 3, "c": 3}


def test_windows_of_two_sizes_are_refused_in_one_line(tmp_path):
    squares = [(case, *np.zeros((2, 2, side, side), np.uint8)) for case, side in (("a", 8), ("b", 12))]
    with pytest.raises(UserError, match=r"b: its images are 12 px wide.*8; expected one `window: side_px`"):
        write_store(tmp_path / "store", squares)


def test_a_store_that_is_cut_short_under_a_training_is_named(folder):
    samples = store_samples(folder / "store", "ac", folder, folder, WINDOW).samples(["a", "c"])
    os.truncate(folder / "store" / "targets.npy", 128 + 5 * 256 + 255)
    samples.read(np.arange(5))
    with pytest.raises(UserError, match=r"targets\.npy: ends before image 5"):
        samples.read(np.array([5]))


CAVITY_ALONE = np.array([[1, 0], [0, 0]])
WITH_WALL = np.array([[1, 2], [2, 0]])
NOTHING = np.zeros((2, 2), int)


@pytest.mark.parametrize(
    ("drawn", "wanted"),
    [
        ([WITH_WALL, NOTHING], [WITH_WALL, NOTHING]),
        ([CAVITY_ALONE, NOTHING], [[[1, 255], [255, 255]], np.full((2, 2), 255)]),
        ([WITH_WALL, CAVITY_ALONE], [WITH_WALL, [[1, 255], [255, 255]]]),
    ],
    ids=["both", "no wall in the frame", "no wall in a slice"],
)
def test_where_no_wall_was_drawn_nobody_knows_what_is_muscle(drawn, wanted):
    """Read from a window that shows one row and one column more than the image, which are background where known."""
    reference = np.array([drawn], np.uint8)
    places = boxes_at((0, 0), (0, 0), side_px=16)
    _, labels = cut_samples(Image(reference, np.eye(4)), reference, places, WINDOW)
    np.testing.assert_array_equal(labels[:, :2, :2], wanted)
    beyond = [255 if (np.array(one) == 255).any() else 0 for one in wanted]
    assert [np.unique(one[2:]).tolist() for one in labels] == [[value] for value in beyond]
