"""The quick walk has no say of its own: wherever it gives a header, pydicom gives the same one."""

from io import BytesIO

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian
from studies import dataset, plane, view

from lvpipe.config.phantom import PhantomCohort, PhantomOrder
from lvpipe.decoders.dicom.parse import parse
from lvpipe.decoders.dicom.walk import walk
from lvpipe.phantom.export import write_case
from lvpipe.phantom.names import list_cases
from lvpipe.study import Unreadable

MUTATIONS = 1500
SMALL = {"matrix": (48, 48), "frames": (8, 8), "slice_spacing_mm": (14.0, 14.0), "field_mm": (260.0, 280.0)}


def saved(made):
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def nested(**tags):
    """A file with sequences of both kinds of length, private elements and an empty functional group, as real ones."""
    made = dataset(plane(shape=(4, 5)), view(plane(shape=(4, 5))), **tags)
    inner = Dataset()
    inner.CodeValue = "Secret"
    inner.add_new(0x00091001, "UN", b"\1\2\3\4")
    for tag, undefined in ((0x00081111, True), (0x00081140, False), (0x52009230, True)):
        made.add_new(tag, "SQ", Sequence([Dataset() if tag == 0x52009230 else inner]))
        made[tag].is_undefined_length = undefined
    made.add_new(0x00091010, "LO", "Secret maker")
    made.add_new(0x00291010, "OB", bytes(300))
    made.TriggerTime, made.InstanceNumber = "12.5", 4
    return made


def implicit():
    made = nested()
    made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return saved(made)


def same(content):
    found = walk(content)
    if found is not None:
        assert found == parse(content)
    return found is not None


def test_ordinary_files_are_walked():
    assert same(saved(nested()))
    assert same(implicit())


@pytest.mark.parametrize("layout", ["kaggle", "sunnybrook"])
def test_every_phantom_file_is_walked(layout, tmp_path):
    cases = {"kaggle": {"train": 1}, "sunnybrook": {"all": 1}}[layout]
    order = PhantomOrder(seed=3, cohort=PhantomCohort(layout=layout, cases=cases, **SMALL))
    case = list_cases("c", order.cohort)[0].name
    write_case("c", case, order, tmp_path)
    files = list(tmp_path.rglob("*.dcm"))
    assert files
    assert all(same(path.read_bytes()) for path in files)


def test_every_real_file_is_walked(sunnybrook_root):
    files = sorted(sunnybrook_root.rglob("*.dcm"))[::7]
    assert files
    assert all(same(path.read_bytes()) for path in files)


@pytest.mark.parametrize("content", [saved(nested()), implicit()], ids=["explicit", "implicit"])
def test_mutated_files_are_read_alike_or_left_to_pydicom(content):
    draw = np.random.default_rng(11)
    walked = 0
    for number in range(MUTATIONS):
        try:
            walked += same(mutated(content, draw, number))
        except Unreadable:
            pytest.fail(f"mutation {number} is walked and pydicom refuses it")
    assert MUTATIONS * 0.2 < walked < MUTATIONS


def mutated(content, draw, number):
    broken = bytearray(content)
    at = int(draw.integers(128, len(broken)))
    if number % 3 == 0:
        broken[at] ^= 1 << int(draw.integers(8))
    elif number % 3 == 1:
        broken[at : at + 2] = draw.bytes(2)
    else:
        del broken[at : at + int(draw.integers(1, 9))]
    return bytes(broken)


@pytest.mark.parametrize(
    "name",
    [
        *("MR_small.dcm", "MR_small_implicit.dcm", "MR_small_padded.dcm", "MR_truncated.dcm", "MR_small_bigendian.dcm"),
        *("badVR.dcm", "nested_priv_SQ.dcm", "priv_SQ.dcm", "UN_sequence.dcm", "no_meta_group_length.dcm"),
        *("MR_small_RLE.dcm", "image_dfl.dcm", "meta_missing_tsyntax.dcm", "reportsi.dcm", "CT_small.dcm"),
        *("empty_charset_LEI.dcm", "SC_rgb_small_odd.dcm", "rtdose.dcm", "liver_1frame.dcm", "waveform_ecg.dcm"),
    ],
)
def test_odd_files_of_other_makers_are_read_alike_or_left_to_pydicom(name):
    with open(get_testdata_file(name), "rb") as stream:  # noqa: PTH123
        same(stream.read())


@pytest.mark.parametrize("end", [100, 140, 300, 700, -1])
def test_a_file_that_is_cut_off_is_left_to_pydicom(end):
    assert walk(saved(nested())[:end]) is None
