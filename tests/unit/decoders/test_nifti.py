import gzip
import re
import tracemalloc
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
from sources import oblique, write_nifti

from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.decoders.nifti import read_frames, read_voxels
from lvpipe.geometry import to_mm
from lvpipe.study import Content, ImageFile, LabelFile, Study, Unreadable

SHAPE = (12, 10, 5, 4)
UNIQUE = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)  # every value tells its voxel
OURS = ((1, 1), (2, 2))


def read(path: Path) -> Content:
    return Content(path.read_bytes(), "0" * 64)


def opened(path: Path, labels: tuple[LabelFile, ...] = ()):
    return read_frames(ImageFile(path, "cine", (), 0, labels), read)


def converted(path: Path, labels: tuple[LabelFile, ...] = (), **settings):
    study = Study((ImageFile(path, "cine", (), 0, labels),), read_frames)
    conversion = Conversion(study, ConvertSettings(**settings))
    cine, reference = conversion.images()
    return cine, reference, conversion.account()


def rules(account) -> list[str]:
    return [event["rule"] for event in account["events"]]


def headed(path: Path, array=UNIQUE, affine=None, **fields) -> Path:
    """A file whose header is changed after nibabel has made it whole."""
    write_nifti(path, array, oblique() if affine is None else affine, 60)
    content = bytearray(path.read_bytes())
    header = nibabel.nifti1.Nifti1Header(bytes(content[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    content[:348] = header.binaryblock
    path.write_bytes(content)
    return path


def assert_placed(path: Path, cine, times: int = SHAPE[3]) -> None:
    """Every value lies where nibabel says that it lies in the source."""
    source = nibabel.load(path)
    voxels = np.indices(SHAPE[:3]).reshape(3, -1).T.astype(float)
    wanted = dict(zip(UNIQUE[..., 0].ravel(), to_mm(source.affine, voxels), strict=True))
    z, y, x = np.indices(cine.array_tzyx.shape[1:])
    found = to_mm(cine.affine, np.stack([x, y, z], -1).reshape(-1, 3).astype(float))
    first = cine.array_tzyx[0].ravel()
    assert sorted(first) == sorted(wanted)
    assert np.abs(found - np.array([wanted[value] for value in first])).max() < 0.01
    for frame in range(times):
        np.testing.assert_array_equal(cine.array_tzyx[frame].ravel(), first + frame)


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.5, 1.5, 8, 1.0]),
        oblique(),
        oblique(flip=(-1, 1, 1)),
        oblique(flip=(1, -1, 1)),
        oblique(flip=(1, 1, -1)),
        oblique(flip=(-1, -1, -1)),
        oblique(dx=1.1, dy=2.3, dz=9.7, turn=(1.2, 2.5, -2.9)),
        oblique(dx=1.25, dy=1.25, dz=1.4, turn=(2.0, -1.0, 0.5)),
    ],
    ids=["plain", "oblique", "x", "y", "z", "xyz", "anisotropic", "thin"],
)
@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_every_voxel_stays_where_it_is(tmp_path, affine, ending):
    path = write_nifti(tmp_path / f"cine.{ending}", UNIQUE, affine, 60)
    cine, _, account = converted(path, duplicate_within_mm=0.5)
    assert account["events"] == []
    assert cine.array_tzyx.dtype == np.int16
    assert_placed(path, cine)
    assert account["times_ms"] == [0, 60, 120, 180]


@pytest.mark.parametrize("across", [0, 1])
def test_slices_across_another_axis_are_found_by_the_voxels_sides(tmp_path, across):
    sides = [2.0, 2.0, 2.0]
    sides[across] = 8.0
    path = write_nifti(tmp_path / "cine.nii", UNIQUE, oblique(*sides), 60)
    cine, _, account = converted(path)
    assert rules(account) == ["find_slice_axis"]
    assert cine.array_tzyx.shape[1] == SHAPE[across]
    assert_placed(path, cine)


def test_the_qform_counts_where_there_is_no_sform(tmp_path):
    path = headed(tmp_path / "cine.nii", sform_code=0)
    cine, _, account = converted(path)
    assert account["events"] == []
    assert_placed(path, cine)


@pytest.mark.parametrize("spoilt", [{"srow_x": 0.0}, {"srow_y": np.nan}, {"srow_z": 1e30}])
def test_an_sform_that_is_none_gives_way_to_the_qform(tmp_path, spoilt):
    good = headed(tmp_path / "good.nii", sform_code=0)
    cine, _, _ = converted(headed(tmp_path / "cine.nii", **spoilt))
    assert_placed(good, cine)


def test_without_directions_voxel_sizes_place_what_they_can(tmp_path):
    path = headed(tmp_path / "cine.nii", affine=np.diag([2.0, 1.5, 8, 1]), sform_code=0, qform_code=0)
    cine, _, account = converted(path)
    assert rules(account) == ["place_by_voxel_size"]
    assert_placed(path, cine)


def test_a_sform_that_contradicts_the_qform_counts_and_is_noted(tmp_path):
    moved = oblique()
    moved[:3, 3] += 4
    path = headed(tmp_path / "cine.nii", **{f"srow_{axis}": moved[row] for row, axis in enumerate("xyz")})
    cine, _, account = converted(path)
    assert [event["what"] for event in account["events"]] == [
        "sform and qform put voxels up to 6.9 mm apart; the sform counts"
    ]
    assert_placed(path, cine)


def test_nothing_that_places_a_voxel_is_a_reason(tmp_path):
    path = headed(tmp_path / "cine.nii", sform_code=0, qform_code=0, pixdim=[1, 0, 0, 0, 60, 0, 0, 0])
    with pytest.raises(Unreadable, match="no usable qform, sform or voxel sizes"):
        opened(path)


def test_metres_and_micrometres_are_believed_where_they_can_be(tmp_path):
    metres = oblique()
    metres[:3] /= 1000
    (frame, *_) = opened(headed(tmp_path / "metres.nii", affine=metres, xyzt_units=1 | 16))
    assert frame.plane.spacing_yx_mm == pytest.approx((2, 2), abs=1e-4)
    (frame, *_) = opened(headed(tmp_path / "wrong.nii", xyzt_units=3 | 16))
    assert frame.plane.spacing_yx_mm == pytest.approx((2, 2), abs=1e-4)
    assert [rule for rule, _ in frame.notes] == ["guess_unit"]


@pytest.mark.parametrize(
    ("step", "unit", "step_ms", "guessed"),
    [
        (0.06, 8, 60, 0),
        (60, 16, 60, 0),
        (60, 8, 60, 1),
        (0.06, 0, 60, 1),
        (60, 0, 60, 1),
        (1, 8, None, 0),
        (0, 16, None, 0),
    ],
)
def test_the_time_step_is_what_makes_a_heart_cycle(tmp_path, step, unit, step_ms, guessed):
    frames = opened(headed(tmp_path / "cine.nii", pixdim=[1, 2, 2, 8, step, 0, 0, 0], xyzt_units=2 | unit))
    later = next(frame for frame in frames if frame.instance == 2)
    assert later.trigger_ms == (step_ms if step_ms is None else pytest.approx(step_ms))
    assert [rule for rule, _ in later.notes] == ["guess_unit"] * guessed


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_values_and_their_type_stay(tmp_path, kind):
    array = (UNIQUE % 200).astype(kind)
    cine, _, _ = converted(write_nifti(tmp_path / "cine.nii.gz", array, oblique(), 60))
    assert cine.array_tzyx.dtype == kind
    assert np.sort(cine.array_tzyx, axis=None).tolist() == np.sort(array, axis=None).tolist()


def test_a_slope_is_applied_and_whole_numbers_stay_whole(tmp_path):
    path = headed(tmp_path / "cine.nii", scl_slope=2, scl_inter=-10)
    assert (read_voxels(path.read_bytes()).array_xyzt == UNIQUE * 2 - 10).all()
    assert read_voxels(path.read_bytes()).array_xyzt.dtype == np.int16
    halves = read_voxels(headed(tmp_path / "half.nii", scl_slope=0.5).read_bytes()).array_xyzt
    assert (halves.dtype, halves[1, 0, 0, 0]) == (np.float32, UNIQUE[1, 0, 0, 0] / 2)
    unscaled = read_voxels(headed(tmp_path / "zero.nii", scl_slope=0, scl_inter=7).read_bytes()).array_xyzt
    np.testing.assert_array_equal(unscaled, UNIQUE)


def test_what_is_no_number_becomes_0_and_is_counted(tmp_path):
    array = UNIQUE.astype(np.float64)
    array[0, 0, 0, 0], array[1, 0, 0, 0], array[2, 0, 0, 0] = np.nan, np.inf, 1e300
    cine, _, account = converted(write_nifti(tmp_path / "cine.nii.gz", array, oblique(), 60))
    assert cine.array_tzyx.dtype == np.float32
    assert np.isfinite(cine.array_tzyx).all()
    assert account["events"][0] == {
        "rule": "blank_bad_values",
        "position_mm": None,
        "what": "3 pixels that are no number became 0",
    }


def test_64_bit_integers_become_what_viewers_read():
    narrow = nibabel.Nifti1Image(UNIQUE, oblique(), dtype=np.int64).to_bytes()
    assert read_voxels(narrow).array_xyzt.dtype == np.int32
    wide = read_voxels(nibabel.Nifti1Image(UNIQUE + np.int64(2**40), oblique(), dtype=np.int64).to_bytes())
    assert (wide.array_xyzt.dtype, wide.notes[0][0]) == (np.float32, "round_wide_values")


def test_other_byte_orders_versions_and_several_streams_are_read(tmp_path):
    image = nibabel.Nifti1Image(UNIQUE, oblique())
    swapped = nibabel.Nifti1Image(UNIQUE, oblique(), image.header.as_byteswapped(">"))
    second = nibabel.Nifti2Image(UNIQUE, oblique())
    for made in (swapped, second):
        found = read_voxels(made.to_bytes()).array_xyzt
        np.testing.assert_array_equal(found, UNIQUE)
        assert found.dtype.isnative
    content = image.to_bytes()
    parts = gzip.compress(content[:700]) + gzip.compress(content[700:]) + b"\0\0"
    np.testing.assert_array_equal(read_voxels(parts).array_xyzt, UNIQUE)


def test_axes_of_length_1_are_no_matter(tmp_path):
    assert read_voxels(nibabel.Nifti1Image(UNIQUE[..., :1, None], oblique()).to_bytes()).array_xyzt.shape == (
        *SHAPE[:3],
        1,
    )
    assert read_voxels(nibabel.Nifti1Image(UNIQUE[..., 0, 0], oblique()).to_bytes()).array_xyzt.shape == (12, 10, 1, 1)
    with pytest.raises(Unreadable, match="expected x, y, z and time"):
        read_voxels(nibabel.Nifti1Image(np.zeros((3, 3, 3, 2, 3)), oblique()).to_bytes())


WHOLE = nibabel.Nifti1Image(UNIQUE, oblique()).to_bytes()
PAIR = WHOLE[:344] + b"ni1\0" + WHOLE[348:]
HUGE = nibabel.nifti1.Nifti1Header(WHOLE[:348])
HUGE["dim"] = [4, 32767, 32767, 32767, 100, 1, 1, 1]
COLOURS = nibabel.Nifti1Image(np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")]), oblique())


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "0 bytes"),
        (b"Secret" * 100, "HeaderDataError"),
        (WHOLE[:-1], "4799 are there: cut off"),
        (WHOLE[:200], "200 bytes"),
        (gzip.compress(WHOLE[:-400]), "cut off"),
        (gzip.compress(WHOLE)[:-2000], "cut off|damaged"),
        (gzip.compress(WHOLE)[:-8] + b"\0" * 8, "damaged gzip"),
        (HUGE.binaryblock + WHOLE[348:], "claims 7036230192332600 bytes of voxels"),
        (gzip.compress(HUGE.binaryblock + WHOLE[348:]), "claims 7036230192332600 bytes"),
        (PAIR, "pair .hdr and .img"),
        (COLOURS.to_bytes(), "expected real numbers"),
        (nibabel.Nifti1Image(np.zeros((3, 3, 3), np.complex64), oblique()).to_bytes(), "expected real numbers"),
        (zlib.compress(WHOLE), "HeaderDataError"),
    ],
)
def test_what_cannot_be_used_says_why_and_quotes_nothing(content, cause):
    with pytest.raises(Unreadable, match=cause) as caught:
        read_voxels(content)
    assert "Secret" not in str(caught.value)


def test_what_a_header_claims_is_not_made_before_it_is_there():
    header = nibabel.nifti1.Nifti1Header(WHOLE[:348])
    header["dim"] = [4, 1000, 1000, 100, 5, 1, 1, 1]  # 1 GB, just below what is too much
    content = gzip.compress(header.binaryblock + WHOLE[348:])
    tracemalloc.start()
    with pytest.raises(Unreadable, match="cut off"):
        read_voxels(content)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


def test_names_in_a_header_go_nowhere(tmp_path):
    fields = {"descrip": "Secret^Person", "db_name": "Secret", "aux_file": "secret.par", "intent_name": "Secret"}
    cine, _, account = converted(write_nifti(tmp_path / "cine.nii.gz", UNIQUE, oblique(), 60, **fields))
    from lvpipe.images import write_image

    write_image(tmp_path / "out.nii.gz", cine)
    assert b"ecret" not in gzip.decompress((tmp_path / "out.nii.gz").read_bytes())
    assert "ecret" not in str(account)


LABELS = np.zeros(SHAPE[:3], np.uint8)
LABELS[3:6, 2:7, 1:3] = 1
LABELS[6, 2:7, 1:3] = 2
LABELS[8, 8, 0] = 3


def labelled(tmp_path, labels, affine=None, frame: int | None = 2):
    image = write_nifti(tmp_path / "cine.nii.gz", UNIQUE, oblique(), 60)
    path = write_nifti(tmp_path / "labels.nii.gz", labels, oblique() if affine is None else affine)
    _, reference, account = converted(image, (LabelFile(path, frame, OURS),))
    return reference.array_tzyx, account


def test_labels_belong_to_their_frame_and_what_is_not_named_is_background(tmp_path):
    found, account = labelled(tmp_path, LABELS)
    assert account["events"] == []
    assert [frame for frame in range(4) if (found[frame] != 255).any()] == [2]
    assert np.bincount(found[2].ravel()).tolist() == [SHAPE[0] * SHAPE[1] * SHAPE[2] - 40, 30, 10]
    assert account["reference"]["edv_ml"] == pytest.approx(30 * 2 * 2 * 8 / 1000)


def test_labels_of_all_frames_annotate_those_that_are_drawn(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[..., 1] = LABELS
    found, account = labelled(tmp_path, labels, frame=None)
    assert [frame for frame in range(4) if (found[frame] != 255).any()] == [1]
    assert "3 of 4 frames are empty: not annotated" in account["events"][0]["what"]


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0)])
def test_labels_stored_in_another_orientation_are_turned(tmp_path, order):
    straight, _ = labelled(tmp_path / "a", LABELS)
    affine = oblique()[:, [*order, 3]].copy()
    turned = LABELS.transpose(order)[::-1]
    affine[:3, 3] += affine[:3, 0] * (turned.shape[0] - 1)
    affine[:3, 0] *= -1
    found, account = labelled(tmp_path / "b", turned, affine)
    assert account["events"] == []
    np.testing.assert_array_equal(found, straight)


def test_labels_whose_header_was_lost_are_taken_by_voxel(tmp_path):
    straight, _ = labelled(tmp_path / "a", LABELS)
    found, account = labelled(tmp_path / "b", LABELS, np.diag([2.0, 2, 8, 1]))
    assert rules(account) == ["labels_by_voxel"]
    np.testing.assert_array_equal(found, straight)


@pytest.mark.parametrize(
    ("labels", "frame", "cause"),
    [
        (LABELS[:-1], 2, r"\(11, 10, 5\) voxels; expected \(12, 10, 5\)"),
        (LABELS, 4, "drawn on frame 5 of an image of 4"),
        (LABELS, None, "1 frames; expected 4"),
        (LABELS / np.float32(3), 2, "between whole numbers"),
    ],
)
def test_labels_that_cannot_be_used_are_dropped_and_the_image_stays(tmp_path, labels, frame, cause):
    found, account = labelled(tmp_path, labels, frame=frame)
    assert (found == 255).all()
    assert rules(account) == ["drop_labels"]
    assert re.search(cause, account["events"][0]["what"])
    assert account["reference"] is None


def test_a_damaged_file_of_labels_costs_the_labels_alone(tmp_path):
    image = write_nifti(tmp_path / "cine.nii.gz", UNIQUE, oblique(), 60)
    (tmp_path / "labels.nii.gz").write_bytes(b"Secret")
    _, reference, account = converted(image, (LabelFile(tmp_path / "labels.nii.gz", 0, OURS),))
    assert (reference.array_tzyx == 255).all()
    assert rules(account) == ["drop_labels"]
    assert "Secret" not in str(account)


def test_unit_spacing_makes_cubes_of_1_mm(tmp_path):
    path = write_nifti(tmp_path / "la.nii.gz", UNIQUE[..., 0], oblique(1.25, 1.25, 1.37))
    frames = read_frames(ImageFile(path, "stack", (), 0), read, unit_spacing=True)
    assert frames[0].plane.spacing_yx_mm == pytest.approx((1, 1))
    steps = np.diff([frame.plane.origin_mm for frame in frames], axis=0)
    assert np.linalg.norm(steps, axis=1) == pytest.approx(np.ones(4))


def test_a_single_slice_is_as_thick_as_its_voxels(tmp_path):
    (frame,) = opened(write_nifti(tmp_path / "one.nii.gz", UNIQUE[:, :, :1, 0], oblique()))
    assert frame.thickness_mm == pytest.approx(8)


@pytest.mark.parametrize("change", [lambda byte: 0, lambda byte: 255, lambda byte: byte ^ 1, lambda byte: byte ^ 128])
def test_a_damaged_byte_of_the_header_moves_nothing_without_a_note(tmp_path, change):
    whole = write_nifti(tmp_path / "cine.nii", UNIQUE, oblique(), 60).read_bytes()
    corners, unnoted = read_voxels(whole).corners_mm, 0
    for place in range(352):
        content = bytearray(whole)
        content[place] = change(content[place])
        try:
            voxels = read_voxels(bytes(content))
        except Unreadable:
            continue
        if not voxels.notes:
            unnoted += 1
            assert voxels.array_xyzt.shape == SHAPE
            assert np.abs(voxels.corners_mm - corners).max() < 1
    assert unnoted > 150
