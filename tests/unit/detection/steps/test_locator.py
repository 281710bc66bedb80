"""The locator as the rules run it: taught by some cases, asked about others."""

import numpy as np
import pytest
from hearts import as_bytes, heart, nothing_to_find, scene

from lvpipe.config.detect import DetectSettings, LocatorSettings
from lvpipe.detection.methods import locator
from lvpipe.files import read_table
from lvpipe.images import write_image, write_rejected
from lvpipe.labels import CAVITY, NOT_ANNOTATED
from lvpipe.learning.weights import read_network

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SETTINGS = LocatorSettings(epochs=10, batch_images=8, precision="float32")
SHAPE, PIXEL_MM, SLICES = (75, 85), 2.0, 6


def place(number: int) -> np.ndarray:
    """Where a case's heart is, in pixels: all over the image, left and right."""
    return np.array([24, 28]) + np.random.default_rng(number).uniform(0, 28, 2)


def cine(number: int) -> np.ndarray:
    beating = heart(place(number), 18 + number % 3 * 4, SHAPE, pixel_mm=PIXEL_MM)
    return as_bytes(beating[:, None].repeat(SLICES, axis=1))


def drawn(number: int) -> np.ndarray:
    y, x = np.indices(SHAPE)
    row, column = place(number)
    labels = np.full((8, SLICES, *SHAPE), NOT_ANNOTATED, np.uint8)
    labels[0] = CAVITY * (np.hypot(y - row, x - column) * PIXEL_MM < 18 + number % 3 * 4)
    return labels


def words(folder, learn, watch, out="model", settings=SETTINGS, code="x"):
    asked = ("--cines", folder, "--learn", *learn, "--watch", *watch, "--margin", 1.2, "--code", code)
    outputs = ("--model", folder / f"{out}.safetensors", "--history", folder / f"{out}.csv", "--spool", folder / "kept")
    return ("detect", "locator", *asked, *outputs, "--settings", settings.canonical())


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A folder with a model that learnt from eight cases; `r` was rejected."""
    from lvpipe.__main__ import main
    from lvpipe.images import Image

    folder = tmp_path_factory.mktemp("locator")
    affine = np.diag([PIXEL_MM, PIXEL_MM, 8, 1])
    for number in range(9):
        write_image(folder / f"c{number}_cine.nii.gz", Image(cine(number), affine))
        write_image(folder / f"c{number}_reference.nii.gz", Image(drawn(number), affine))
    write_rejected(folder / "r_cine.nii.gz", folder / "r_reference.nii.gz")
    cases = [f"c{number}" for number in range(9)]
    assert main([str(word) for word in words(folder, [*cases[:7], "r"], cases[7:])]) == 0
    return folder


def find(folder, asked):
    paths = [folder / "model.safetensors"]
    return locator.find(scene(asked, PIXEL_MM, learnt={"locator": paths}), DetectSettings(precision="float32"))


def test_the_model_and_its_history(taught):
    history = read_table(taught / "model.csv")
    assert len(history) == SETTINGS.epochs
    assert float(history[-1]["watch_loss"]) < float(history[0]["watch_loss"]) - 1
    assert read_network(taught / "model.safetensors")
    assert not (taught / "kept").exists()


@pytest.mark.parametrize("number", [20, 21, 22, 23])
def test_hearts_that_it_never_saw_are_found(taught, number):
    found = find(taught, cine(number))
    assert found.found, found.reason
    assert np.hypot(*(found.middle - place(number))) * PIXEL_MM < 12
    radius = 18 + number % 3 * 4
    assert np.median(found.squares[:, 2]) * PIXEL_MM == pytest.approx(1.2 * 2 * (radius + 9), rel=0.35)
    assert found.scores.shape == (SLICES,)


@pytest.mark.parametrize("frames", [[0], [0, 4]])
def test_one_frame_or_two_are_enough(taught, frames):
    found = find(taught, cine(20)[frames][:, :1])
    assert np.hypot(*(found.middle - place(20))) * PIXEL_MM < 15


def test_a_slice_that_shows_nothing_takes_its_place_from_the_others(taught):
    asked = cine(20)
    whole = find(taught, asked)
    asked[:, 2] = 30
    found = find(taught, asked)
    assert np.abs(found.squares[2, :2] - whole.squares[2, :2]).max() * PIXEL_MM < 6
    assert found.scores[2] < found.score


@pytest.mark.parametrize("name", nothing_to_find())
def test_an_image_without_a_heart_never_stops_it(taught, name):
    asked = nothing_to_find()[name]
    found = locator.find(
        scene(asked.cine_tzyx, learnt={"locator": [taught / "model.safetensors"] * 2}),
        DetectSettings(precision="float32"),
    )
    assert found.found or found.reason
    assert len(found.squares) in (0, asked.cine_tzyx.shape[1])
    if name in ("constant", "one pixel"):
        assert not found.found


def test_the_same_training_has_the_same_bytes(lvpipe, taught):
    quick = SETTINGS.model_copy(update={"epochs": 2})
    other = quick.model_copy(update={"seed": 2})
    for name, settings in (("first", quick), ("again", quick), ("other", other)):
        assert lvpipe(*words(taught, ["c0", "c1"], ["c2"], name, settings)) == 0
    first, again, third = ((taught / f"{name}.safetensors").read_bytes() for name in ("first", "again", "other"))
    assert first == again
    assert first != third


def test_one_case_is_too_few(lvpipe, taught, capsys):
    assert lvpipe(*words(taught, ["c0", "r"], ["r"], "none")) == 1
    assert "drawn hearts in" in capsys.readouterr().err
    assert not (taught / "none.safetensors").exists()


def test_where_nobody_watched_can_be_watched_another_is(lvpipe, taught, capsys):
    assert lvpipe(*words(taught, ["c0", "c1"], ["r"], "other", SETTINGS.model_copy(update={"epochs": 1}))) == 0
    assert "watching c1" in capsys.readouterr().out
