from dataclasses import replace

import numpy as np
import pytest
from placing import boxes_at, window

from lvpipe.boxes import Boxes, read_boxes, write_boxes
from lvpipe.config.convert import Completeness
from lvpipe.config.integrate import GivenSource, IntegrateSettings
from lvpipe.config.window import Window
from lvpipe.files import read_json, read_table, write_json, write_table
from lvpipe.images import Image, write_image, write_rejected
from lvpipe.integration.tables import AREAS, BEATS, CURVE, PAIRS
from lvpipe.stages.integrate import count_areas, reference_areas

SETTINGS = IntegrateSettings(end_caps="none").canonical()
SIDES = np.array([[4, 6, 4], [3, 4, 2], [4, 5, 4]])
"""Sides in pixels of the square cavity, frame by slice."""


@pytest.fixture
def results(tmp_path, image):
    """Masks, ledgers, boxes and a reference of the cases `a` (fine) and `b` (rejected)."""
    mask = np.zeros((3, 3, 20, 20), np.uint8)
    for (t, z), side in np.ndenumerate(SIDES):
        mask[t, z, 2 : 2 + side, 3 : 3 + side] = 1
    mask[:, :, 15:] = 2  # myocardium is not cavity
    ledger = {"positions_mm": [0, 10, 20], "times_ms": [0, 40, 80], "thickness_mm": 8, "slice_spacing_mm": 10}
    ledger |= {"complete": True, "incomplete_reason": ""}
    write_json(tmp_path / "a_cine.json", ledger)
    write_json(tmp_path / "b_cine.json", {"status": "rejected"})
    native = image(mask, (2.0, 1.5, 10))
    write_image(tmp_path / "a_mask.nii.gz", native)
    write_rejected(tmp_path / "b_mask.nii.gz")
    reference = np.full_like(mask, 255)
    reference[2, :2] = 0
    reference[2, 1, :5, :5] = 1
    write_image(tmp_path / "a_reference.nii.gz", Image(reference, native.affine))
    write_boxes(tmp_path / "a_boxes.json", boxes_at(*[(0, 0)] * 3, side_px=16, pixel_mm=3**0.5))
    write_rejected(tmp_path / "b_boxes.json")
    return tmp_path


def run_cases(lvpipe, folder, *more):
    for case in "ab":
        inputs = ("--mask", folder / f"{case}_mask.nii.gz", "--ledger", folder / f"{case}_cine.json")
        outputs = ("--areas", folder / f"{case}_areas.csv", "--volumes", folder / f"{case}_volumes.csv")
        words = (*inputs, *outputs, "--case", case, "--settings", SETTINGS, *more)
        assert lvpipe("integrate", "case", *words) == 0


def run_cohort(lvpipe, folder, *more):
    inputs = [word for name, path in (("areas", folder), ("ledgers", folder), ("boxes", folder))
              for word in (f"--{name}", path)]  # fmt: skip
    outputs = ("--volumes", folder / "c_volumes.csv", "--pairs", folder / "c_pairs.csv")
    assert (
        lvpipe(
            "integrate", "cohort", "--cases", "a", "b", *inputs, *outputs, *window(16), "--settings", SETTINGS, *more
        )
        == 0
    )
    return read_table(folder / "c_volumes.csv"), read_table(folder / "c_pairs.csv")


def test_areas_are_pixels_of_cavity_times_their_size():
    mask = np.zeros((1, 2, 4, 4), np.uint8)
    mask[0, 0, :2, :3], mask[0, 1] = 1, 2
    assert count_areas(mask, 3.0).tolist() == [[18.0, 0.0]]
    mask[0, 1] = 255
    np.testing.assert_array_equal(reference_areas(mask, 3.0), [[18.0, np.nan]])


def test_a_drawn_slice_without_cavity_has_an_area_of_zero():
    assert reference_areas(np.zeros((1, 1, 4, 4), np.uint8), 3.0).tolist() == [[0.0]]


def test_one_case(lvpipe, results):
    run_cases(lvpipe, results)
    areas = read_table(results / "a_areas.csv")
    assert tuple(areas[0]) == AREAS
    assert len(areas) == 9
    assert areas[4] == {
        "case": "a",
        "frame": "1",
        "slice": "1",
        "position_mm": "10",
        "cavity_mm2": "48",
        "myocardium_mm2": "",
        "cavity_sd_mm2": "",
    }
    curve = read_table(results / "a_volumes.csv")
    assert tuple(curve[0]) == CURVE
    assert [row["time_ms"] for row in curve] == ["0", "40", "80"]
    expected = [10 * (a[0] / 2 + a[1] + a[2] / 2) / 1000 for a in 3.0 * SIDES**2]
    assert [float(row["cavity_ml"]) for row in curve] == pytest.approx(expected)


def test_a_rejected_case_has_empty_files(lvpipe, results):
    run_cases(lvpipe, results)
    for name in ("b_areas.csv", "b_volumes.csv"):
        assert (results / name).read_bytes() == b""


def test_a_cohort_of_one_fine_and_one_rejected_case(lvpipe, results):
    run_cases(lvpipe, results)
    beats, pairs = run_cohort(lvpipe, results, "--drawn")
    assert tuple(beats[0]) == BEATS
    assert tuple(pairs[0]) == PAIRS
    edv, esv = 10 * 3 * (8 + 36 + 8) / 1000, 10 * 3 * (4.5 + 16 + 2) / 1000
    assert [float(beats[0][key]) for key in ("edv_ml", "esv_ml", "sv_ml")] == pytest.approx([edv, esv, edv - esv])
    assert float(beats[0]["ef_percent"]) == pytest.approx(100 * (edv - esv) / edv)
    assert [beats[0][key] for key in ("ed_frame", "es_frame", "frames", "slices", "flags")] == [
        *("0", "1", "3", "3", "few-slices")
    ]
    assert beats[1] == {**dict.fromkeys(BEATS, ""), "case": "b", "flags": "rejected"}


def test_pairs_are_the_slices_of_the_beat_and_of_every_drawn_frame(lvpipe, results):
    run_cases(lvpipe, results)
    _, pairs = run_cohort(lvpipe, results, "--drawn")
    assert [(row["frame"], row["slice"]) for row in pairs] == [(t, z) for t in "012" for z in "012"]
    assert {row["box_mm2"] for row in pairs} == {"768"}
    assert [row["reference_mm2"] for row in pairs] == [*[""] * 6, "0", "75", ""]
    _, pairs = run_cohort(lvpipe, results)
    assert [row["frame"] for row in pairs] == ["0"] * 3 + ["1"] * 3
    assert {row["reference_mm2"] for row in pairs} == {""}


def test_without_a_thickness_in_the_header_the_distance_of_slices_is_taken(lvpipe, results):
    ledger = {"positions_mm": [0, 10, 20], "times_ms": [0, 40, 80], "thickness_mm": None, "slice_spacing_mm": 10}
    write_json(results / "a_cine.json", ledger)
    settings = IntegrateSettings(end_caps="none", distance="thickness").canonical()
    inputs = ("--mask", results / "a_mask.nii.gz", "--ledger", results / "a_cine.json", "--case", "a")
    outputs = ("--areas", results / "x.csv", "--volumes", results / "v.csv")
    assert lvpipe("integrate", "case", *inputs, *outputs, "--settings", settings) == 0
    assert float(read_table(results / "v.csv")[0]["cavity_ml"]) == pytest.approx(1.56)


GIVEN_AREAS = [[0, 400, 900, 800, 400, 100], [0, 300, 500, 400, 200, 0]]


@pytest.fixture
def given(tmp_path):
    """A source of four cases: `a` whole, `few` with three slices, `gap` with slices far apart, `none` without rows."""
    slices = {"a": range(6), "few": range(1, 4), "gap": (0, 1, 2, 3, 5 + 2, 8)}
    rows = [
        f"{case},{t},{z},{GIVEN_AREAS[t][i]},70"
        for case, numbers in slices.items()
        for t in range(2)
        for i, z in enumerate(numbers)
    ]
    (tmp_path / "areas").mkdir()
    (tmp_path / "areas" / "net.csv").write_text("\n".join(["case,frame,slice,cavity_mm2,myocardium_mm2", *rows]) + "\n")
    cases = "".join(f"{case},10,8\n" for case in (*slices, "none"))
    (tmp_path / "cases.csv").write_text("case,slice_spacing_mm,slice_thickness_mm\n" + cases)
    return tmp_path


def test_a_cohort_that_brings_its_areas_is_integrated_at_once(lvpipe, given):
    source = GivenSource(
        reader="areas", root=str(given), table="net", options={}, prefix="k-", complete=Completeness()
    ).canonical()
    cases = ("k-few", "k-a", "k-gap", "k-none")
    names = ("areas", "curves", "volumes", "pairs")
    outputs = [word for name in names for word in (f"--{name}", given / f"{name}.csv")]
    words = ("--source", source, "--cases", *cases, *outputs, "--settings", SETTINGS)
    assert lvpipe("integrate", "given", *words) == 0
    areas, curves, volumes, pairs = (read_table(given / f"{name}.csv") for name in names)
    assert (tuple(areas[0]), tuple(curves[0]), tuple(volumes[0]), tuple(pairs[0])) == (AREAS, CURVE, BEATS, PAIRS)
    assert [row["case"] for row in volumes] == list(cases)
    few, whole, gap, none = volumes
    assert float(whole["edv_ml"]) == pytest.approx(10 * (400 + 900 + 800 + 400 + 50) / 1000)
    assert (whole["ed_frame"], whole["es_frame"], whole["slices"], whole["flags"], whole["reason"]) == (
        *("0", "1", "6", "", ""),
    )
    assert (few["flags"], few["reason"]) == ("few-slices incomplete", "3 slices; a volume needs 4")
    assert gap["flags"] == "slices-missing incomplete"
    assert "a gap of 40.0 mm where slices usually lie 10.0 mm apart" in gap["reason"]
    assert none["flags"] == "rejected"
    assert none["reason"].startswith("no table")
    assert none["edv_ml"] == ""
    assert [row["cavity_mm2"] for row in areas if (row["case"], row["frame"]) == ("k-a", "1")] == [
        *("0", "300", "500", "400", "200", "0"),
    ]
    assert {row["myocardium_mm2"] for row in areas} == {"70"}
    assert float(whole["mass_g"]) == pytest.approx(1.05 * 70 * 50 / 1000)
    assert {row["time_ms"] for row in curves} == {""}
    assert {(row["box_mm2"], row["reference_mm2"]) for row in pairs} == {("", "")}
    assert len(pairs) == 2 * (6 + 3 + 6)


def test_the_ledger_tells_that_a_stack_is_incomplete(lvpipe, results):
    ledger = read_json(results / "a_cine.json") | {"complete": False, "incomplete_reason": "a gap of 40 mm"}
    write_json(results / "a_cine.json", ledger)
    run_cases(lvpipe, results)
    beats, _ = run_cohort(lvpipe, results)
    assert (beats[0]["flags"], beats[0]["reason"]) == ("few-slices incomplete", "a gap of 40 mm")


def test_a_heart_that_methods_find_in_different_places_is_flagged(lvpipe, results):
    doubtful = replace(read_boxes(results / "a_boxes.json"), doubtful=True, reason="fourier finds it 41 mm away")
    write_boxes(results / "a_boxes.json", doubtful)
    run_cases(lvpipe, results)
    (beat, _), _ = run_cohort(lvpipe, results)
    assert (beat["flags"], beat["reason"]) == ("few-slices heart-doubtful", "fourier finds it 41 mm away")
    assert beat["edv_ml"], "it is measured all the same"
    ledger = read_json(results / "a_cine.json") | {"complete": False, "incomplete_reason": "a gap of 40 mm"}
    write_json(results / "a_cine.json", ledger)
    (beat, _), _ = run_cohort(lvpipe, results)
    assert beat["reason"] == "a gap of 40 mm; fourier finds it 41 mm away"


def test_a_reason_without_doubt_is_no_flag(lvpipe, results):
    write_boxes(results / "a_boxes.json", replace(read_boxes(results / "a_boxes.json"), reason="one frame"))
    run_cases(lvpipe, results)
    assert [beat["reason"] for beat in run_cohort(lvpipe, results)[0]] == ["", ""]


def test_where_no_heart_was_found_the_reason_is_that_of_the_boxes(lvpipe, results):
    write_boxes(results / "b_boxes.json", Boxes("fourier", 1.0, (), reason="nothing moves"))
    run_cases(lvpipe, results)
    (_, beat), _ = run_cohort(lvpipe, results)
    assert (beat["flags"], beat["reason"]) == ("rejected", "no heart was found: nothing moves")


def test_a_window_about_the_image_is_measured_without_a_heart(lvpipe, results):
    write_boxes(results / "a_boxes.json", Boxes("mean_deltas", 2.0, (), reason="two frames", doubtful=True))
    run_cases(lvpipe, results)
    (beat, _), pairs = run_cohort(lvpipe, results, "--window", Window(side_px=16, about="image").canonical())
    assert (beat["flags"], beat["reason"]) == ("few-slices", "")
    assert beat["edv_ml"]
    assert {row["box_mm2"] for row in pairs} == {"1024"}


def test_muscle_has_areas_and_at_end_diastole_a_mass(lvpipe, results):
    run_cases(lvpipe, results, "--muscle")
    assert {row["myocardium_mm2"] for row in read_table(results / "a_areas.csv")} == {"300"}
    beats, _ = run_cohort(lvpipe, results)
    assert float(beats[0]["mass_g"]) == pytest.approx(1.05 * 300 * 20 / 1000)


def test_a_model_without_muscle_measures_no_mass(lvpipe, results):
    run_cases(lvpipe, results)
    assert [beat["mass_g"] for beat in run_cohort(lvpipe, results)[0]] == ["", ""]


@pytest.fixture
def told(lvpipe, results):
    """The same cases as a network tells them: areas with a spread of 10 mm2, and volumes at once."""
    columns = ("case", "frame", "slice", "position_mm", "cavity_mm2", "cavity_sd_mm2")
    rows = [("a", t, z, 10 * z, 3.0 * side**2, 10) for (t, z), side in np.ndenumerate(SIDES)]
    folder = results / "regress"
    write_table(folder / "a_areas.csv", columns, [dict(zip(columns, row, strict=True)) for row in rows])
    volumes = {"case": "a", "edv_ml": 650, "esv_ml": 60, "edv_sd_ml": 12.5, "esv_sd_ml": None}
    write_table(folder / "a_volumes.csv", list(volumes), [volumes])
    for name in ("b_areas.csv", "b_volumes.csv"):
        write_rejected(folder / name)
    return folder


def test_areas_that_were_told_stand_for_those_of_a_mask(lvpipe, results, told):
    run_cases(lvpipe, results)
    drawn = read_table(results / "a_volumes.csv")
    for case in "ab":
        inputs = ("--told", told / f"{case}_areas.csv", "--ledger", results / f"{case}_cine.json", "--case", case)
        outputs = ("--areas", results / f"{case}_areas.csv", "--volumes", results / f"{case}_volumes.csv")
        assert lvpipe("integrate", "areas", *inputs, *outputs, "--settings", SETTINGS) == 0
    assert (results / "b_areas.csv").read_bytes() == (results / "b_volumes.csv").read_bytes() == b""
    assert read_table(results / "a_volumes.csv") == drawn
    assert {row["cavity_sd_mm2"] for row in read_table(results / "a_areas.csv")} == {"10"}
    beats, _ = run_cohort(lvpipe, results)
    spread = 10 * 10 * (0.25 + 1 + 0.25) ** 0.5 / 1000
    assert [float(beats[0][name]) for name in ("edv_sd_ml", "esv_sd_ml")] == pytest.approx([spread, spread])


def test_volumes_that_were_told_need_no_frames(lvpipe, results, told):
    ledger = read_json(results / "a_cine.json") | {
        "frames": 3,
        "slices": 3,
        "complete": False,
        "incomplete_reason": "?",
    }
    write_json(results / "a_cine.json", ledger)
    folders = ("--told", told, "--ledgers", results, "--boxes", results)
    outputs = ("--volumes", results / "v.csv", "--pairs", results / "p.csv")
    assert lvpipe("integrate", "volumes", "--cases", "a", "b", *folders, *outputs, *window(16)) == 0
    (one, other), pairs = read_table(results / "v.csv"), read_table(results / "p.csv")
    assert pairs == []
    assert [one[name] for name in BEATS] == [
        *("a", "650", "60", "590", one["ef_percent"], "", "12.5", "", "", "", "3", "3"),
        *("", "", "", "implausible few-slices incomplete", "?"),
    ]
    assert other == {**dict.fromkeys(BEATS, ""), "case": "b", "flags": "rejected"}
