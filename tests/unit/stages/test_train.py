import json

import numpy as np
import pytest
import torch

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.train import TrainSettings
from lvpipe.files import read_table
from lvpipe.images import write_image, write_rejected
from lvpipe.learning.weights import read_network

NETWORK = json.dumps({"network": "unet", "options": {"channels": [4, 8]}})
SETTINGS = TrainSettings(epochs=3, batch_images=4, precision="float32", threads=1)


@pytest.fixture(autouse=True)
def restored():
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(mode=False)
    torch.set_num_threads(threads)


@pytest.fixture
def folder(tmp_path, image):
    """Cases `a`, `b` and `w` with two drawn slices each; `r` was rejected, `u` never drawn."""
    y, x = np.indices((40, 40))
    for i, case in enumerate("abwu"):
        disk = np.hypot(y - 18 - i, x - 22 + i) < 8
        cine = np.tile((60 + 120 * disk).astype(np.uint8), (2, 3, 1, 1))
        reference = np.full(cine.shape, 255, np.uint8)
        if case != "u":
            reference[1, :2] = disk
        write_image(tmp_path / f"{case}_cine.nii.gz", image(cine))
        write_image(tmp_path / f"{case}_reference.nii.gz", image(reference))
        write_boxes(tmp_path / f"{case}_boxes.json", Boxes("centre", 32, 1.0, ((4, 4),) * 3))
    write_rejected(tmp_path / "r_cine.nii.gz", tmp_path / "r_reference.nii.gz", tmp_path / "r_boxes.json")
    return tmp_path


def words(folder, learn, watch, out="model", settings=SETTINGS):
    inputs = ("--cines", folder, "--boxes", folder, "--learn", *learn, "--watch", *watch, "--network", NETWORK)
    outputs = ("--model", folder / f"{out}.safetensors", "--history", folder / f"{out}.csv")
    return ("train", *inputs, *outputs, "--settings", settings.canonical())


def test_a_model_and_its_history(lvpipe, folder, capsys):
    assert lvpipe(*words(folder, "abr", "w")) == 0
    history = read_table(folder / "model.csv")
    assert list(history[0]) == ["epoch", "learning_rate", "train_loss", "watch_loss", "watch_dice", "best"]
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert history[0]["best"] == "True"
    network = read_network(folder / "model.safetensors")
    assert network(torch.zeros(1, 1, 32, 32)).shape == (1, 1, 32, 32)
    told = capsys.readouterr().out
    assert "learning from 4 slices of 2 cases, watching 2 of 1" in told
    assert "r: left out of training" in told


def test_the_same_training_has_the_same_bytes(lvpipe, folder):
    other = SETTINGS.model_copy(update={"seed": 2})
    for name, settings in (("first", SETTINGS), ("again", SETTINGS), ("other", other)):
        assert lvpipe(*words(folder, "ab", "w", name, settings)) == 0
    content = {name: (folder / f"{name}.safetensors").read_bytes() for name in ("first", "again", "other")}
    assert content["first"] == content["again"]
    assert content["first"] != content["other"]
    assert (folder / "first.csv").read_bytes() == (folder / "again.csv").read_bytes()


@pytest.mark.parametrize(("learn", "watch", "found"), [("ru", "w", 1), ("ru", "u", 0)])
def test_nothing_to_learn_from_is_said_in_one_line(lvpipe, folder, capsys, learn, watch, found):
    assert lvpipe(*words(folder, learn, watch)) == 1
    error = capsys.readouterr().err
    assert error.startswith("lvpipe train: drawn slices in")
    assert f"for {found} cases; expected references of at least two" in error
    assert error.count("\n") == 1
    assert not (folder / "model.safetensors").exists()


@pytest.mark.parametrize("watch", ["u", "r"])
def test_a_broken_watched_case_stops_nothing(lvpipe, folder, capsys, watch):
    assert lvpipe(*words(folder, "ab", watch)) == 0
    assert "learning from 2 slices of 1 cases, watching 2 of 1" in capsys.readouterr().out
    assert (folder / "model.safetensors").exists()
