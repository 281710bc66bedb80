from threading import get_ident

import numpy as np
import pytest
import torch
from placing import boxes_at, window

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.resample import PreparedView
from lvpipe.config.segment import SegmentSettings
from lvpipe.config.window import Window
from lvpipe.images import Image, is_rejected, read_image, read_images, write_image, write_rejected
from lvpipe.learning.weights import build_network, write_weights
from lvpipe.provenance import import_closure
from lvpipe.stages import segment
from lvpipe.stages.resample import prepare_cine
from lvpipe.stages.segment import draw_case

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SETTINGS = SegmentSettings(batch_images=5, precision="float32", threads=1)
ARCHITECTURE = {"network": "unet", "options": {"channels": [4, 8]}}


class BrightIsCavity(torch.nn.Module):
    """Sure where an image is brighter than its mean, and where not."""

    def forward(self, batch):
        return torch.where(batch > 0.8, 20.0, -20.0)


def disks(centres, spacing_mm=1.4, shape=(90, 80)) -> np.ndarray:
    y, x = np.indices(shape) * spacing_mm
    return np.stack([[np.hypot(y - row, x - column) < 15 for row, column in centres]] * 3)


@pytest.mark.parametrize(("native_mm", "view_mm"), [(1.4, 1.0), (1.0, 1.0), (0.8, 1.5)])
def test_what_is_drawn_in_a_box_lies_over_the_native_pixels(image, native_mm, view_mm):
    cavity = disks([(50, 44), (58, 52)], native_mm, (round(126 / native_mm), round(112 / native_mm)))
    native = image((800 * cavity).astype(np.int16), (native_mm, native_mm, 8))
    prepared = prepare_cine(native, PreparedView(spacing_mm=view_mm))
    side = round(64 / view_mm / 2) * 2
    corners = tuple((round(row / view_mm) - side // 2, round(column / view_mm) - side // 2) for row, column in
                    [(50, 44), (58, 52)])  # fmt: skip
    (prob,) = draw_case(
        [BrightIsCavity()],
        prepared,
        native,
        boxes_at(*corners, side_px=side, pixel_mm=view_mm),
        Window(side_px=side),
        ["cavity"],
        SETTINGS,
    )
    assert prob.array_tzyx.dtype == np.uint8
    assert prob.array_tzyx.shape == cavity.shape
    np.testing.assert_array_equal(prob.affine, native.affine)
    assert prob.time_step_ms == native.time_step_ms
    drawn = prob.array_tzyx > 127
    for z in range(2):
        overlap = 2 * (drawn[:, z] & cavity[:, z]).sum() / (drawn[:, z].sum() + cavity[:, z].sum())
        assert overlap > 0.96
        for axis in (1, 2):
            places = np.arange(drawn.shape[1 + axis])
            mine, true = (mask[0, z].sum(axis=2 - axis) @ places / mask[0, z].sum() for mask in (drawn, cavity))
            assert mine == pytest.approx(true, abs=0.3)


def test_outside_the_boxes_nothing_is_drawn(image):
    native = image(np.random.default_rng(0).integers(0, 900, (2, 2, 60, 60)).astype(np.int16), (1, 1, 8))
    prepared = prepare_cine(native, PreparedView(spacing_mm=1.0))
    (prob,) = draw_case(
        [BrightIsCavity()],
        prepared,
        native,
        boxes_at((10, 20), (-8, 50), side_px=16),
        Window(side_px=16),
        ["cavity"],
        SETTINGS,
    )
    assert prob.array_tzyx[:, 0, 10:26, 20:36].any()
    prob.array_tzyx[:, 0, 10:26, 20:36] = 0
    prob.array_tzyx[:, 1, :8, 50:] = 0
    assert not prob.array_tzyx.any()


class AllIsDoubtful(torch.nn.Module):
    """Each of two labels is as likely as not in every pixel."""

    def forward(self, batch):
        return torch.zeros_like(batch).repeat(1, 2, 1, 1)


def test_beyond_the_window_all_is_background(image):
    native = image(np.zeros((2, 1, 60, 60), np.int16), (1.4, 1.4, 8))
    prepared = prepare_cine(native, PreparedView(spacing_mm=1.0))
    seen = (boxes_at((30, 30), side_px=16, pixel_mm=1.0), Window(side_px=16), ["cavity", "background"], SETTINGS)
    cavity, rest = (prob.array_tzyx for prob in draw_case([AllIsDoubtful()], prepared, native, *seen))
    within = cavity > 0
    assert within.any()
    assert set(rest[within]) == set(cavity[within]) == {127}
    assert set(rest[~within]) == {255}


@pytest.fixture
def folder(tmp_path, image):
    """Cases `a`, `b` (fine) and `r` (rejected), with two models of the same architecture."""
    for i, case in enumerate("ab"):
        native = image((800 * disks([(50 + 3 * i, 44)] * 2)).astype(np.int16), (1.4, 1.4, 8))
        prepared = prepare_cine(native, PreparedView(spacing_mm=1.4))
        write_image(tmp_path / "cines" / f"{case}_cine.nii.gz", native)
        write_image(tmp_path / "views" / f"{case}_cine.nii.gz", prepared)
        rows, columns = prepared.array_tzyx.shape[2:]
        middle = boxes_at(*[(rows // 2 - 16, columns // 2 - 16)] * 2, side_px=32, pixel_mm=1.4)
        write_boxes(tmp_path / "boxes" / f"{case}_boxes.json", middle)
    rejected = [tmp_path / name for name in ("cines/r_cine.nii.gz", "views/r_cine.nii.gz", "boxes/r_boxes.json")]
    write_rejected(*rejected)
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = build_network(**ARCHITECTURE)
        write_weights(tmp_path / f"m{seed}.safetensors", network.state_dict(), ARCHITECTURE)
    return tmp_path


def run(
    lvpipe,
    folder,
    *cases,
    models=(1, 2),
    out="out",
    code="x",
    settings=SETTINGS,
    side_px=32,
    labels=("cavity",),
    more=(),
):
    places = [word for name in ("views", "cines", "boxes") for word in (f"--{name}", folder / name)]
    paths = [folder / f"m{seed}.safetensors" for seed in models]
    words = ("--out", folder / out, "--spool", folder / "spool", "--models", *paths, "--cases", *cases)
    asked = ("--labels", *labels, "--code", code, *window(side_px), "--settings", settings.canonical(), *more)
    return lvpipe("segment", *places, *words, *asked)


def prob(folder, case, out="out") -> np.ndarray:
    return read_image(folder / out / f"{case}_prob.nii.gz").array_tzyx


def test_a_shard_of_cases(lvpipe, folder, capsys):
    assert run(lvpipe, folder, "a", "r", "b") == 0
    assert "r: passed on: " in capsys.readouterr().out
    for case in "ab":
        values = prob(folder, case)
        assert values.shape == (3, 2, 90, 80)
        assert 0 < values.max() <= 1
    assert is_rejected(folder / "out" / "r_prob.nii.gz")
    assert not (folder / "spool").exists()


def test_a_case_does_not_depend_on_its_shard_or_on_the_run(lvpipe, folder):
    assert run(lvpipe, folder, "a", "b") == 0
    assert run(lvpipe, folder, "b", out="alone") == 0
    assert (folder / "out" / "b_prob.nii.gz").read_bytes() == (folder / "alone" / "b_prob.nii.gz").read_bytes()


def test_several_models_are_averaged(lvpipe, folder):
    for name, models in (("both", (1, 2)), ("first", (1,)), ("second", (2,))):
        assert run(lvpipe, folder, "a", models=models, out=name) == 0
    mean = (prob(folder, "a", "first") + prob(folder, "a", "second")) / 2
    np.testing.assert_allclose(prob(folder, "a", "both"), mean, atol=1.1 / 255)


def test_a_case_has_as_many_threads_as_the_job(lvpipe, folder, monkeypatch):
    """A convolution asks OpenMP, whose number is each thread's own; the setting of another thread is not enough."""
    set_in = []
    real = torch.set_num_threads
    monkeypatch.setattr(torch, "set_num_threads", lambda count: (set_in.append((get_ident(), count)), real(count)))
    drew_in = []
    real_draw = segment.draw_case
    monkeypatch.setattr(segment, "draw_case", lambda *seen: (drew_in.append(get_ident()), real_draw(*seen))[1])
    assert run(lvpipe, folder, "a", "b") == 0
    assert {(thread, SETTINGS.threads) for thread in drew_in} <= set(set_in)


def count_drawn(monkeypatch) -> list[Image]:
    drawn: list[Image] = []
    real = segment.draw_case

    def counted(networks, prepared, *rest):
        drawn.append(prepared)
        return real(networks, prepared, *rest)

    monkeypatch.setattr(segment, "draw_case", counted)
    return drawn


def test_finished_cases_survive_a_killed_job(lvpipe, folder, monkeypatch):
    drawn = count_drawn(monkeypatch)
    box = folder / "boxes" / "b_boxes.json"
    content = box.read_bytes()
    box.unlink()
    assert run(lvpipe, folder, "a", "b") == 1
    assert len(drawn) == 1
    assert not (folder / "out" / "a_prob.nii.gz").exists()
    box.write_bytes(content)
    assert run(lvpipe, folder, "a", "b") == 0
    assert len(drawn) == 2, "a was finished"
    whole = (folder / "out" / "a_prob.nii.gz").read_bytes()
    assert run(lvpipe, folder, "a", out="again") == 0
    assert (folder / "again" / "a_prob.nii.gz").read_bytes() == whole


@pytest.mark.parametrize("change", ["code", "models", "box", "settings", "window", "processor"])
def test_what_was_finished_under_other_conditions_is_done_again(lvpipe, folder, monkeypatch, change):
    drawn = count_drawn(monkeypatch)
    hidden = folder / "boxes" / "b_boxes.json"
    hidden.unlink()
    assert run(lvpipe, folder, "a", "b") == 1
    if change == "box":
        write_boxes(folder / "boxes" / "a_boxes.json", boxes_at(*[(9, 9)] * 2, side_px=32))
    if change == "processor":
        monkeypatch.setattr("lvpipe.learning.device.resolve_precision", lambda *_: "bfloat16")
    changes = {
        "code": {"code": "y"},
        "models": {"models": (1,)},
        "settings": {"settings": SETTINGS.model_copy(update={"batch_images": 3})},
        "window": {"side_px": 28},
    }
    assert run(lvpipe, folder, "a", **changes.get(change, {})) == 0
    assert len(drawn) == 2


def test_a_window_about_the_image_needs_no_heart(lvpipe, folder):
    """But one about the box does."""
    words = ("--settings", SETTINGS.canonical(), "--window", Window(side_px=32, about="image").canonical())
    for out in ("found", "not-found"):
        assert run(lvpipe, folder, "a", "r", out=out, more=words) == 0
        assert is_rejected(folder / out / "r_prob.nii.gz")
        write_boxes(folder / "boxes" / "a_boxes.json", Boxes("mean_deltas", 1.4, (), reason="two frames"))
    np.testing.assert_array_equal(prob(folder, "a", "found"), prob(folder, "a", "not-found"))
    assert run(lvpipe, folder, "a", out="box") == 0
    assert is_rejected(folder / "box" / "a_prob.nii.gz")


def test_a_broken_model_stops_the_job_with_one_line(lvpipe, folder, capsys):
    (folder / "m1.safetensors").write_bytes(b"broken")
    assert run(lvpipe, folder, "a") == 1
    error = capsys.readouterr().err
    assert error.startswith("lvpipe segment: ")
    assert "not a readable model" in error
    assert error.count("\n") == 1


def test_how_networks_learn_is_no_part_of_how_they_are_applied():
    """Else a change of the loop would run all shards again, although the models stayed the same."""
    assert not {"lvpipe.learning.loop", "lvpipe.config.train"} & import_closure("lvpipe.stages.segment")


def test_several_labels_lie_along_a_fifth_axis(lvpipe, folder):
    torch.manual_seed(3)
    two = {"network": "unet", "options": {"channels": [4, 8], "outputs": 2}}
    write_weights(folder / "m3.safetensors", build_network(**two).state_dict(), two)
    assert run(lvpipe, folder, "a", models=(3,), labels=("cavity", "myocardium")) == 0
    cavity, muscle = (image.array_tzyx for image in read_images(folder / "out" / "a_prob.nii.gz"))
    assert cavity.shape == muscle.shape == (3, 2, 90, 80)
    assert np.abs(cavity - muscle).max() > 0.05


def test_each_case_is_drawn_in_all_the_turns_that_are_asked_for(lvpipe, folder):
    assert run(lvpipe, folder, "a") == 0
    assert run(lvpipe, folder, "a", out="turned", settings=SETTINGS.model_copy(update={"turns": "all"})) == 0
    plain, averaged = prob(folder, "a"), prob(folder, "a", "turned")
    assert 0.01 < np.abs(plain - averaged).max() < 1
