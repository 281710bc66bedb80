"""Multi-frame files: Enhanced MR as its part of the standard has it, and what converters leave of it."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from studies import dataset, plane, view

from lvpipe.decoders.dicom.frames import read_frames
from lvpipe.decoders.dicom.look import look
from lvpipe.study import Content, ImageFile, Unreadable

FILE = ImageFile(Path("enhanced.dcm"), "run", (1,), 1)
ENHANCED = "1.2.840.10008.5.1.4.1.1.4.1"
LEGACY = "1.2.840.10008.5.1.4.1.1.4.4"
HEIGHTS, TIMES = (0, 8, 16), (10.0, 60.0, 110.0, 160.0)


def group(**sequences):
    """Functional groups: each a sequence of one item."""
    made = Dataset()
    for name, fields in sequences.items():
        item = Dataset()
        for field, value in fields.items():
            setattr(item, field, value)
        setattr(made, name, Sequence([item]))
    return made


def of_frame(height, time_ms, index, **more):
    return group(
        PlanePositionSequence={"ImagePositionPatient": [f"{v:.6f}" for v in plane(height).origin_mm]},
        FrameContentSequence={"TemporalPositionIndex": index, "FrameAcquisitionNumber": 3},
        CardiacSynchronizationSequence={"NominalCardiacTriggerDelayTime": time_ms, "RRIntervalTimeNominal": 800.0},
        **more,
    )


def enhanced(frames=None, shared=None, **tags):
    """All frames of three slices in one file, slice by slice; nothing of a frame stands at the top level."""
    cells = [(height, time, number + 1) for height in HEIGHTS for number, time in enumerate(TIMES)]
    frames = [of_frame(*cell) for cell in cells] if frames is None else frames
    pixels = np.stack([view(plane(height), number) for height, _, number in cells])
    made = dataset(plane(), pixels[0], **{"NumberOfFrames": len(cells), "SOPClassUID": ENHANCED, **tags})
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(made, name)
    made.InstanceNumber = 1
    made.PixelData = pixels.tobytes()
    made.SharedFunctionalGroupsSequence = Sequence([all_share() if shared is None else shared])
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return made


def all_share():
    axes = (*plane().x_axis, *plane().y_axis)
    return group(
        PlaneOrientationSequence={"ImageOrientationPatient": [f"{value:.8f}" for value in axes]},
        PixelMeasuresSequence={"PixelSpacing": [1.5, 1.5], "SliceThickness": 7},
        MRTimingAndRelatedParametersSequence={"RepetitionTime": 3.1},
    )


def read(made):
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return read_frames(FILE, lambda _: Content(stream.getvalue(), "00"))


def test_one_file_becomes_all_frames_of_all_slices():
    frames = read(enhanced())
    assert [frame.trigger_ms for frame in frames] == list(TIMES) * 3
    assert [frame.instance for frame in frames] == [1, 2, 3, 4] * 3
    assert len({frame.plane for frame in frames}) == 3
    for number, frame in enumerate(frames):
        height = HEIGHTS[number // 4]
        np.testing.assert_allclose(frame.plane.origin_mm, plane(height).origin_mm, atol=1e-5)
        np.testing.assert_array_equal(frame.pixels_yx, view(plane(height), number % 4 + 1))
    assert {(f.thickness_mm, f.repetition_ms, f.cycle_ms, f.acquisition) for f in frames} == {(7, 3.1, 800, 3)}


def test_each_frame_has_its_own_values():
    cells = [(height, time, number + 1) for height in HEIGHTS for number, time in enumerate(TIMES)]
    slopes = [{"RescaleSlope": 1 + n % 2, "RescaleIntercept": 0} for n in range(12)]
    groups = [of_frame(*cell, PixelValueTransformationSequence=s) for cell, s in zip(cells, slopes, strict=True)]
    plain, scaled = read(enhanced()), read(enhanced(groups))
    for number, (one, other) in enumerate(zip(plain, scaled, strict=True)):
        np.testing.assert_array_equal(other.pixels_yx, one.pixels_yx * (1 + number % 2))


def test_without_temporal_positions_frames_are_numbered_in_their_slice():
    groups = []
    for height in HEIGHTS:
        for time in TIMES:
            made = of_frame(height, time, 1)
            groups.append(made)
    assert [frame.instance for frame in read(enhanced(groups))] == [1, 2, 3, 4] * 3


def test_a_converter_keeps_what_it_has_no_group_for():
    groups = []
    for height in HEIGHTS:
        for time in TIMES:
            made = of_frame(height, time, 1, UnassignedPerFrameConvertedAttributesSequence={"TriggerTime": time + 1})
            del made.CardiacSynchronizationSequence
            groups.append(made)
    frames = read(enhanced(groups, SOPClassUID=LEGACY))
    assert [frame.trigger_ms for frame in frames] == [time + 1 for time in TIMES] * 3


def test_an_empty_functional_group_of_a_single_image_means_nothing():
    made = dataset(plane(), view(plane()), InstanceNumber=4)
    made.PerFrameFunctionalGroupsSequence = Sequence([Dataset()])
    (frame,) = read(made)
    assert frame.instance == 4


@pytest.mark.parametrize(
    ("frames", "shared", "tags", "cause"),
    [
        ([Dataset()] * 12, None, {}, "expected a position"),
        (None, Dataset(), {}, "no PixelSpacing"),
        ([Dataset()] * 5, None, {}, "12 frames, and functional groups for 5"),
        (None, None, {"NumberOfFrames": 13}, "13 frames, and functional groups for 12"),
        (None, None, {"NumberOfFrames": 2_000_000}, "2000000 frames in one file"),
    ],
)
def test_frames_that_cannot_be_placed_are_refused(frames, shared, tags, cause):
    made = enhanced(frames, shared)
    for name, value in tags.items():
        setattr(made, name, value)
    with pytest.raises(Unreadable, match=cause):
        read(made)


def test_frames_without_functional_groups_are_refused():
    pixels = np.stack([view(plane())] * 3)
    made = dataset(plane(), pixels[0], NumberOfFrames=3)
    made.PixelData = pixels.tobytes()
    with pytest.raises(Unreadable, match="3 frames, and functional groups for 0"):
        read(made)


def test_a_look_sees_every_frame():
    stream = BytesIO()
    enhanced().save_as(stream, enforce_file_format=True)
    seen = look(stream.getvalue())
    assert [one.trigger_ms for one in seen.views] == list(TIMES) * 3
    assert len({one.plane for one in seen.views}) == 3
