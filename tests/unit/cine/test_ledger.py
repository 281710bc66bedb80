from dataclasses import replace

import numpy as np
import pytest
from studies import plane

from lvpipe.cine.ledger import Ledger, combined_digest, digest
from lvpipe.errors import Rejected
from lvpipe.study import Frame, ImageFile, Note


def frames(count, blank=0):
    file = ImageFile("somewhere", "run", (1,), 1)
    pixels = np.zeros((40, 48))
    return [Frame(file, digest(b"%d" % n), plane(), pixels, blank=n >= count - blank) for n in range(count)]


def test_events_keep_their_order_and_round_positions():
    ledger = Ledger()
    ledger.note("a_rule", "did this", 1.23456)
    ledger.note("another", "did that")
    assert ledger.rows() == [
        {"rule": "a_rule", "position_mm": 1.235, "what": "did this"},
        {"rule": "another", "position_mm": None, "what": "did that"},
    ]


def test_a_combined_digest_knows_contents_and_no_order():
    one, other = digest(b"1"), digest(b"2")
    assert combined_digest([one, other]) == combined_digest([other, one])
    assert combined_digest([one, other]) != combined_digest([one, one])


def test_every_slice_that_was_found_has_a_fate():
    ledger = Ledger()
    kept, mended, dropped = (ledger.enter(frames(3), (series,)) for series in (7, 9, 8))
    kept.position_mm, mended.position_mm, dropped.position_mm, mended.slice = 3.0, 2.0, 1.0, 5
    ledger.mend("turned", "was turned", mended)
    ledger.mend("turned", "was turned again", mended)
    ledger.leave_out("shortened", mended, [(mended.frames[1], 4)])
    ledger.drop("far", "was far", dropped)
    rows = ledger.fates()
    assert [row["fate"] for row in rows] == ["dropped", "mended", "kept"]
    assert [row["rules"] for row in rows] == [["far"], ["turned", "shortened"], []]
    assert [row["why"] for row in rows] == ["was far", "", ""]
    assert [row["acquired"] for row in rows] == [2, 3, 1]
    assert [row["slice"] for row in rows] == [None, 5, None]
    assert [(row["frames_found"], row["frames_kept"]) for row in rows] == [(3, 0), (3, 2), (3, 3)]
    assert rows[1]["left_out"] == [{"rule": "shortened", "step": 4, "file": digest(b"1")[:16]}]
    assert rows[0]["files"] == [digest(b"%d" % n)[:16] for n in range(3)]
    assert [event.position_mm for event in ledger.events] == [2.0, 2.0, 1.0]


def test_of_a_rejected_case_nothing_is_kept():
    ledger = Ledger()
    one, other = ledger.enter(frames(2), (1,)), ledger.enter(frames(2), (2,))
    ledger.drop("far", "was far", one)
    other.slice = 0
    with pytest.raises(Rejected, match="too few"):
        ledger.reject("reject_few_slices", "too few")
    rows = ledger.fates(rejected=True)
    assert [(row["fate"], row["slice"], row["frames_kept"]) for row in rows] == [
        ("dropped", None, 0),
        ("rejected", None, 0),
    ]
    assert ledger.events[-1].rule == "reject_few_slices"


def test_a_slice_that_was_several_acquisitions_is_found_as_these():
    ledger = Ledger()
    one = ledger.enter(frames(4), (3,))
    one.position_mm = 8.0
    first, second = ledger.divide("split_repeats", "twice", one, (one.frames[:2], one.frames[2:]))
    assert ledger.found == [first, second]
    assert (first.acquired, second.acquired, second.position_mm) == ((3, 0), (3, 1), 8.0)
    assert first.fate == "mended"


def test_what_decoders_mended_in_an_image_is_told_of_its_slice():
    notes = (Note("drop_labels", "do not fit"), Note("invert_monochrome1", "inverted"))
    first, *others = frames(3)
    ledger = Ledger()
    assert ledger.enter([replace(first, notes=notes), *others], (1,)).rules == ["invert_monochrome1"]
    assert ledger.enter(others, (2,)).fate == "kept"


def test_images_that_are_not_there_are_not_found():
    ledger = Ledger()
    one = ledger.enter(frames(5, blank=2), (1,))
    ledger.leave_out("shortened", one, [(one.frames[4], 4), (one.frames[0], 0)])
    assert (one.frames_found, one.frames_kept) == (3, 2)
    assert (one.fate, one.rules) == ("mended", ["shortened"])
    assert len(ledger.fates()[0]["files"]) == 3


def test_a_slice_that_loses_no_image_is_kept_as_it_was():
    ledger = Ledger()
    one = ledger.enter(frames(5, blank=2), (1,))
    ledger.leave_out("shortened", one, [(one.frames[4], 4)])
    assert (one.fate, one.rules, one.frames_kept) == ("kept", [], 3)
