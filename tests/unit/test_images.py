import gzip

import nibabel
import numpy as np
import pytest

from lvpipe import zipped
from lvpipe.errors import Rejected, UserError
from lvpipe.images import (
    Image,
    is_rejected,
    passing_on,
    read_geometry,
    read_image,
    read_images,
    write_image,
    write_images,
    write_rejected,
)

OBLIQUE = np.array([[1.1, 0.3, -2.0, -40], [-0.2, 1.2, 5.0, 17], [0.4, -0.5, 6.0, 3], [0, 0, 0, 1.0]])


@pytest.fixture
def voxels() -> np.ndarray:
    return np.random.default_rng(4).integers(-500, 3000, (3, 4, 5, 6)).astype(np.int16)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, ">i2", ">f4"])
def test_an_image_survives_the_disk(tmp_path, voxels, dtype):
    image = Image(np.abs(voxels).astype(dtype), OBLIQUE, 37.5)
    write_image(tmp_path / "a.nii.gz", image)
    read = read_image(tmp_path / "a.nii.gz")
    assert read.array_tzyx.dtype == np.dtype(dtype).newbyteorder("=")
    assert read.array_tzyx.flags.c_contiguous
    np.testing.assert_array_equal(read.array_tzyx, image.array_tzyx)
    np.testing.assert_allclose(read.affine, OBLIQUE, atol=1e-5)
    assert read.time_step_ms == 37.5


def test_nibabel_reads_the_same(tmp_path, voxels):
    write_image(tmp_path / "a.nii.gz", Image(voxels, OBLIQUE, 37.5), slope=0.5)
    nifti = nibabel.load(tmp_path / "a.nii.gz")
    assert nifti.shape == (6, 5, 4, 3)
    np.testing.assert_array_equal(nifti.get_fdata(), voxels.T * 0.5)
    np.testing.assert_allclose(nifti.affine, OBLIQUE, atol=1e-5)
    assert nifti.header.get_xyzt_units() == ("mm", "msec")
    assert nifti.header.get_zooms()[3] == 37.5
    assert int(nifti.header["sform_code"]) == int(nifti.header["qform_code"]) == 1


def test_what_nibabel_wrote_is_read(tmp_path, voxels):
    nifti = nibabel.Nifti1Image(voxels[0].T.astype(">i2"), OBLIQUE, header=nibabel.Nifti1Header(endianness=">"))
    nifti.header.set_xyzt_units("mm", "sec")
    nibabel.save(nifti, tmp_path / "a.nii")
    read = read_image(tmp_path / "a.nii")
    np.testing.assert_array_equal(read.array_tzyx, voxels[:1])
    assert read.array_tzyx.dtype.isnative


def test_seconds_become_milliseconds(tmp_path, voxels):
    nifti = nibabel.Nifti1Image(voxels.T, OBLIQUE)
    nifti.header.set_xyzt_units("mm", "sec")
    nifti.header["pixdim"][4] = 0.04
    nibabel.save(nifti, tmp_path / "a.nii.gz")
    assert read_image(tmp_path / "a.nii.gz").time_step_ms == pytest.approx(40)


def test_a_slope_turns_stored_integers_into_values(tmp_path):
    stored = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    write_image(tmp_path / "prob.nii.gz", Image(stored, np.eye(4)), slope=1 / 255)
    read = read_image(tmp_path / "prob.nii.gz").array_tzyx
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, stored / 255, atol=1e-6)
    assert read.max() <= 1 + 1e-6


def test_equal_images_have_equal_bytes_without_a_time_stamp(tmp_path, voxels):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_image(tmp_path / name, Image(voxels, OBLIQUE, 30))
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert content == (tmp_path / "b.nii.gz").read_bytes()
    assert content[4:8] == bytes(4), "the time stamp of gzip"
    assert content[3] == 0, "no file name in the gzip header"
    assert len(gzip.decompress(content)) == 352 + voxels.nbytes


def test_a_failed_write_leaves_the_old_file(tmp_path, voxels):
    path = tmp_path / "a.nii.gz"
    write_image(path, Image(voxels, OBLIQUE))
    before = path.read_bytes()
    with pytest.raises(Exception, match=r"data code|bool"):
        write_image(path, Image(voxels > 0, OBLIQUE))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_spacing_follows_from_the_affine():
    columns = np.linalg.norm(OBLIQUE[:3, :3], axis=0)
    assert Image(np.zeros((1, 1, 1, 1)), OBLIQUE).spacing_xyz_mm == pytest.approx(tuple(columns))


def test_zero_bytes_are_a_rejected_case(tmp_path):
    path = tmp_path / "a.nii.gz"
    write_rejected(path)
    assert is_rejected(path)
    for read in (read_image, read_geometry):
        with pytest.raises(Rejected, match="ledger"):
            read(path)


def test_a_rejection_is_passed_on_and_nothing_else_is(tmp_path, capsys):
    outputs = tmp_path / "a", tmp_path / "b"
    with passing_on(*outputs):
        raise Rejected("three slices")
    assert [path.read_bytes() for path in outputs] == [b"", b""]
    assert "three slices" in capsys.readouterr().out
    with pytest.raises(UserError), passing_on(tmp_path / "c"):
        raise UserError("broken")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    "content",
    [b"no image at all", gzip.compress(b"short", mtime=0), gzip.compress(bytes(900), mtime=0)[:20]],
    ids=["text", "short", "cut off"],
)
def test_an_unreadable_file_is_named_in_one_line(tmp_path, content):
    path = tmp_path / "odd.nii.gz"
    path.write_bytes(content)
    for read in (read_image, read_geometry):
        with pytest.raises(UserError, match=r"odd\.nii\.gz: not a readable NIfTI"):
            read(path)


def test_our_own_file_that_is_cut_off_is_named_in_one_line(tmp_path, voxels):
    path = tmp_path / "cut.nii.gz"
    write_image(path, Image(voxels, OBLIQUE, 37.5))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match=r"cut\.nii\.gz: not a readable NIfTI"):
        read_image(path)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_the_geometry_of_an_image_is_known_without_its_voxels(tmp_path, voxels, name):
    image = Image(voxels, OBLIQUE, 37.5)
    write_image(tmp_path / name, image, zipped=name.endswith("gz"))
    content = (tmp_path / name).read_bytes()
    whole = read_image(tmp_path / name)
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    geometry = read_geometry(tmp_path / name)
    assert geometry.array_tzyx.shape == voxels.shape
    np.testing.assert_array_equal(geometry.affine, whole.affine)
    assert geometry.time_step_ms == 37.5


def test_more_than_four_dimensions_are_refused(tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 4, 5, 1, 6)), np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(UserError, match="5 dimensions; expected a 4D image"):
        read_image(tmp_path / "a.nii")


@pytest.mark.parametrize("seed", range(20))
def test_the_header_is_the_one_that_nibabel_writes(tmp_path, voxels, seed):
    draw = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = draw.normal(size=(3, 3)) if seed % 2 else np.linalg.qr(draw.normal(size=(3, 3)))[0] * 1.4
    affine[:3, 3] = draw.normal(size=3) * 100
    write_image(tmp_path / "a.nii.gz", Image(voxels, affine, 37.5), slope=0.5)
    written = nibabel.nifti1.Nifti1Header(gzip.decompress((tmp_path / "a.nii.gz").read_bytes())[:348])
    wanted = nibabel.nifti1.Nifti1Header(endianness="<")
    wanted.set_data_dtype(voxels.dtype)
    wanted.set_data_shape(voxels.shape[::-1])
    wanted.set_qform(affine, code="scanner")
    wanted.set_sform(affine, code="scanner")
    wanted.set_xyzt_units("mm", "msec")
    wanted["pixdim"][4], wanted["vox_offset"], wanted["magic"] = 37.5, 352, b"n+1"
    wanted.set_slope_inter(0.5, 0)
    for field in wanted:
        if wanted[field].dtype.kind == "f":
            np.testing.assert_allclose(written[field], wanted[field], rtol=1e-6, atol=2e-6)
        else:
            np.testing.assert_array_equal(written[field], wanted[field])


def test_the_bytes_do_not_depend_on_how_many_threads_made_them(tmp_path, monkeypatch):
    noise = np.random.default_rng(1).integers(0, 900, (5, 10, 150, 200)).astype(np.int16)
    for threads in (1, 2, 3):
        monkeypatch.setattr(zipped, "_GZIP_THREADS", threads)
        write_image(tmp_path / f"{threads}.nii.gz", Image(noise, OBLIQUE))
    one, *others = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert others == [one, one]
    np.testing.assert_array_equal(read_image(tmp_path / "1.nii.gz").array_tzyx, noise)
    assert noise.nbytes > zipped._GZIP_BLOCK


def test_images_of_one_geometry_share_a_file_along_a_fifth_axis(tmp_path, voxels):
    several = [Image(voxels + i, OBLIQUE, 37.5) for i in range(3)]
    write_images(tmp_path / "a.nii.gz", several, slope=0.5)
    nifti = nibabel.load(tmp_path / "a.nii.gz")
    assert nifti.shape == (6, 5, 4, 3, 3)
    np.testing.assert_array_equal(nifti.get_fdata()[..., 1], (voxels.T + 1) * 0.5)
    read = read_images(tmp_path / "a.nii.gz")
    assert len(read) == 3
    for image, wanted in zip(read, several, strict=True):
        np.testing.assert_array_equal(image.array_tzyx, wanted.array_tzyx * 0.5)
        np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-5)
        assert image.time_step_ms == 37.5


def test_one_image_alone_has_four_axes(tmp_path, voxels):
    write_images(tmp_path / "many.nii.gz", [Image(voxels, OBLIQUE)])
    write_image(tmp_path / "one.nii.gz", Image(voxels, OBLIQUE))
    assert (tmp_path / "many.nii.gz").read_bytes() == (tmp_path / "one.nii.gz").read_bytes()
    (image,) = read_images(tmp_path / "one.nii.gz")
    np.testing.assert_array_equal(image.array_tzyx, voxels)
