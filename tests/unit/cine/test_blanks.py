from dataclasses import replace

import numpy as np
import pytest
from sources import Heart, oblique, write_nifti
from studies import stack, told, write_shots

from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected
from lvpipe.readers import nifti


def blanked(study, run, frames=None, value=0):
    """The study, these frames of a run (all of them by default) with one value throughout."""

    def decode(file, read):
        opened = study.decode(file, read)
        if file.run != run or (frames is not None and file.number not in frames):
            return opened
        return [replace(one, pixels_yx=np.full_like(one.pixels_yx, value)) for one in opened]

    return replace(study, decode=decode)


def converted(study):
    conversion = Conversion(study, ConvertSettings())
    cine, _ = conversion.images()
    return cine, conversion.ledger, conversion.account()


@pytest.mark.parametrize("value", [0, -5])
def test_a_slice_that_shows_nothing_was_not_acquired(tmp_path, value):
    _, ledger, account = converted(blanked(write_shots(tmp_path, stack()), "sax_3", value=value))
    assert account["slices"] == 4
    assert [event.rule for event in ledger.events] == ["drop_blank", "note_gaps", "uneven_positions"]
    (dropped,) = [one for one in account["found"] if one["fate"] == "dropped"]
    assert dropped["rules"] == ["drop_blank"]
    assert dropped["position_mm"] == told(ledger, "drop_blank")[0].position_mm


def test_a_blank_repeat_does_not_win(tmp_path):
    shots = [*stack(), replace(stack()[2], series=9, run="sax_9")]
    _, ledger, account = converted(blanked(write_shots(tmp_path, shots), "sax_9"))
    assert account["slices"] == 5
    assert [event.rule for event in ledger.events] == ["drop_blank"]


def test_single_images_that_show_nothing_are_noted(tmp_path):
    cine, ledger, account = converted(blanked(write_shots(tmp_path, stack()), "sax_3", frames=(2, 5)))
    (event,) = ledger.events
    assert (event.rule, event.what) == ("note_blank", "2 of 8 images have one value throughout")
    assert event.position_mm == account["found"][2]["position_mm"]
    assert not cine.array_tzyx[1, 2].any()
    assert cine.array_tzyx[0, 2].any()


def test_of_a_sparse_source_images_that_are_not_there_are_no_blank_slices(tmp_path):
    shots = stack()
    shots[2].frames = (0, 3)
    shots[2].numbers = (1, 4)
    _, ledger, account = converted(replace(write_shots(tmp_path, shots), sparse=True))
    assert account["slices"] == 5
    assert not [event for event in ledger.events if "blank" in event.rule and event.rule != "blank_missing_frames"]


def test_a_study_that_shows_nothing_is_rejected(tmp_path):
    study = write_shots(tmp_path, stack((0, 8)))
    with pytest.raises(Rejected, match="nothing is to be seen"):
        converted(blanked(blanked(study, "sax_1"), "sax_2"))


def test_end_slices_that_pad_a_nifti_are_dropped(tmp_path):
    voxels = Heart().cine()
    voxels[:, :, [0, -1]] = 0
    path = write_nifti(tmp_path / "cine.nii.gz", voxels, oblique(), 125.0)
    _, ledger, account = converted(nifti.read_study([path]))
    assert account["slices"] == 3
    assert [event.rule for event in ledger.events] == ["drop_blank", "drop_blank"]
