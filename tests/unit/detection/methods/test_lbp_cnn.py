"""The cascade's and the classifier's word together, on scenes with and without a heart."""

import numpy as np
import pytest
from drawn_hearts import QUICK, ring_lesson
from hearts import as_bytes, heart, nothing_to_find, scene

from lvpipe.config.detect import CascadeSettings, ClassifierSettings, DetectSettings, ProposalSettings
from lvpipe.detection.cascade.training import learn_cascade
from lvpipe.detection.cascade.xml import write_cascade
from lvpipe.detection.methods import lbp_cnn
from lvpipe.files import read_table
from lvpipe.images import Image, write_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SETTINGS = ClassifierSettings(epochs=6, batch_images=32, precision="float32", slice_images=40, epoch_images=1000)
QUICK_CASCADE = CascadeSettings(**{**QUICK, "positives": 60, "stages": 3})
SHAPE, PIXEL_MM, SLICES, RADIUS_MM = (75, 85), 2.0, 4, 20.0


def place(number: int) -> np.ndarray:
    return np.array([26, 32]) + np.random.default_rng(number).uniform(0, 22, 2)


def cine(number: int) -> np.ndarray:
    return as_bytes(heart(place(number), RADIUS_MM, SHAPE, pixel_mm=PIXEL_MM)[:, None].repeat(SLICES, axis=1))


def drawn(number: int) -> np.ndarray:
    y, x = np.indices(SHAPE)
    row, column = place(number)
    labels = np.full((8, SLICES, *SHAPE), NOT_ANNOTATED, np.uint8)
    labels[0] = CAVITY * (np.hypot(y - row, x - column) * PIXEL_MM < RADIUS_MM)
    return labels


def words(folder, out="model"):
    cases = [f"c{number}" for number in range(8)]
    asked = ("--cines", folder, "--learn", *cases[:6], "--watch", *cases[6:], "--margin", 1.2, "--code", "x")
    outputs = ("--model", folder / f"{out}.safetensors", "--history", folder / f"{out}.csv", "--spool", folder / "kept")
    given = ("--cascade", folder / "cascade.xml", "--proposals", ProposalSettings().canonical())
    return ("detect", "classifier", *asked, *outputs, *given, "--settings", SETTINGS.canonical())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cascade that learnt from rings, and a classifier that learnt from six cases."""
    from lvpipe.__main__ import main

    folder = tmp_path_factory.mktemp("classifier")
    affine = np.diag([PIXEL_MM, PIXEL_MM, 8, 1])
    for number in range(8):
        write_image(folder / f"c{number}_cine.nii.gz", Image(cine(number), affine))
        write_image(folder / f"c{number}_reference.nii.gz", Image(drawn(number), affine))
    write_cascade(folder / "cascade.xml", learn_cascade([ring_lesson(i) for i in range(8)], QUICK_CASCADE).cascade)
    assert main([str(word) for word in words(folder)]) == 0
    return folder


@pytest.fixture
def find(folder, monkeypatch):
    """The method where the cascade proposes nothing, so that a grid of squares is asked."""
    monkeypatch.setattr(lbp_cnn, "propose", lambda *_: np.empty((0, 4)))
    learnt = {"cascade": [folder / "cascade.xml"], "classifier": [folder / "model.safetensors"]}
    settings = DetectSettings(precision="float32")
    return lambda images, **rest: lbp_cnn.find(scene(images, PIXEL_MM, learnt=learnt), settings)


@pytest.mark.parametrize("number", [20, 21, 22])
def test_a_heart_is_found_though_nothing_is_proposed(find, number):
    found = find(cine(number))
    assert found.found, found.reason
    assert np.hypot(*(found.squares[:, :2] - place(number)).T).max() * PIXEL_MM < 10
    assert found.squares.shape == (SLICES, 3)
    assert found.proposals.shape[1] == 5
    assert len(found.proposals) <= 50
    assert (np.diff(found.proposals[:, 4]) <= 0).all(), "best first"
    assert 0 < found.score <= 1


def test_the_same_scene_has_the_same_squares(find):
    first, again = find(cine(20)), find(cine(20))
    np.testing.assert_array_equal(first.squares, again.squares)


@pytest.mark.parametrize("name", nothing_to_find())
def test_what_is_no_heart_never_crashes(find, name):
    found = find(nothing_to_find()[name].cine_tzyx)
    assert found.found != bool(found.reason)
    assert len(found.squares) in {0, nothing_to_find()[name].cine_tzyx.shape[1]}
    assert np.isfinite(found.squares).all()
    assert 0 <= found.score <= 1


def test_a_constant_image_has_no_heart(find):
    found = find(np.full((8, 3, 75, 85), 7, np.uint8))
    assert not found.found
    assert "no square looks like a heart: the best of" in found.reason


def test_one_slice_has_one_square(find):
    assert len(find(cine(20)[:, :1]).squares) in {0, 1}


def test_the_step_writes_the_history_and_the_same_bytes_again(lvpipe, folder):
    rows = read_table(folder / "model.csv")
    assert list(rows[0]) == ["epoch", "learning_rate", "train_loss", "watch_loss", "watch_score", "best"]
    assert not (folder / "kept").exists()
    assert lvpipe(*words(folder, "again")) == 0
    assert (folder / "again.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def test_middle_slices_are_as_many_as_there_are():
    assert list(lbp_cnn.middle_slices(11, 3)) == [4, 5, 6]
    assert list(lbp_cnn.middle_slices(10, 1)) == [5]
    assert list(lbp_cnn.middle_slices(2, 3)) == [0, 1]
    assert list(lbp_cnn.middle_slices(1, 3)) == [0]
