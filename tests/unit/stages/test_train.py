import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from placing import boxes_at, window
from stopping import stop_at

from lvpipe.boxes import write_boxes
from lvpipe.config.train import TrainSettings, VolumeTeaching
from lvpipe.files import read_table
from lvpipe.images import write_image, write_rejected
from lvpipe.learning.weights import read_network

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

NETWORK = json.dumps({"network": "unet", "options": {"channels": [4, 8]}})
SETTINGS = TrainSettings(epochs=3, batch_images=4, precision="float32", threads=1)


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
        write_boxes(tmp_path / f"{case}_boxes.json", boxes_at(*[(4, 4)] * 3, side_px=32))
    write_rejected(tmp_path / "r_cine.nii.gz", tmp_path / "r_reference.nii.gz", tmp_path / "r_boxes.json")
    return tmp_path


def words(
    folder, learn, watch, out="model", settings=SETTINGS, code="x", side_px=32, labels=("cavity",), network=NETWORK
):
    inputs = ("--cines", folder, "--boxes", folder, "--learn", *learn, "--watch", *watch, "--network", network)
    outputs = ("--model", folder / f"{out}.safetensors", "--history", folder / f"{out}.csv")
    kept = ("--spool", folder / "spool", "--code", code, *window(side_px), "--labels", *labels)
    return ("train", *inputs, *outputs, *kept, "--settings", settings.canonical())


def test_a_model_and_its_history(lvpipe, folder, capsys):
    assert lvpipe(*words(folder, "abr", "w")) == 0
    history = read_table(folder / "model.csv")
    columns = ["epoch", "learning_rate", "train_loss", "watch_loss", "watch_score", "best", "watch_error_ml"]
    assert list(history[0]) == columns
    assert history[0]["watch_error_ml"] == "", "no volumes are watched"
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert history[0]["best"] == "True"
    network = read_network(folder / "model.safetensors")
    assert network(torch.zeros(1, 1, 32, 32)).shape == (1, 1, 32, 32)
    told = capsys.readouterr().out
    assert "learning from 4 slices of 2 cases, watching 2 slices of 1" in told
    assert "r: left out of training" in told
    assert not (folder / "spool").exists()


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
    assert "learning from 2 slices of 1 cases, watching 2 slices of 1" in capsys.readouterr().out
    assert (folder / "model.safetensors").exists()


LONG = SETTINGS.model_copy(update={"epochs": 60, "patience": 60})


def outputs(folder, name="model") -> tuple[bytes, bytes]:
    return (folder / f"{name}.safetensors").read_bytes(), (folder / f"{name}.csv").read_bytes()


def test_a_killed_process_goes_on_to_the_same_bytes(lvpipe, folder, capsys):
    command = [sys.executable, "-m", "lvpipe", *map(str, words(folder, "ab", "w", "killed", LONG))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("epoch 7/60") for line in process.stdout)
        process.kill()
    assert process.returncode == -9
    assert not (folder / "killed.safetensors").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "going on after epoch" in done
    assert "epoch 1/60" not in done
    assert lvpipe(*words(folder, "ab", "w", "whole", LONG)) == 0
    assert "going on" not in capsys.readouterr().out
    assert outputs(folder, "killed") == outputs(folder, "whole")
    assert not (folder / "spool").exists()


@pytest.mark.parametrize("change", ["nothing", "code", "settings", "watch", "box", "reference", "window"])
def test_a_checkpoint_of_another_training_is_not_used(lvpipe, folder, monkeypatch, capsys, change):
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            lvpipe(*words(folder, "ab", "w", settings=LONG))
    before = list((folder / "spool").iterdir())
    other = {
        "code": {"code": "y"},
        "settings": {"settings": LONG.model_copy(update={"learning_rate": 0.01})},
        "watch": {"watch": "wu"},
        "window": {"side_px": 36},
    }
    if change == "box":
        write_boxes(folder / "w_boxes.json", boxes_at(*[(5, 4)] * 3, side_px=32))
    if change == "reference":
        (folder / "b_reference.nii.gz").write_bytes((folder / "a_reference.nii.gz").read_bytes())
    capsys.readouterr()
    with monkeypatch.context() as patch:
        stop_at(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            lvpipe(*words(folder, **{"learn": "ab", "watch": "w", "settings": LONG, **other.get(change, {})}))
    assert ("going on after epoch" in capsys.readouterr().out) is (change == "nothing")
    after = list((folder / "spool").iterdir())
    assert len(after) == 1, "what belongs to another training is removed"
    assert (after == before) is (change == "nothing")


@pytest.mark.parametrize("diverged", ["stop", "note"])
def test_a_training_that_diverges_stops_or_is_noted(lvpipe, folder, capsys, diverged):
    hopeless = SETTINGS.model_copy(update={"learning_rate": 1e30, "batch_images": 2})
    assert lvpipe(*words(folder, "ab", "w", settings=hopeless), "--diverged", diverged) == (diverged == "stop")
    told = capsys.readouterr()
    assert "training diverged: the loss is nan in epoch 1, batch 2, of the cases " in told.err + told.out
    assert (folder / "model.csv").exists() is (diverged == "note")
    if diverged == "note":
        assert (folder / "model.safetensors").read_bytes() == b""
        assert [row["best"] for row in read_table(folder / "model.csv")] == ["False"]
        assert not (folder / "spool").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_in_one_line(lvpipe, folder, capsys):
    assert lvpipe(*words(folder, "ab", "w", settings=SETTINGS.model_copy(update={"device": "cuda"}))) == 1
    error = capsys.readouterr().err
    assert error.startswith("lvpipe train: `device: cuda`")
    assert error.count("\n") == 1


def test_each_cine_is_read_once(lvpipe, folder, monkeypatch):
    from lvpipe.learning import samples

    read, real = [], samples.read_image
    monkeypatch.setattr(samples, "read_image", lambda path: (read.append(path.name), real(path))[1])
    assert lvpipe(*words(folder, "ab", "w")) == 0
    assert sorted(read) == sorted(f"{case}_{kind}.nii.gz" for case in "abw" for kind in ("cine", "reference"))


def test_a_model_of_two_labels_has_an_output_for_each(lvpipe, folder):
    network = json.dumps({"network": "unet", "options": {"channels": [4, 8], "outputs": 2}})
    assert lvpipe(*words(folder, "ab", "w", labels=("cavity", "myocardium"), network=network)) == 0
    assert read_network(folder / "model.safetensors")(torch.zeros(1, 1, 32, 32)).shape == (1, 2, 32, 32)


LEDGER = {
    "reference": None,
    "complete": True,
    "positions_mm": [0.0, 10.0, 20.0],
    "thickness_mm": 8.0,
    "slice_spacing_mm": 10.0,
}


@pytest.fixture
def measured(folder):
    """The same cases with ledgers and volumes; that of `u` has no ESV."""
    for case in "abwu":
        (folder / f"{case}_cine.json").write_text(json.dumps(LEDGER))
    stated = {case: [20.0, None if case == "u" else 10.0, ""] for case in "abwu"}
    volumes = VolumeTeaching(rounds=1, both_epochs=1, volumes_epochs=1, turns="none")
    settings = SETTINGS.model_copy(update={"epochs": 1, "volumes": volumes})

    def run(*further, learn="ab", watch="w", network=NETWORK, out="model", learn_volumes="abu", known=None, **changes):
        own = (
            "--measure-learn",
            *learn_volumes,
            "--measure-watch",
            "w",
            "--stated",
            json.dumps(stated | (known or {})),
        )
        chosen = settings.model_copy(update=changes)
        plain = words(folder, learn, watch, out, chosen, network=network)
        return (*plain, *own, "--ledgers", folder, "--integrate", "{}", *further)

    return run


def headed(**more) -> str:
    return json.dumps({**json.loads(NETWORK), "head": True, **more})


def test_masks_then_both_then_volumes(lvpipe, folder, measured, capsys):
    assert lvpipe(*measured(network=headed())) == 0
    assert len(history := read_table(folder / "model.csv")) == 3
    assert all(float(row["watch_error_ml"]) > 0 for row in history)
    assert read_network(folder / "model.safetensors").fractions(torch.zeros(1, 1, 32, 32)).shape == (1,)
    told = capsys.readouterr().out
    assert "left out of the volumes: u (its ESV is not known)" in told
    assert "learning from the volumes of 2 cases, watching those of 1" in told


def test_weights_of_another_model_are_the_start(lvpipe, folder, measured):
    assert lvpipe(*words(folder, "ab", "w", "before")) == 0
    start = ("--start", folder / "before.safetensors")
    assert lvpipe(*measured(*start, network=headed())) == 0
    assert len(read_table(folder / "model.csv")) == 2, "rounds alone"
    assert lvpipe(*measured(*start, learn="", watch="", network=headed(), epochs=4)) == 0
    assert len(read_table(folder / "model.csv")) == 4, "volumes alone"


@pytest.mark.parametrize("makes", ["areas", "volumes", "study"])
def test_networks_that_regress_learn_of_volumes(lvpipe, folder, measured, monkeypatch, makes):
    networks = {
        "study": ({"network": "slice_sequence", "options": {"channels": [4, 4, 4], "width": 8}}, "areas"),
        "areas": ({"network": "hfcn", "options": {}}, "areas"),
        "volumes": ({"network": "net4", "options": {"channels": 4}}, "volumes"),
    }
    network, kind = networks[makes]
    if makes == "volumes":
        monkeypatch.setattr("lvpipe.networks.net4._FIELD", 4)
    run = measured("--makes", kind, learn="", watch="", network=json.dumps(network))
    assert lvpipe(*run) == 0
    (row,) = read_table(folder / "model.csv")
    assert float(row["watch_error_ml"]) > 0


@pytest.mark.parametrize("change", ["nothing", "volume", "stranger", "ledger", "integrate", "start"])
def test_a_checkpoint_belongs_to_what_is_taught_by_volumes(lvpipe, folder, measured, monkeypatch, capsys, change):
    assert lvpipe(*words(folder, "ab", "w", "before")) == 0
    more = ("--start", folder / "before.safetensors")

    def stopped(*further, **known) -> None:
        command = measured(*more, *further, network=headed(), epochs=4, learn="", watch="", known=known)
        with monkeypatch.context() as patch:
            stop_at(patch, 2)
            with pytest.raises(KeyboardInterrupt):
                lvpipe(*command)

    stopped()
    if change == "ledger":
        (folder / "b_cine.json").write_text(json.dumps({**LEDGER, "thickness_mm": 7.0}))
    if change == "start":
        assert lvpipe(*words(folder, "ab", "w", "before", SETTINGS.model_copy(update={"seed": 9}))) == 0
    capsys.readouterr()
    changes = {"volume": {"a": [21.0, 10.0, ""]}, "stranger": {"z": [30.0, 10.0, ""]}}
    further = ("--integrate", '{"rule": "simpson"}') if change == "integrate" else ()
    stopped(*further, **changes.get(change, {}))
    assert ("going on after epoch" in capsys.readouterr().out) is (change in ("nothing", "stranger"))


def test_volumes_are_those_that_the_source_states_a_phantoms_folder_has_or_that_were_drawn(
    lvpipe, folder, measured, capsys
):
    (folder / "volumes.json").write_text('{"edv_ml": 25.0, "esv_ml": 30.0}')
    (folder / "b_cine.json").write_text(json.dumps({**LEDGER, "reference": {"edv_ml": 24.0, "esv_ml": 12.0}}))
    known = {"u": str(folder), "b": [None, None, ""], "a": [None, None, "ESV is over EDV"]}
    assert lvpipe(*measured(network=headed(), known=known)) == 0
    told = capsys.readouterr().out
    assert "u (ESV 30 mL is over EDV 25 mL: are the two swapped?)" in told
    assert "a (ESV is over EDV)" in told
    assert "b (" not in told
