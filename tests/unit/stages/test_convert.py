import gzip
import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from studies import NORMAL, Shot, X, Y, plane, stack, view, write_shots

from lvpipe.cine.contours import covered, polygon_area
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.config.phantom import Irregularities, PhantomCohort, PhantomOrder
from lvpipe.decoders.dicom.frames import read_frames
from lvpipe.errors import Rejected
from lvpipe.geometry import to_mm
from lvpipe.images import is_rejected, read_image
from lvpipe.phantom.export import write_case, write_sheets
from lvpipe.phantom.names import list_cases
from lvpipe.readers import kaggle, sunnybrook
from lvpipe.stages import convert
from lvpipe.study import ContourFile, Study

LPS = np.diag([-1, -1, 1])
VOLUMES_ML = {"SCD0000101": (191.3, 141.3), "SCD0000201": (241.9, 180.3), "SCD0000301": (229.7, 179.6)}


def converted(study: Study, **settings):
    conversion = Conversion(study, ConvertSettings(**settings))
    cine, reference = conversion.images()
    return cine, reference, conversion.account()


def rules(account) -> set[str]:
    return {event["rule"] for event in account["events"]}


def test_a_regular_study_passes_without_an_event(tmp_path):
    cine, _, account = converted(write_shots(tmp_path, stack()))
    assert account["events"] == []
    assert cine.array_tzyx.shape == (8, 5, 40, 48)
    assert cine.array_tzyx.dtype == np.int16
    for z, height in enumerate((0, 8, 16, 24, 32)):
        np.testing.assert_array_equal(cine.array_tzyx[3, z], view(plane(height), 3))
    assert np.diff(account["positions_mm"]).tolist() == pytest.approx([8] * 4, abs=1e-4)
    assert account["times_ms"] == [25.0 + 50 * t for t in range(8)]
    assert (account["sex"], account["age_years"], account["thickness_mm"]) == ("F", 53.0, 7.0)
    assert account["slice_spacing_mm"] == pytest.approx(8)
    assert [len(files) for files in account["slice_files"]] == [8] * 5
    assert account["files"]["count"] == 40


def test_the_affine_puts_every_voxel_where_the_header_says(tmp_path):
    cine, _, _ = converted(write_shots(tmp_path, stack()))
    for z, height in enumerate((0, 8, 16, 24, 32)):
        where = plane(height)
        voxel = np.array([[47.0, 0.0, z], [5.0, 39.0, z]])
        expected = np.array(where.origin_mm) + voxel[:, :2] @ where.steps_mm.T
        np.testing.assert_allclose(to_mm(cine.affine, voxel), expected @ LPS, atol=1e-3)


def test_slices_run_from_base_to_apex_whatever_their_numbers(tmp_path):
    shots = stack()
    cine, _, account = converted(write_shots(tmp_path / "a", shots))
    renamed = [replace(shot, run=f"sax_{9 - n}", series=9 - n) for n, shot in enumerate(shots)]
    again, _, other = converted(write_shots(tmp_path / "b", renamed))
    np.testing.assert_array_equal(cine.array_tzyx, again.array_tzyx)
    assert account["positions_mm"] == other["positions_mm"]
    step = cine.affine[:3, 2] @ LPS / 8
    np.testing.assert_allclose(step, -NORMAL, atol=1e-6)


@pytest.mark.parametrize("turn", ["90", "180", "mirror", "scale", "crop"])
def test_a_slice_on_another_pixel_grid_comes_back(tmp_path, turn):
    shots = stack()
    other = {
        "90": plane(16, x=Y, y=-X, shape=(48, 40)),
        "180": plane(16, x=-X, y=-Y),
        "mirror": plane(16, x=-X, y=Y),
        "scale": plane(16, x=-Y, y=X, spacing=(0.75, 0.75), shape=(90, 80)),
        "crop": plane(16, shape=(30, 40), shift=(1.5, 3.0)),
    }[turn]
    shots[2] = replace(shots[2], plane=other)
    cine, _, account = converted(write_shots(tmp_path, shots))
    expected = view(plane(16), 3)
    found = cine.array_tzyx[3, 2]
    dice = 2 * ((found > 500) & (expected > 500)).sum() / ((found > 500).sum() + (expected > 500).sum())
    assert dice >= 0.98
    assert rules(account) == {"carry_to_grid"}
    if turn in {"90", "180", "mirror"}:
        np.testing.assert_array_equal(found, expected)
    assert cine.array_tzyx.shape == (8, 5, 40, 48)


def test_contours_follow_a_turned_slice(tmp_path):
    shots = stack()
    turned = plane(16, x=Y, y=-X, shape=(48, 40))
    shots[2] = replace(shots[2], plane=turned)
    study = write_shots(tmp_path, shots)
    image = next(file.path for file in study.images if file.run == "sax_3" and file.number == 4)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    centre = np.array([(40 - 1) / 2, (48 - 1) / 2])
    points = centre + np.stack([np.cos(angle) * 9, np.sin(angle) * 9], 1) + 0.5
    text = tmp_path / "contour.txt"
    text.write_text("".join(f"{x:.3f} {y:.3f}\n" for x, y in points))
    study = replace(study, contours=(ContourFile(text, image, "inner"),), first_pixel=0.5, undrawn="background")
    cine, reference, account = converted(study)
    cavity = reference.array_tzyx[3, 2] == 1
    y, x = np.nonzero(cavity)
    assert (y.mean(), x.mean()) == pytest.approx((19.5, 23.5), abs=0.1)
    assert cavity.sum() == pytest.approx(np.pi * 81, rel=0.01)
    assert cine.array_tzyx[3, 2][cavity].mean() > 900
    assert (reference.array_tzyx[3, 0] == 0).all()
    assert (reference.array_tzyx[2] == 255).all()
    assert account["reference"]["edv_ml"] == pytest.approx(np.pi * 81 * 1.5**2 * 8 / 1000, rel=0.01)
    assert (converted(study, undrawn_slices="unknown")[1].array_tzyx[3, 0] == 255).all()


def test_an_unreadable_file_is_dropped_and_named_by_its_hash_alone(tmp_path):
    study = write_shots(tmp_path, stack())
    study.images[0].path.write_bytes(b"Secret^Person")
    _, _, account = converted(study)
    assert "drop_unreadable" in rules(account)
    assert (account["frames"], account["slices"]) == (7, 5)
    assert "IM-" not in json.dumps(account)


@pytest.mark.parametrize(
    "wrong",
    [{"ImagePositionPatient": [1e300, 0, 0]}, {"PixelSpacing": [1e-5, 1e-5]}, {"PixelSpacing": [1.5, 1e9]}],
)
def test_a_place_where_no_patient_is_makes_a_file_unreadable(tmp_path, wrong):
    study = write_shots(tmp_path, stack())
    header = pydicom.dcmread(study.images[3].path)
    for name, value in wrong.items():
        setattr(header, name, value)
    header.save_as(study.images[3].path)
    _, _, account = converted(study)
    (event,) = [event for event in account["events"] if event["rule"] == "drop_unreadable"]
    assert event["what"].endswith("no scanner has such a position or pixel spacing; dropped")
    assert sum(one["frames_found"] for one in account["found"]) == 39


def test_a_hopeless_study_is_rejected_in_zero_bytes(tmp_path):
    for series in range(3):
        path = tmp_path / "train" / "1" / "study" / f"sax_{series}" / "IM-0001-0001.dcm"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no DICOM")
    run_case(tmp_path, "kaggle", [tmp_path / "train" / "1"])
    assert is_rejected(tmp_path / "cine.nii.gz")
    assert is_rejected(tmp_path / "reference.nii.gz")
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")
    ledger = json.loads((tmp_path / "ledger.json").read_text())
    assert (ledger["status"], ledger["reason"]) == ("rejected", "none of 3 files is readable")
    assert [event["rule"] for event in ledger["events"]] == ["drop_unreadable"] * 3 + ["reject_unreadable"]
    assert (ledger["complete"], ledger["incomplete_reason"]) == (False, ledger["reason"])


def test_an_empty_folder_and_a_single_slice_are_rejected(tmp_path):
    with pytest.raises(Rejected, match="no short-axis images"):
        converted(Study((), read_frames))
    with pytest.raises(Rejected, match="1 usable slices; expected at least 2"):
        converted(write_shots(tmp_path, stack(heights=(0,))))


@pytest.mark.parametrize(
    ("heights", "reason"),
    [
        ((0, 8, 16, 24, 32), ""),
        ((0, 34, 70), "3 slices; a volume needs 4"),
        ((0, 8, 16, 40, 48, 56), "a gap of 24.0 mm where slices usually lie 8.0 mm apart"),
        ((0, 5, 10, 15), "slices cover 20 mm; a ventricle is longer than 30 mm"),
    ],
)
def test_the_ledger_says_whether_a_volume_can_be_had(tmp_path, heights, reason):
    _, _, account = converted(write_shots(tmp_path, stack(heights)))
    assert (account["complete"], account["incomplete_reason"]) == (not reason, reason)


def test_nothing_personal_is_written(tmp_path, capsys):
    write_shots(tmp_path / "7" / "study", [replace(shot, version=0) for shot in stack()])
    run_case(tmp_path, "kaggle", [tmp_path / "7"])
    image = read_image(tmp_path / "cine.nii.gz")
    assert image.array_tzyx.shape == (8, 5, 40, 48)
    written = gzip.decompress((tmp_path / "cine.nii.gz").read_bytes())[:352]
    said = (
        (tmp_path / "ledger.json").read_bytes()
        + (tmp_path / "found.png").read_bytes()
        + written
        + "".join(capsys.readouterr()).encode()
    )
    for secret in (b"Secret", b"SECRET", b"1961", b"2012", b"2.25.1", b"sax_", b"IM-", str(tmp_path).encode()):
        assert secret not in said


def test_the_same_input_gives_the_same_bytes(tmp_path):
    write_shots(tmp_path / "7" / "study", stack())
    for name in ("a", "b"):
        run_case(tmp_path / name, "kaggle", [tmp_path / "7"])
    for file in ("cine.nii.gz", "reference.nii.gz", "ledger.json", "found.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("case", sorted(VOLUMES_ML))
def test_real_cines_and_their_contours(sunnybrook_root, case):
    found = {listed.name: listed for listed in sunnybrook.list_cases(sunnybrook_root)}[case]
    conversion = Conversion(sunnybrook.read_study([sunnybrook_root / s for s in found.sources]), ConvertSettings())
    cine, reference = conversion.images()
    account = conversion.account()
    assert account["events"] == []
    drawn = account["reference"]
    assert (drawn["edv_ml"], drawn["esv_ml"]) == pytest.approx(VOLUMES_ML[case], rel=0.001)
    voxel_ml = np.prod(account["spacing_mm"]) * account["slice_spacing_mm"] / 1000
    for frame, volume in ((drawn["ed_frame"], drawn["edv_ml"]), (drawn["es_frame"], drawn["esv_ml"])):
        assert (reference.array_tzyx[frame] == 1).sum() * voxel_ml == pytest.approx(volume, rel=0.005)
        areas = (reference.array_tzyx[frame] == 1).sum(axis=(1, 2))
        drawn_slices = np.flatnonzero(areas)
        assert areas[drawn_slices[0]] > areas[drawn_slices[-1]]
    for file in conversion.study.contours:
        points = np.loadtxt(file.path) - 0.5
        area = polygon_area(points)
        assert covered(points, (256, 256)).sum() == pytest.approx(area, rel=0.01)
    inside = cine.array_tzyx[reference.array_tzyx == 1].mean()
    wall = cine.array_tzyx[reference.array_tzyx == 2].mean()
    assert inside > 1.5 * wall


def test_every_fault_of_the_phantom_is_told(tmp_path):
    told = {
        "duplicate_position": "keep_last_acquired",
        "rotated": "carry_to_grid",
        "other_matrix": "carry_to_grid",
        "other_spacing": "carry_to_grid",
        "in_between": "drop_between",
        "other_orientation": "drop_other_planes",
        "missing_frames": "keep_common_frames",
        "out_of_order": "order_by_trigger_time",
        "missing_slices": "note_gaps",
        "outlying_position": "drop_outlying",
        "stray_end": "drop_stray_end",
        "other_frame_count": "match_cycle",
        "concatenated": "split_by_position",
    }
    order = phantom_order("kaggle", {"train": 1}, Irregularities(**dict.fromkeys(told, 1.0), absent_trigger_times=0.0))
    case = write_case("some", "1", order, tmp_path)
    assert {planted.kind for planted in case.planted} == set(told)
    cine, _, account = converted(kaggle.read_study([tmp_path / "train" / "1"]))
    assert set(told.values()) | {"uneven_positions"} == rules(account)
    assert cine.array_tzyx.shape[1] == len(case.slices)
    assert kaggle.list_cases(tmp_path) == list_cases("some", order.cohort)


def test_contours_of_the_phantom_lie_on_its_hearts(tmp_path):
    order = phantom_order("sunnybrook", {"all": 1}, Irregularities())
    write_sheets("some", order, tmp_path)
    case = write_case("some", "SCD9000101", order, tmp_path)
    (listed,) = sunnybrook.list_cases(tmp_path)
    assert [listed] == list_cases("some", order.cohort)
    _, reference, account = converted(sunnybrook.read_study([tmp_path / source for source in listed.sources]))
    for frame in (account["reference"]["ed_frame"], account["reference"]["es_frame"]):
        exact = np.stack([case.reference_mask(taken, frame) for taken in case.slices]) == 1
        found = reference.array_tzyx[frame] == 1
        assert 2 * (found & exact).sum() / (found.sum() + exact.sum()) > 0.99


def phantom_order(layout, cases, irregularities) -> PhantomOrder:
    cohort = PhantomCohort(
        layout=layout, cases=cases, irregularities=irregularities, matrix=(96, 96), frames=(10, 10), long_axis_frames=0
    )
    return PhantomOrder(seed=5, cohort=cohort)


def test_a_real_affine_is_exact(sunnybrook_root):
    study = sunnybrook.read_study([sunnybrook_root / "SCD_IMAGES" / "SCD0000201"])
    cine, _, _ = converted(study)
    for z in range(13):
        header = pydicom.dcmread(study.images[z * 20].path, stop_before_pixels=True)
        origin = np.array(header.ImagePositionPatient, dtype=float) @ LPS
        np.testing.assert_allclose(cine.affine @ [0, 0, z, 1], [*origin, 1], atol=1e-3)


def test_a_240_file_cine_takes_less_than_its_budget(sunnybrook_root, tmp_path):
    sources = [sunnybrook_root / "SCD_IMAGES/SCD0000101", sunnybrook_root / "SCD_ManualContours/SC-HF-I-1"]
    command = [sys.executable, "-m", "lvpipe", "convert", *words(tmp_path, "sunnybrook", sources)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, as cores are shared: 1.1 s on an idle core.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3


def test_start_up_is_light():
    code = "import sys, lvpipe.stages.convert; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "monai", "pandas", "SimpleITK", "skimage", "scipy", "pydicom"} & set(loaded)


def words(out: Path, reader: str, sources) -> list[str]:
    return [
        *("case", "--reader", reader, "--case", "7", "--cohort", "some", "--sources", *map(str, sources)),
        *("--cine", str(out / "cine.nii.gz"), "--reference", str(out / "reference.nii.gz")),
        *(
            "--ledger",
            str(out / "ledger.json"),
            "--picture",
            str(out / "found.png"),
            "--settings",
            ConvertSettings().canonical(),
        ),
    ]


def run_case(out: Path, reader: str, sources) -> None:
    convert.main(words(out, reader, sources))


def test_each_broken_thing_has_its_rule(tmp_path):
    shots = stack()
    shots += [
        Shot(plane(8), series=50, run="sax_50"),
        Shot(plane(20), series=51, run="sax_51"),
        Shot(plane(0, x=NORMAL, y=Y), series=52, run="sax_52"),
        Shot(plane(100), series=53, run="sax_53"),
        Shot(plane(40), series=54, run="sax_54", frames=(0, 1, 2, 3)),
    ]
    _, _, account = converted(write_shots(tmp_path, shots))
    assert sorted(event["rule"] for event in account["events"]) == [
        "drop_between",
        "drop_incomplete",
        "drop_other_planes",
        "drop_outlying",
        "keep_last_acquired",
    ]
    assert account["slices"] == 5
