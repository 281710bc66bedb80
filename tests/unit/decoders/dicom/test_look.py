from io import BytesIO

import numpy as np
import pytest
from studies import dataset, plane, view

from lvpipe.decoders.dicom.look import look

TOLD = {
    "StudyInstanceUID": "2.25.11",
    "SeriesInstanceUID": "2.25.12",
    "Modality": "MR",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "SeriesNumber": 7,
    "AcquisitionNumber": 2,
    "InstanceNumber": 5,
    "TriggerTime": "42.5",
    "SeriesDescription": "Secret series",
}


def saved(made):
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_what_a_header_tells():
    found = look(saved(dataset(plane(), view(plane()), **TOLD)))
    assert (found.modality, found.words) == ("MR", ("ORIGINAL", "PRIMARY", "M", "ND"))
    assert (found.series_number, found.acquisition, found.instance) == (7, 2, 5)
    (seen,) = found.views
    assert seen.trigger_ms == 42.5
    np.testing.assert_allclose(seen.plane.origin_mm, plane().origin_mm, atol=1e-5)
    assert found.refusal == ""


def test_series_and_studies_are_told_apart_without_their_uids():
    one, same = (look(saved(dataset(plane(), view(plane()), **TOLD))) for _ in range(2))
    other = look(saved(dataset(plane(), view(plane()), **TOLD | {"SeriesInstanceUID": "2.25.13"})))
    assert (one.study, one.series) == (same.study, same.series) == (other.study, one.series)
    assert one.series != other.series
    assert "2.25" not in repr(one)
    assert "Secret" not in repr(one).replace("refusal", "")


def test_images_are_told_apart_without_their_uids():
    one, other = (
        look(saved(dataset(plane(), view(plane()), **TOLD, SOPInstanceUID=uid))) for uid in ("2.25.1", "2.25.2")
    )
    assert one.image != other.image
    assert "2.25" not in repr(one)
    assert look(saved(dataset(plane(), view(plane()), **TOLD, SOPInstanceUID=None))).image == ""


def test_an_mr_image_is_one_by_its_class_and_without_one_by_its_modality():
    changes = ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, {})
    looks = [look(saved(dataset(plane(), view(plane()), **TOLD, **one))) for one in changes]
    assert [one.is_mr_image for one in looks] == [True, False, True]


def test_the_beginning_of_a_file_is_enough():
    content = saved(dataset(plane(), view(plane()), **TOLD))
    assert look(content[:2048]) == look(content)


@pytest.mark.parametrize("content", [b"", b"Secret", bytes(200), b"\0" * 128 + b"DICM" + b"\x08"])
def test_no_dicom_no_look(content):
    assert look(content) is None


def test_a_header_without_geometry_is_still_seen():
    found = look(saved(dataset(plane(), view(plane()), PixelSpacing=None)))
    assert (found.views[0].plane, found.views[0].trigger_ms) == (None, None)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaic off"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.22"}, "a report, no image"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "document, no image"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.2"}, "spectroscopy, no image"),
        ({"NumberOfFrames": 30}, "30 frames"),
    ],
)
def test_what_can_be_no_part_of_a_cine_says_why(changes, word):
    assert word in look(saved(dataset(plane(), view(plane()), **TOLD | changes))).refusal
