import numpy as np
import pytest
from drawn_hearts import QUICK, ring_lesson

from lvpipe.config.detect import CascadeSettings, ProposalSettings
from lvpipe.detection.cascade.proposals import propose
from lvpipe.detection.cascade.training import learn_cascade
from lvpipe.detection.cascade.xml import write_cascade
from lvpipe.errors import UserError
from lvpipe.squares import overlap


@pytest.fixture(scope="module")
def file(learnt, tmp_path_factory):
    path = tmp_path_factory.mktemp("cascade") / "cascade.xml"
    write_cascade(path, learnt.cascade)
    return path


def recall(files, lessons, settings):
    best = [
        overlap(propose(files, frame[z], lesson.pixel_mm, settings)[:, :3], lesson.squares[[z]]).max(initial=0)
        for lesson in lessons
        for z in lesson.slices
        for frame in lesson.drawn_fzyx
    ]
    return (np.array(best) >= 0.5).mean()


def test_a_square_of_unseen_rings_is_proposed(file):
    assert recall([file], [ring_lesson(seed) for seed in range(50, 65)], ProposalSettings()) == 1


def test_a_square_of_unseen_phantoms_is_proposed(phantoms, tmp_path):
    """Every other phantom is unseen; each has three slices in two frames."""
    write_cascade(tmp_path / "c.xml", learn_cascade(phantoms[::2], CascadeSettings(**QUICK)).cascade)
    assert recall([tmp_path / "c.xml"], phantoms[1::2], ProposalSettings()) >= 0.99


def test_the_best_come_first_and_no_more_than_asked_for(file):
    image = ring_lesson(60).drawn_fzyx[0, 0]
    proposals = propose([file], image, 2.0, ProposalSettings())
    assert proposals.shape[1] == 4
    assert (np.diff(proposals[:, 3]) <= 0).all()
    assert propose([file], image, 2.0, ProposalSettings(most=1)).tolist() == proposals[:1].tolist()


def test_several_folds_propose_what_any_of_them_does(file, rings, tmp_path):
    other = tmp_path / "other.xml"
    write_cascade(other, learn_cascade(rings[:3], CascadeSettings(**{**QUICK, "seed": 5})).cascade)
    image = ring_lesson(61).drawn_fzyx[0, 0]
    alone, both = (propose(files, image, 2.0, ProposalSettings(most=1000)) for files in ([file], [file, other]))
    assert (overlap(both[:, :3], alone[:, :3]).max(axis=0) > 0.7).all()
    assert both[0, 3] > alone[0, 3]


def test_sides_are_millimetres(file):
    image = ring_lesson(62).drawn_fzyx[0, 0]
    sides = propose([file], image, 2.0, ProposalSettings(side_mm=(80, 100)))[:, 2]
    assert len(sides)
    assert (sides >= 40).all()
    assert (sides <= 50).all()


def test_turning_the_image_turns_the_proposals(file):
    image = ring_lesson(63).drawn_fzyx[0, 0]
    best, turned = (propose([file], picture, 2.0, ProposalSettings())[0] for picture in (image, np.rot90(image)))
    assert turned[:2] == pytest.approx((95 - best[1], best[0]), abs=6)


@pytest.mark.parametrize(
    "image",
    [np.zeros((96, 96)), np.full((96, 96), 255), np.zeros((1, 1)), np.eye(10) * 255, np.eye(5, 300) * 255],
    ids=["black", "white", "a pixel", "too small", "too narrow"],
)
def test_where_there_can_be_no_heart_nothing_is_proposed(file, image):
    assert propose([file], image.astype(np.uint8), 2.0, ProposalSettings()).shape == (0, 4)


@pytest.mark.parametrize("pixel_mm", [0.5, 2.0])
def test_any_image_is_looked_at_in_bounded_memory(file, pixel_mm):
    stripes = np.tile(np.repeat([0, 255], 40).astype(np.uint8), (300, 4))
    assert propose([file], stripes, pixel_mm, ProposalSettings()).shape[1] == 4


def test_a_file_is_read_once(file, tmp_path):
    once = tmp_path / "once.xml"
    once.write_bytes(file.read_bytes())
    image = ring_lesson(64).drawn_fzyx[0, 0]
    first = propose([once], image, 2.0, ProposalSettings())
    once.unlink()
    np.testing.assert_array_equal(propose([once], image, 2.0, ProposalSettings()), first)


def test_no_cascade_no_proposals():
    assert propose([], ring_lesson(64).drawn_fzyx[0, 0], 2.0, ProposalSettings()).shape == (0, 4)


@pytest.mark.parametrize("content", [b"", b"<opencv_storage><cascade>", b"\0garbage", b"<a/>"])
def test_a_damaged_cascade_is_named(tmp_path, content):
    (tmp_path / "cascade.xml").write_bytes(content)
    with pytest.raises(UserError, match=r"cascade\.xml: not a readable cascade .*delete the file and run again"):
        propose([tmp_path / "cascade.xml"], ring_lesson(64).drawn_fzyx[0, 0], 2.0, ProposalSettings())
