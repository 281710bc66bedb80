"""Areas and volumes of a few made-up cases, by networks that one can see through."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from placing import boxes_at

from lvpipe.boxes import write_boxes
from lvpipe.config.regress import RegressSettings
from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Window
from lvpipe.files import read_table, write_json
from lvpipe.images import Image, is_rejected, write_image, write_rejected
from lvpipe.learning import telling
from lvpipe.learning.weights import build_network, write_weights
from lvpipe.provenance import import_closure

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SETTINGS = RegressSettings(batch_images=5, draws=4, precision="float32", threads=1)
WINDOW = Window(side_px=128, intensities="unit")
DRAWN = WINDOW.model_copy(update={"images": "study_draw"})
PIXEL_MM = 1.4
SQUARE = 20
"""Pixels along the side of the bright square of the first frame; it loses 2 in each one that follows."""

NET4 = {"channels": 4, "filters": [2, 2, 2], "dense": 3}


class Bright(torch.nn.Module):
    """The share of each window that is bright, and so much more."""

    def __init__(self, more):
        super().__init__()
        self.more = torch.nn.Parameter(torch.tensor(more))

    def fractions(self, images):
        return (images > 0.5).float().mean(dim=(1, 2, 3)) + self.more


class Unsure(Bright):
    """The same of a whole study, with a spread of 0.3 % of the window."""

    def stack_fractions(self, windows):
        share = (windows > 0.5).float().mean(dim=(2, 3)) + self.more
        return share, torch.full_like(share, 0.003)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Cases `a` (3 frames of 2 slices) and `b` (of 1), `r` (rejected); models of three networks."""
    for kind in (Bright, Unsure):
        module = ModuleType(f"lvpipe.networks.{kind.__name__}")
        module.build = lambda kind=kind: kind(0.0)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    random = np.random.default_rng(0)
    for case, slices in (("a", 2), ("b", 1)):
        cine = random.integers(0, 60, (3, slices, 140, 140), np.uint8)
        for frame in range(3):
            cine[frame, :, 60 : 60 + SQUARE - 2 * frame, 60 : 60 + SQUARE - 2 * frame] = 200
        write_image(tmp_path / f"{case}_cine.nii.gz", Image(cine, np.diag([PIXEL_MM, PIXEL_MM, 8, 1])))
        write_json(tmp_path / f"{case}_cine.json", {"positions_mm": [-4.0, 4.0][:slices]})
        write_boxes(tmp_path / f"{case}_boxes.json", boxes_at(*[(6, 6)] * slices, side_px=128, pixel_mm=PIXEL_MM))
    write_rejected(*(tmp_path / f"r_{name}" for name in ("cine.nii.gz", "cine.json", "boxes.json")))
    save(tmp_path / "bright", "Bright", more=torch.tensor(0.0))
    save(tmp_path / "brighter", "Bright", more=torch.tensor(0.01))
    save(tmp_path / "darker", "Bright", more=torch.tensor(-1.0))
    save(tmp_path / "unsure", "Unsure", more=torch.tensor(0.0))
    save(tmp_path / "less-unsure", "Unsure", more=torch.tensor(0.008))
    for seed in (1, 2):
        torch.manual_seed(seed)
        save(tmp_path / f"net4-{seed}", "net4", NET4, **build_network("net4", NET4).state_dict())
    return tmp_path


def save(path, network, options=None, **state):
    write_weights(path, state, {"network": network, "options": options or {}})


def run(lvpipe, folder, *models, makes="areas", cases="arb", out="out", settings=SETTINGS, window=WINDOW, code="x"):
    places = [word for name in ("views", "ledgers", "boxes") for word in (f"--{name}", folder)]
    asked = ("--makes", makes, "--models", *(folder / name for name in models), "--cases", *cases)
    kept = ("--out", folder / out, "--spool", folder / "spool", "--code", code)
    seen = ("--window", window.canonical(), "--settings", settings.canonical())
    return lvpipe("regress", *places, *asked, *kept, *seen)


def areas(folder, out="out", column="cavity_mm2"):
    return [float(row[column]) for row in read_table(folder / out / "a_areas.csv")]


EXPECTED = [(SQUARE - 2 * frame) ** 2 * PIXEL_MM**2 for frame in range(3) for _ in range(2)]


def test_areas_of_every_slice_in_every_frame(lvpipe, folder, capsys):
    assert run(lvpipe, folder, "bright") == 0
    rows = read_table(folder / "out" / "a_areas.csv")
    assert list(rows[0]) == ["case", "frame", "slice", "position_mm", "cavity_mm2", "cavity_sd_mm2"]
    assert [(row["case"], row["frame"], row["slice"], row["position_mm"]) for row in rows[:3]] == [
        ("a", "0", "0", "-4"),
        ("a", "0", "1", "4"),
        ("a", "1", "0", "-4"),
    ]
    np.testing.assert_allclose(areas(folder), EXPECTED, rtol=1e-5)
    assert {row["cavity_sd_mm2"] for row in rows} == {""}
    assert len(read_table(folder / "out" / "b_areas.csv")) == 3
    assert is_rejected(folder / "out" / "r_areas.csv")
    assert "r: passed on: " in capsys.readouterr().out
    assert not (folder / "spool").exists()


def test_a_window_that_shows_a_box_has_that_box_s_area(lvpipe, folder):
    scaled = WINDOW.model_copy(update={"box_share": 0.5})
    assert run(lvpipe, folder, "bright", window=scaled) == 0
    np.testing.assert_allclose(areas(folder), EXPECTED, rtol=0.06)


def test_several_models_are_averaged_and_less_than_nothing_is_nothing(lvpipe, folder):
    assert run(lvpipe, folder, "bright", "brighter") == 0
    np.testing.assert_allclose(areas(folder), np.add(EXPECTED, 0.005 * (128 * PIXEL_MM) ** 2), rtol=1e-5)
    assert run(lvpipe, folder, "darker", out="dark") == 0
    assert areas(folder, "dark") == [0] * 6


def test_a_network_that_sees_the_whole_stack_tells_its_spread_too(lvpipe, folder):
    whole_mm2 = (128 * PIXEL_MM) ** 2
    assert run(lvpipe, folder, "unsure", "less-unsure") == 0
    np.testing.assert_allclose(areas(folder), np.add(EXPECTED, 0.004 * whole_mm2), rtol=1e-5)
    # 0.3 % each, and 0.4 % about their mean.
    np.testing.assert_allclose(areas(folder, column="cavity_sd_mm2"), 0.005 * whole_mm2, rtol=1e-5)


def volumes(folder, out="out", case="a"):
    (row,) = read_table(folder / out / f"{case}_volumes.csv")
    return row


def test_volumes_are_the_mean_over_draws_with_their_spread(lvpipe, folder):
    assert run(lvpipe, folder, "net4-1", makes="volumes", window=DRAWN) == 0
    row = volumes(folder)
    assert list(row) == ["case", "edv_ml", "esv_ml", "edv_sd_ml", "esv_sd_ml"]
    assert row["case"] == "a"
    assert float(row["edv_sd_ml"]) > 0
    assert is_rejected(folder / "out" / "r_volumes.csv")
    once = SETTINGS.model_copy(update={"draws": 1})
    assert run(lvpipe, folder, "net4-1", makes="volumes", window=DRAWN, settings=once, out="once") == 0
    assert volumes(folder, "once")["edv_sd_ml"] == ""
    assert volumes(folder, "once")["edv_ml"] != row["edv_ml"]


def test_volumes_of_slices_in_turn_have_no_spread(lvpipe, folder):
    cycled = WINDOW.model_copy(update={"images": "slice_cycle"})
    assert run(lvpipe, folder, "net4-1", makes="volumes", window=cycled) == 0
    assert volumes(folder)["edv_sd_ml"] == volumes(folder)["esv_sd_ml"] == ""


def test_the_volumes_of_several_models_are_averaged(lvpipe, folder):
    for out, models in (("both", ("net4-1", "net4-2")), ("first", ("net4-1",)), ("second", ("net4-2",))):
        assert run(lvpipe, folder, *models, makes="volumes", window=DRAWN, out=out) == 0
    both, *each = (float(volumes(folder, out)["edv_ml"]) for out in ("both", "first", "second"))
    assert each[0] != each[1]
    assert both == pytest.approx(np.mean(each))


@pytest.mark.parametrize(("makes", "model", "window"), [("areas", "bright", WINDOW), ("volumes", "net4-1", DRAWN)])
def test_a_case_does_not_depend_on_its_shard_or_on_the_run(lvpipe, folder, makes, model, window):
    assert run(lvpipe, folder, model, makes=makes, window=window) == 0
    assert run(lvpipe, folder, model, makes=makes, window=window, cases="a", out="alone") == 0
    name = f"a_{makes}.csv"
    assert (folder / "out" / name).read_bytes() == (folder / "alone" / name).read_bytes()


def test_another_seed_draws_other_images(lvpipe, folder):
    for out, seed in (("first", 1), ("second", 2)):
        settings = SETTINGS.model_copy(update={"seed": seed})
        assert run(lvpipe, folder, "net4-1", makes="volumes", window=DRAWN, settings=settings, out=out) == 0
    assert volumes(folder, "first") != volumes(folder, "second")


@pytest.mark.parametrize("change", ["nothing", "code", "models", "settings", "window", "ledger"])
def test_finished_cases_survive_a_killed_job_under_the_same_conditions(lvpipe, folder, monkeypatch, change):
    told = []
    real = telling.tell_areas
    monkeypatch.setattr(telling, "tell_areas", lambda *seen: (told.append(seen), real(*seen))[1])
    box = folder / "b_boxes.json"
    content = box.read_bytes()
    box.unlink()
    assert run(lvpipe, folder, "bright", cases="ab") == 1
    assert len(told) == 1
    assert not (folder / "out" / "a_areas.csv").exists()
    box.write_bytes(content)
    if change == "ledger":
        write_json(folder / "a_cine.json", {"positions_mm": [-5.0, 5.0]})
    changes = {
        "code": {"code": "y"},
        "settings": {"settings": SETTINGS.model_copy(update={"batch_images": 3})},
        "window": {"window": WINDOW.model_copy(update={"side_px": 64})},
    }
    model = "brighter" if change == "models" else "bright"
    assert run(lvpipe, folder, model, cases="ab", **changes.get(change, {})) == 0
    assert len(told) == (2 if change == "nothing" else 3)


def test_how_networks_learn_is_no_part_of_how_they_tell():
    closure = import_closure("lvpipe.stages.regress")
    assert not {"lvpipe.learning.loop", "lvpipe.learning.telling_volumes", "lvpipe.config.train"} & closure
    assert "lvpipe.learning.telling" in closure


def test_what_was_learnt_of_masks_and_of_volumes_is_told(lvpipe, folder, monkeypatch):
    """From drawn slices and stated volumes to areas and volumes, with the papers' networks made small."""
    monkeypatch.setattr("lvpipe.networks.net3_regression._DENSE", 8)
    monkeypatch.setattr("lvpipe.networks.net3_regression._HIDDEN", 8)
    draw_references(folder)
    masks = ("--learn", "a", "--watch", "b", "--makes", "areas")
    assert teach(lvpipe, folder, "centroid", {"network": "net3_regression", "options": {}}, WINDOW, *masks) == 0
    assert run(lvpipe, folder, "centroid") == 0
    assert len(areas(folder)) == 6
    volumes_too = ("--measure-learn", "a", "--measure-watch", "b", "--makes", "volumes")
    stated = dict.fromkeys("ab", (150.0, 60.0, ""))
    told = (*volumes_too, "--stated", json.dumps(stated), "--ledgers", folder)
    assert teach(lvpipe, folder, "volumes", {"network": "net4", "options": NET4}, DRAWN, *told) == 0
    assert run(lvpipe, folder, "volumes", makes="volumes", window=DRAWN) == 0
    assert float(volumes(folder)["edv_ml"]) == pytest.approx(150, abs=20), "it starts at the only one's"


def draw_references(folder):
    """What is bright is drawn in the first frame."""
    for case, slices in (("a", 2), ("b", 1)):
        labels = np.full((3, slices, 140, 140), 255, np.uint8)
        labels[0] = 0
        labels[0, :, 60 : 60 + SQUARE, 60 : 60 + SQUARE] = 1
        write_image(folder / f"{case}_reference.nii.gz", Image(labels, np.diag([PIXEL_MM, PIXEL_MM, 8, 1])))
        positions = {"positions_mm": [-4.0, 4.0][:slices]}
        ledger = {"complete": True, "thickness_mm": 8.0, "reference": None}
        write_json(folder / f"{case}_cine.json", positions | ledger)


def teach(lvpipe, folder, out, network, window, *more):
    settings = TrainSettings(epochs=1, batch_images=2, precision="float32", threads=1, learning_rate=1e-4)
    places = ("--cines", folder, "--boxes", folder, "--labels", "cavity", "--network", json.dumps(network))
    outputs = ("--model", folder / out, "--history", folder / f"{out}.csv", "--spool", folder / "kept", "--code", "x")
    return lvpipe("train", *places, *outputs, "--window", window.canonical(), "--settings", settings.canonical(), *more)
