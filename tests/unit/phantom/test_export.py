import errno
import hashlib
import os

import numpy as np
import pytest

from lvpipe.config.phantom import PhantomCohort, PhantomOrder
from lvpipe.files import read_table
from lvpipe.phantom import export
from lvpipe.phantom.export import write_case, write_sheets
from lvpipe.phantom.names import list_cases, list_sheets
from lvpipe.readers import kaggle, sunnybrook

SMALL = {"matrix": (64, 72), "frames": (8, 8), "slice_spacing_mm": (14.0, 14.0), "field_mm": (260.0, 280.0)}
READERS = {"kaggle": kaggle, "sunnybrook": sunnybrook}


def order(layout):
    cases = {"train": 1, "test": 1} if layout == "kaggle" else {"all": 2}
    return PhantomOrder(seed=5, cohort=PhantomCohort(layout=layout, cases=cases, **SMALL))


@pytest.fixture(scope="module", params=sorted(READERS))
def written(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param)
    wanted = order(request.param)
    cases = [write_case("c", case.name, wanted, root) for case in list_cases("c", wanted.cohort)]
    write_sheets("c", wanted, root)
    return request.param, root, wanted, cases


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_reader_lists_what_was_announced(written):
    layout, root, wanted, _ = written
    assert READERS[layout].list_cases(root) == list_cases("c", wanted.cohort)


def test_the_reader_finds_all_short_axis_images(written):
    layout, root, _, cases = written
    for case in cases:
        study = READERS[layout].read_study([root / source for source in case.source.sources])
        assert len(study.images) == sum(len(taken.frames) for taken in case.acquisitions if taken.role != "view")


def test_sheets_are_where_they_were_announced(written):
    _, root, wanted, _ = written
    assert all((root / sheet).is_file() for sheet in list_sheets(wanted.cohort))


def test_same_order_same_bytes(written, tmp_path):
    _, root, wanted, cases = written
    for case in cases:
        write_case("c", case.source.name, wanted, tmp_path)
    write_sheets("c", wanted, tmp_path)
    assert digests(tmp_path) == digests(root)


def test_headers_tell_the_geometry(written):
    import pydicom

    layout, root, _, cases = written
    case = cases[0]
    folder = root / case.source.sources[0]
    path = min(folder.rglob("sax_*/*0001.dcm" if layout == "kaggle" else "*0001.dcm"))
    dataset = pydicom.dcmread(path)
    (taken,) = [t for t in case.acquisitions if str(t.series) == str(dataset.SeriesNumber)]
    assert np.array(dataset.ImagePositionPatient, float) == pytest.approx(taken.plane.position_mm, abs=1e-5)
    assert float(dataset.PixelSpacing[0]) == taken.plane.pixel_mm
    assert dataset.pixel_array.shape == (taken.plane.rows, taken.plane.columns)
    np.testing.assert_array_equal(dataset.pixel_array, case.image(taken)[0])
    assert dataset.PatientBirthDate
    assert dataset.InstitutionName


def test_kaggle_sheet_holds_the_exact_volumes(tmp_path):
    wanted = order("kaggle")
    write_sheets("c", wanted, tmp_path)
    (row,) = read_table(tmp_path / "test.csv")
    case = write_case("c", "2", wanted, tmp_path)
    assert row["Id"] == "2"
    assert float(row["Diastole"]) == pytest.approx(case.edv_ml, abs=0.06)
    assert float(row["Systole"]) == pytest.approx(case.esv_ml, abs=0.06)


def test_contours_exist_at_ed_and_es_and_hold_the_volume(tmp_path):
    thin = {**SMALL, "slice_spacing_mm": (6.0, 6.0)}
    wanted = PhantomOrder(seed=5, cohort=PhantomCohort(layout="sunnybrook", cases={"all": 1}, **thin))
    case = write_case("c", "SCD9000101", wanted, tmp_path)
    spacing_ml = 6.0 * case.slices[0].plane.pixel_mm ** 2 / 1000
    volumes = {case.heart.ed_frame: 0.0, case.heart.es_frame: 0.0}
    for path in tmp_path.rglob("*-icontour-manual.txt"):
        x, y = np.loadtxt(path).T
        number = int(path.name.split("-")[2])
        volumes[(number - 1) % 8] += 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) * spacing_ml
    assert volumes[case.heart.ed_frame] == pytest.approx(case.edv_ml, rel=0.06)
    assert volumes[case.heart.es_frame] == pytest.approx(case.esv_ml, rel=0.12)
    outer = {(int(path.name.split("-")[2]) - 1) % 8 for path in tmp_path.rglob("*-ocontour-manual.txt")}
    assert outer == {case.heart.ed_frame}


@pytest.mark.parametrize("layout", sorted(READERS))
def test_a_case_that_cannot_be_finished_leaves_nothing_behind(layout, tmp_path, monkeypatch):
    wanted = order(layout)
    case = list_cases("c", wanted.cohort)[0].name
    written, save = [], export.Writer.write

    def fill_up(self, path, *rest):
        if len(written) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(self, path, *rest)
        written.append(path)

    monkeypatch.setattr(export.Writer, "write", fill_up)
    with pytest.raises(OSError, match="No space") as caught:
        write_case("c", case, wanted, tmp_path)
    assert len(written) == 5
    assert ".part" not in str(caught.value.filename)
    assert [path for path in tmp_path.rglob("*") if path.is_file() or path.name.startswith(".")] == []


def test_a_case_written_again_replaces_its_folder(tmp_path):
    wanted = order("kaggle")
    case = write_case("c", "1", wanted, tmp_path)
    before = digests(tmp_path)
    stray = tmp_path / case.source.sources[0] / "study" / "sax_99" / "IM-00001-0001.dcm"
    stray.parent.mkdir()
    stray.write_bytes(b"of another order")
    write_case("c", "1", wanted, tmp_path)
    assert digests(tmp_path) == before
