import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from exports import (
    HEIGHTS,
    Series,
    cut,
    others,
    short_axis,
    turned,
    write_clutter,
    write_dicomdir,
    write_export,
    write_multiframe,
)
from pydicom import dcmread

from lvpipe import private_names
from lvpipe.cases import Labels
from lvpipe.cine.conversion import Conversion
from lvpipe.cine.ledger import DIGEST_SHOWN
from lvpipe.config.convert import ConvertSettings
from lvpipe.config.phantom import Irregularities, PhantomCohort, PhantomOrder
from lvpipe.errors import Rejected, UserError
from lvpipe.files import file_sha256
from lvpipe.phantom.export import write_case
from lvpipe.reader_options import check_options
from lvpipe.readers import folder, kaggle, sunnybrook

SLICES = range(20, 30)


@pytest.fixture(autouse=True)
def working_directory(tmp_path_factory, monkeypatch):
    """Keys are made in the working directory."""
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))


def chosen(study) -> set:
    return {image.path for image in study.images}


def files(made, numbers) -> set:
    return {path for number in numbers for path in made[number]}


def whys(study) -> list[str]:
    return [row["why"] for row in study.seen]


# ------------------------------------------------------------------------------------------------- the short axis


@pytest.fixture(scope="module")
def examination(tmp_path_factory):
    """A whole examination, written once; tests copy what they change."""
    root = tmp_path_factory.mktemp("examination")
    made = write_export(root, [*others(), *short_axis()])
    write_clutter(root)
    return root, made


def test_of_a_whole_examination_exactly_the_short_axis_comes_out(examination):
    root, made = examination
    study = folder.read_study([root])
    assert chosen(study) == files(made, SLICES)
    assert {image.acquired for image in study.images} == {(number,) for number in SLICES}
    assert dict(study.notes)["skip_other_files"].startswith("5 files")
    cine, _ = Conversion(study, ConvertSettings()).images()
    assert cine.array_tzyx.shape == (12, 10, 20, 24)


def test_everything_else_is_told_without_a_description(examination):
    study = folder.read_study([examination[0]])
    assert [(row["images"], row["places"], row["frames"], row["orientation"], row["why"]) for row in study.seen] == [
        (3, 3, 1, "several", "localiser"),
        (1, 1, 1, "short-axis", "localiser"),
        (12, 1, 12, "axial", "axial cine"),
        (12, 1, 12, "long-axis", "long-axis cine"),
        (12, 1, 12, "long-axis", "long-axis cine"),
        (144, 12, 12, "several", "cine in planes that are not parallel"),
        (132, 11, 12, "axial", "axial cine"),
        (12, 1, 12, "short-axis", "flow measurement"),
        (12, 1, 12, "short-axis", "phase or velocity map"),
        (10, 10, 1, "short-axis", "one image a place"),
        (150, 3, 50, "short-axis", "many heart beats"),
        (9, 1, 9, "short-axis", "several echo or inversion times of a place"),
        (1, 1, 1, "short-axis", "computed from other images"),
        (36, 3, 12, "short-axis", "cine of another stack"),
        (30, 1, 30, "long-axis", "many heart beats"),
    ]
    account = Conversion(study, ConvertSettings()).account("")
    assert account["seen"] == list(study.seen)
    assert "Secret" not in str(account)


def test_without_a_short_axis_the_reason_says_what_was_there_instead(tmp_path):
    write_export(tmp_path, [one for one in others() if one.number != 56])
    study = folder.read_study([tmp_path])
    assert study.images == ()
    conversion = Conversion(study, ConvertSettings())
    with pytest.raises(Rejected, match="no short-axis cine: ") as told:
        conversion.images()
    for words in ("2 x long-axis cine", "2 x axial cine", "2 x localiser", "1 x phase or velocity map"):
        assert words in str(told.value)
    assert len(conversion.account("x")["seen"]) == 14


def test_one_series_of_all_slices_and_a_series_for_each_are_the_same(tmp_path):
    whole = write_export(tmp_path / "one", [Series(7, [cut(height) for height in HEIGHTS])])
    split = write_export(tmp_path / "each", short_axis())
    images = [
        Conversion(folder.read_study([tmp_path / name]), ConvertSettings()).images()[0] for name in ("one", "each")
    ]
    np.testing.assert_array_equal(images[0].array_tzyx, images[1].array_tzyx)
    np.testing.assert_array_equal(images[0].affine, images[1].affine)
    assert len(whole[7]) == len(files(split, SLICES)) == 120


def test_a_slice_that_was_repeated_comes_from_its_last_series(tmp_path):
    write_export(tmp_path, [*short_axis(), Series(40, [cut(16)])])
    conversion = Conversion(folder.read_study([tmp_path]), ConvertSettings())
    cine, _ = conversion.images()
    events = [event["rule"] for event in conversion.account("")["events"]]
    assert events == ["keep_last_acquired"]
    assert cine.array_tzyx.shape[1] == 10


def test_of_a_stack_that_was_repeated_as_a_whole_the_later_series_is_taken(tmp_path):
    planes = [cut(height) for height in HEIGHTS]
    made = write_export(tmp_path, [Series(7, planes), Series(9, planes), Series(8, planes[:4])])
    study = folder.read_study([tmp_path])
    assert chosen(study) == files(made, [9])
    assert [rule for rule, _ in study.notes].count("choose_stack") == 2


def test_a_stack_in_two_series_is_whole(tmp_path):
    planes = [cut(height) for height in HEIGHTS]
    made = write_export(tmp_path, [Series(7, planes[:5]), Series(8, planes[5:])])
    assert chosen(folder.read_study([tmp_path])) == files(made, [7, 8])


def test_of_two_studies_the_better_stack_wins_and_of_equals_the_later(tmp_path):
    first = write_export(tmp_path, short_axis(), study="1", date="20190505")
    second = write_export(tmp_path, short_axis(), study="2", date="20180505", seed=2)
    study = folder.read_study([tmp_path])
    assert chosen(study) == files(first, SLICES)
    assert dict(study.notes)["choose_study"].startswith("2 studies: ")
    assert {row["study"] for row in study.seen} == {"other"}
    for path in [*first[24], *first[25]]:
        path.unlink()
    assert chosen(folder.read_study([tmp_path])) == files(second, SLICES)


def test_the_magnitude_of_a_flow_measurement_does_not_replace_a_slice(tmp_path):
    """Its plane, echo and flip angle are those of the short axis: its phase map alone tells."""
    flow = [
        Series(60, [cut(24, shift=(9, 0))]),
        Series(61, [cut(24, shift=(9, 0))], words=("ORIGINAL", "PRIMARY", "P")),
    ]
    made = write_export(tmp_path, [*short_axis(), *flow])
    assert chosen(folder.read_study([tmp_path])) == files(made, SLICES)


def test_a_stack_without_trigger_times_is_found_by_its_numbers(tmp_path):
    made = write_export(tmp_path, short_axis(step_ms=None))
    assert chosen(folder.read_study([tmp_path])) == files(made, SLICES)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"step_ms": None, "beat_s": 0.9}, "many heart beats"),
        ({"step_ms": 900.0}, "many heart beats"),
        ({"step_ms": 3.0}, "one moment of the heart cycle"),
        ({"frames": 7}, "too few images of a place for a heart cycle"),
        ({"frames": 1}, "one image a place"),
        ({"words": ("ORIGINAL", "PRIMARY", "P", "ND")}, "phase or velocity map"),
        ({"words": ("ORIGINAL", "PRIMARY", "PHASE CONTRAST M", "M", "PCA")}, "flow measurement"),
        ({"words": ("DERIVED", "SECONDARY", "MPR")}, "computed from other images"),
        ({"tags": {"Modality": "CT"}}, "not MR"),
        ({"step_ms": None, "tags": {"InstanceNumber": None}}, "neither trigger times nor numbers"),
    ],
)
def test_what_looks_like_a_stack_and_shows_no_heart_cycle_is_none(tmp_path, changes, why):
    write_export(tmp_path, [Series(5, [cut(height) for height in HEIGHTS[:4]], **changes)])
    study = folder.read_study([tmp_path])
    assert study.images == ()
    assert whys(study) == [why]


def test_other_parallel_sets_are_no_short_axis(tmp_path):
    turned_planes = [turned(0).at(np.array(turned(0).origin_mm) + step * turned(0).normal) for step in range(0, 60, 8)]
    write_export(tmp_path, [Series(5, turned_planes), Series(6, [cut(0), cut(8)])])
    study = folder.read_study([tmp_path])
    assert sorted(whys(study)) == ["axial cine", "cine at fewer than 3 positions"]
    assert len(folder.read_study([tmp_path], heart_tilt_degrees=90).images) == 8 * 12


def test_images_made_later_are_taken_only_where_there_are_no_others(tmp_path):
    made = write_export(tmp_path, short_axis(words=("DERIVED", "SECONDARY", "M")))
    study = folder.read_study([tmp_path])
    assert chosen(study) == files(made, SLICES)
    assert "made after the examination" in dict(study.notes)["choose_stack"]
    fewer = write_export(tmp_path, short_axis(first=60, heights=HEIGHTS[:6]), seed=3)
    assert chosen(folder.read_study([tmp_path])) == files(fewer, range(60, 66))


def test_a_stack_in_one_file_of_many_frames_is_found_beside_other_series(tmp_path):
    write_export(tmp_path, [one for one in others() if one.number in (1, 10, 11)])
    write_multiframe(tmp_path / "multiframe", [cut(height) for height in HEIGHTS], frames=25)
    study = folder.read_study([tmp_path])
    assert chosen(study) == {tmp_path / "multiframe"}
    cine, _ = Conversion(study, ConvertSettings()).images()
    assert cine.array_tzyx.shape == (25, 10, 20, 24)
    assert cine.time_step_ms == 30


def test_the_phantom_with_every_fault_is_read_as_by_its_own_reader(tmp_path):
    faults = (
        *("duplicate_position", "rotated", "other_matrix", "other_spacing", "in_between", "other_orientation"),
        *("missing_frames", "out_of_order", "missing_slices", "outlying_position"),
    )
    cohort = PhantomCohort(
        layout="kaggle",
        cases={"train": 1},
        irregularities=Irregularities(**dict.fromkeys(faults, 1.0)),
        frames=(10, 10),
    )
    write_case("some", "1", PhantomOrder(seed=1, cohort=cohort), tmp_path)
    ours, theirs = (
        Conversion(reader.read_study([tmp_path / "train" / "1"]), ConvertSettings()).images()[0]
        for reader in (folder, kaggle)
    )
    np.testing.assert_array_equal(ours.array_tzyx, theirs.array_tzyx)


def test_frames_that_were_not_exported_are_left_to_the_rules(tmp_path):
    made = write_export(tmp_path, [Series(7, [cut(height) for height in HEIGHTS])])
    for path in made[7][:9]:
        path.unlink()
    conversion = Conversion(folder.read_study([tmp_path]), ConvertSettings())
    conversion.images()
    assert [event["rule"] for event in conversion.account("")["events"]] == ["drop_incomplete"]


def changed(path, **tags):
    """The file again with other tags; None takes one away."""
    image = dcmread(path)
    for name, value in tags.items():
        if value is None:
            delattr(image, name)
        else:
            setattr(image, name, value)
    image.save_as(path)


def digest_of(path) -> str:
    return file_sha256(path)[:DIGEST_SHOWN]


def converted(root):
    conversion = Conversion(folder.read_study([root]), ConvertSettings())
    cine, _ = conversion.images()
    return cine, conversion.account("")


def one_series():
    return [Series(7, [cut(height) for height in HEIGHTS])]


@pytest.mark.parametrize("series", [one_series, short_axis])
@pytest.mark.parametrize("place", [0, 4])
def test_a_slice_with_one_wrong_time_stays_and_its_time_is_mended(tmp_path, series, place):
    made = [path for paths in write_export(tmp_path, series()).values() for path in paths]
    clean, _ = converted(tmp_path)
    changed(made[12 * place + 5], TriggerTime=9999)
    cine, account = converted(tmp_path)
    assert [event["rule"] for event in account["events"]] == ["mistrust_time"]
    np.testing.assert_array_equal(cine.array_tzyx, clean.array_tzyx)


@pytest.mark.parametrize(("factor", "slices"), [(15, 1), (1000, 7), (0.01, 3)])
def test_slices_with_times_of_no_heart_cycle_stay(tmp_path, factor, slices):
    made = write_export(tmp_path, one_series())[7]
    clean, _ = converted(tmp_path)
    for path in made[: 12 * slices]:
        changed(path, TriggerTime=float(dcmread(path).TriggerTime) * factor)
    cine, account = converted(tmp_path)
    assert len(account["found"]) == 10
    np.testing.assert_array_equal(cine.array_tzyx, clean.array_tzyx)


def test_a_slice_without_times_and_numbers_is_ordered_by_the_names_of_its_files(tmp_path):
    made = write_export(tmp_path, one_series())[7]
    clean, _ = converted(tmp_path)
    for frame, path in enumerate(made[48:60], start=1):
        changed(path, TriggerTime=None, InstanceNumber=1)
        path.rename(path.with_name(f"frame{frame}"))
    cine, account = converted(tmp_path)
    events = {event["rule"]: event["what"] for event in account["events"]}
    assert list(events) == ["order_by_file_name", "order_by_number"]
    assert events["order_by_file_name"].startswith("1 places with neither trigger times nor numbers")
    np.testing.assert_array_equal(cine.array_tzyx, clean.array_tzyx)


def test_a_cut_slice_in_a_series_of_its_own_has_its_entry(tmp_path):
    made = write_export(tmp_path, short_axis())
    for path in made[24][3:]:
        path.unlink()
    _, account = converted(tmp_path)
    assert [one["rules"] for one in account["found"] if one["fate"] == "dropped"] == [["drop_incomplete"]]


def test_real_time_images_and_scouts_of_the_same_protocol_replace_nothing(tmp_path):
    planes = [cut(height) for height in HEIGHTS[:4]]
    between = [cut(height + 4) for height in HEIGHTS[:4]]
    more = [
        Series(40, planes, step_ms=None, beat_s=0.9),
        Series(41, between, frames=30, step_ms=None, beat_s=0.9),
        Series(42, between, frames=1),
    ]
    made = write_export(tmp_path, [*short_axis(), *more])
    assert chosen(folder.read_study([tmp_path])) == files(made, SLICES)


def test_what_else_is_in_the_series_of_the_cine_is_counted(tmp_path):
    made = write_export(tmp_path, [Series(7, [*(cut(height) for height in HEIGHTS), turned(0), cut(100), cut(108)])])
    for path in made[7][-24:]:
        changed(path, ImageType=["ORIGINAL", "PRIMARY", "P", "ND"])
    study = folder.read_study([tmp_path])
    assert chosen(study) == set(made[7][:120])
    assert dict(study.notes)["skip_other_places"] == (
        "3 places of the cine's own series left out: 2 x phase or velocity map, "
        "1 x cine in another plane or of another protocol"
    )


# ----------------------------------------------------------------------------------------------------- bad folders


def test_bad_files_are_counted_and_nothing_outside_is_followed(tmp_path):
    root = tmp_path / "case"
    made = write_export(root, short_axis())
    outside = write_export(tmp_path / "outside", short_axis(first=70), seed=5)
    (root / "huge").touch()
    os.truncate(root / "huge", 2 * 2**30)
    (root / "empty").touch()
    (root / "cut").write_bytes(made[20][0].read_bytes()[:400])
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "gone").symlink_to(root / "nowhere")
    os.mkfifo(root / "pipe")
    shutil.copy(made[20][0], root / "copy")
    started = time.monotonic()
    study = folder.read_study([root])
    assert time.monotonic() - started < 5
    assert len(study.images) == 120
    assert not chosen(study) & files(outside, range(70, 80))
    notes = dict(study.notes)
    assert notes["skip_other_files"] == "2 files that are not readable as DICOM, left out"
    assert notes["skip_unplaced"] == "1 DICOM files without an image that says where it lies, left out"
    assert notes["drop_copies"] == f"1 copies of other files dropped: {digest_of(made[20][0])}"


def test_different_images_with_equal_headers_all_stay(tmp_path):
    """Only their bytes differ: numbers, times and identifiers are absent or equal."""
    made = write_export(tmp_path, one_series())[7]
    for path in made[48:60]:
        changed(path, TriggerTime=None, InstanceNumber=1, SOPInstanceUID="2.25.1")
    for path in made[60:72]:
        changed(path, TriggerTime=None, InstanceNumber=None, SOPInstanceUID=None)
    shutil.copy(made[50], tmp_path / "copy")
    shutil.copy(made[61], tmp_path / "another")
    study = folder.read_study([tmp_path])
    assert len(study.images) == 120
    told = dict(study.notes)["drop_copies"]
    assert told.startswith("2 copies of other files dropped: ")
    _, account = converted(tmp_path)
    assert {one["frames_kept"] for one in account["found"]} == {12}


def test_many_copies_are_not_all_named(tmp_path):
    write_export(tmp_path / "case", short_axis())
    shutil.copytree(tmp_path / "case", tmp_path / "both" / "one")
    shutil.copytree(tmp_path / "case", tmp_path / "both" / "two")
    study = folder.read_study([tmp_path / "both"])
    assert len(study.images) == 120
    told = dict(study.notes)["drop_copies"]
    assert told.startswith("120 copies of other files dropped: ")
    assert told.endswith(" and 112 more")


@pytest.mark.parametrize(
    ("tags", "cause"),
    [
        ({"Rows": 0}, "0 x 24 pixels; expected 1 to 4096 rows and columns"),
        ({"ImagePositionPatient": None}, "no ImagePositionPatient"),
        ({"PixelSpacing": None}, "no PixelSpacing"),
    ],
)
def test_a_damaged_image_is_told_with_its_cause_and_digest(tmp_path, tags, cause):
    made = write_export(tmp_path, one_series())[7]
    changed(made[50], **tags)
    study = folder.read_study([tmp_path])
    assert [rule for rule, _ in study.notes] == ["drop_unreadable"]
    assert study.notes[0].what.startswith(f"file {digest_of(made[50])}: {cause}")
    changed(made[50], SOPClassUID="1.2.840.10008.5.1.4.1.1.7")  # a screen shot
    assert [rule for rule, _ in folder.read_study([tmp_path]).notes] == ["skip_unplaced"]


def test_a_directory_of_a_disc_is_no_image_and_leads_nowhere(tmp_path):
    write_export(tmp_path / "source", short_axis(heights=HEIGHTS[:4]))
    write_dicomdir(tmp_path / "source", tmp_path / "disc")
    listing = (tmp_path / "disc" / "DICOMDIR").read_bytes()
    (tmp_path / "disc" / "DICOMDIR").write_bytes(listing.replace(b"PT000000", b"../../ou"))
    study = folder.read_study([tmp_path / "disc"])
    assert len(study.images) == 48
    assert all((tmp_path / "disc") in image.path.parents for image in study.images)


@pytest.mark.skipif(os.getuid() != 0, reason="PERMISSIONS NOT TESTED: needs root, to become somebody who may not read")
def test_what_cannot_be_opened_counts_as_no_image():
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        root = Path(name)
        root.chmod(0o755)
        made = write_export(root, [Series(5, [cut(height) for height in HEIGHTS[:4]])])
        write_export(root / "locked", short_axis(first=70), seed=5)
        (root / "locked").chmod(0o000)
        made[5][0].chmod(0o000)
        os.seteuid(65534)
        try:
            study = folder.read_study([root])
        finally:
            os.seteuid(0)
    assert len(study.images) == 47
    assert study.notes == (("skip_other_files", "1 files that are not readable as DICOM, left out"),)


def test_real_files_under_random_names_give_the_same_voxels(sunnybrook_root, tmp_path):
    names = random.Random(4)
    listed = sunnybrook.list_cases(sunnybrook_root)[0]
    source = [sunnybrook_root / listed.sources[0]]
    for path in sorted(source[0].rglob("*.dcm")):
        place = tmp_path / f"{names.randrange(5)}" / f"{names.randrange(5)}" / f"{names.randrange(16**8):08x}"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    ours, theirs = (
        Conversion(reader.read_study(where), ConvertSettings()).images()[0]
        for reader, where in ((folder, [tmp_path]), (sunnybrook, source))
    )
    np.testing.assert_array_equal(ours.array_tzyx, theirs.array_tzyx)
    np.testing.assert_array_equal(ours.affine, theirs.affine)
    assert ours.time_step_ms == theirs.time_step_ms


# ------------------------------------------------------------------------------------------------- cases and names


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_each_folder_is_a_case_of_a_name_that_does_not_tell(tmp_path):
    touch(tmp_path, "Meier^Anna/1/x", "Öz 1961/y", "notes.txt", ".hidden/x")
    cases = folder.list_cases(tmp_path)
    assert [case.sources for case in cases] == [("Meier^Anna",), ("Öz 1961",)]
    assert len({case.name for case in cases}) == 2
    for case in cases:
        assert case.name == case.patient
        assert len(case.name) == 11
        assert case.name[0] == "c"
        int(case.name[1:], 16)
    way_back = (Path(".private") / private_names.NAMES).read_text()
    assert f"{cases[0].name},Meier^Anna\n" in way_back
    assert folder.list_cases(tmp_path) == cases


@pytest.mark.parametrize("image", ["DICOMDIR", "IM000001", "1.dcm", "x.IMA"])
def test_a_path_that_holds_images_is_one_case(tmp_path, image):
    touch(tmp_path / "Meier", image, "readme.txt")
    (case,) = folder.list_cases(tmp_path / "Meier")
    assert case.sources == (".",)
    touch(tmp_path / "Meier", "DICOMDIR", "DICOM/x")
    assert folder.list_cases(tmp_path / "Meier") == [case]
    assert case.name == private_names.pseudonym(private_names.read_key(), "Meier")


def test_a_path_without_images_has_no_cases_and_loose_images_are_refused(tmp_path):
    touch(tmp_path, "readme.txt", "notes.csv")
    assert folder.list_cases(tmp_path) == []
    touch(tmp_path, "a/x", "LICENSE")
    assert len(folder.list_cases(tmp_path)) == 1
    touch(tmp_path, "1.dcm")
    with pytest.raises(UserError, match="1 image files beside 1 folders; expected"):
        folder.list_cases(tmp_path)


def test_names_follow_the_key_and_nothing_else(tmp_path, monkeypatch):
    touch(tmp_path / "data", "A\u0308/x")
    (first,) = folder.list_cases(tmp_path / "data")
    key = Path(".private") / private_names.KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert (key.parent / ".gitignore").read_text() == "*\n"
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(".private", elsewhere / ".private")
    touch(tmp_path / "moved", "\u00c4/x")
    monkeypatch.chdir(elsewhere)
    assert [case.name for case in folder.list_cases(tmp_path / "moved")] == [first.name]
    (elsewhere / ".private" / private_names.KEY).unlink()
    assert [case.name for case in folder.list_cases(tmp_path / "data")] != [first.name]


def test_the_key_is_needed_and_the_way_back_is_not(tmp_path, monkeypatch):
    touch(tmp_path / "data", "a/x")
    folder.list_cases(tmp_path / "data")
    names = Path(".private") / private_names.NAMES
    names.unlink()
    names.mkdir()  # cannot be replaced by a file
    assert len(folder.list_cases(tmp_path / "data")) == 1
    key = Path(".private") / private_names.KEY
    key.write_text("secret")
    with pytest.raises(UserError, match=r"case-names\.key: not a key; expected 64 hex digits"):
        folder.list_cases(tmp_path / "data")
    Path("other").mkdir()
    monkeypatch.chdir("other")
    Path(".private").touch()
    with pytest.raises(UserError, match=r"case-names\.key: the key of the case names cannot be made"):
        folder.list_cases(tmp_path / "data")


def test_many_processes_make_one_key(tmp_path):
    code = "from lvpipe.private_names import read_key; print(read_key().hex())"
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert sorted(path.name for path in Path(".private").iterdir()) == [".gitignore", "case-names.key"]


SHEET = """\ufefffolder,patient,split,edv_ml,esv_ml,age_years,sex
a,Meier,test,150,60.5,61,f
b,Meier,test,,,95,
gone,,,1,1,,
"""


def test_the_sheet_gives_labels_and_patients(tmp_path):
    touch(tmp_path, "a/x", "b/x", "c/x")
    (tmp_path / "cases.csv").write_text(SHEET, encoding="utf-8")
    a, b, c = folder.list_cases(tmp_path)
    assert (a.split, b.split, c.split) == ("test", "test", "")
    assert a.patient == b.patient == private_names.pseudonym(private_names.read_key(), "Meier")
    assert c.patient == c.name
    labels = folder.read_labels(tmp_path)
    assert labels[a.name] == Labels(150, 60.5, 61, "F")
    assert labels[b.name] == Labels(age_years=90)
    assert c.name not in labels
    (tmp_path / "cases.csv").write_text(SHEET.replace("folder", "case", 1), encoding="utf-8")
    assert (folder.list_cases(tmp_path), folder.read_labels(tmp_path)) == ([a, b, c], labels)
    assert f"{a.patient},Meier\n" in (Path(".private") / private_names.NAMES).read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nMeier\n", "no column folder; expected folder or case and any of patient"),
        ("folder,edv\nMeier,1\n", "an unknown column; expected folder"),
        ("folder\nMeier\nMeier\n", "line 3, column folder: .* not shown.*; expected each name once; line 2 has it too"),
        ("folder\nMaier\n", "none of its 1 folders is there"),
        ("folder,split\nMeier,Meier\n", "line 2, column split: .*; expected train, validate, test"),
        ("case,edv_ml\nMeier,Meier\n", "line 2, column edv_ml: .*; expected a number"),
        ("folder,sex\n,F\n", "line 2, column folder: a blank cell"),
        ("folder\nMeier,Meier\n", "line 2: more cells than"),
    ],
)
def test_a_broken_sheet_says_where_and_quotes_nothing(tmp_path, text, message):
    touch(tmp_path, "Meier/x")
    (tmp_path / "cases.csv").write_text(text)
    for read in (folder.list_cases, folder.read_labels):
        with pytest.raises(UserError, match=message) as told:
            read(tmp_path)
        assert "Meier" not in str(told.value)


def test_an_angle_that_is_none_is_refused():
    for angle in (0, 91, "wide", True):
        with pytest.raises(UserError, match=r"heart_tilt_degrees is .*; expected a number above 0, 90 at most"):
            check_options(folder, {"heart_tilt_degrees": angle}, whole_cohort=True)


def test_parsing_loads_nothing_heavy():
    code = "import sys, lvpipe.readers.folder; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "pydicom", "pydantic", "nibabel"} & set(loaded)
