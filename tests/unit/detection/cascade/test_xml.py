import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from drawn_hearts import ring_lesson, windows
from skimage.feature import Cascade as ScikitImageCascade

from lvpipe.detection.cascade.lbp import integral
from lvpipe.detection.cascade.levels import levels
from lvpipe.detection.cascade.model import Cascade, Stage
from lvpipe.detection.cascade.proposals import passing_windows
from lvpipe.detection.cascade.xml import as_xml, write_cascade


def short(learnt):
    """Its first stages alone: many windows pass."""
    return Cascade(learnt.cascade.window_px, learnt.cascade.stages[:2])


def our_windows(cascade, image):
    sums = integral(image)
    stride = sums.shape[1]
    places = windows(image.shape, cascade.window_px)
    return np.column_stack(np.divmod(cascade.passing(sums, places[:, 0] * stride + places[:, 1]), stride))


@pytest.mark.parametrize("side", [24, 38.4])
@pytest.mark.parametrize("whole", [True, False])
def test_scikit_image_passes_the_windows_that_we_pass(learnt, side, whole):
    cascade = learnt.cascade if whole else short(learnt)
    theirs = ScikitImageCascade(io.StringIO(as_xml(cascade)))
    total = 0
    for seed in range(20, 24):
        ((_, level),) = levels(ring_lesson(seed).drawn_fzyx[0, 0], 24, [side])
        ours = our_windows(cascade, level)
        assert passing_windows(theirs, level, 1).tolist() == ours.tolist()
        total += len(ours)
    assert total > 0 or (whole and side == 24)


def test_large_bright_images_are_added_up_exactly(learnt):
    """Sums of a bright image of this size are beyond what single precision holds."""
    cascade = short(learnt)
    image = np.random.default_rng(0).integers(200, 256, (420, 420)).astype(np.uint8)
    image[:96, :96] = ring_lesson(21).drawn_fzyx[0, 0]
    theirs = passing_windows(ScikitImageCascade(io.StringIO(as_xml(cascade))), image[:, :96], 1)
    assert theirs.tolist() == our_windows(cascade, image[:, :96]).tolist()
    corner = passing_windows(ScikitImageCascade(io.StringIO(as_xml(cascade))), image[-60:], 1)
    assert corner.tolist() == our_windows(cascade, image[-60:]).tolist()


def test_opencv_passes_the_windows_that_we_pass(learnt, tmp_path):
    cv2 = pytest.importorskip("cv2", reason="NOT COMPARED WITH OPENCV: pip install 'opencv-python-headless<5'")
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip("NOT COMPARED WITH OPENCV: version 5 has no cascades; pip install 'opencv-python-headless<5'")
    cascade = short(learnt)
    write_cascade(tmp_path / "cascade.xml", cascade)
    theirs = cv2.CascadeClassifier(str(tmp_path / "cascade.xml"))
    ((_, level),) = levels(ring_lesson(21).drawn_fzyx[0, 0], 24, [38.4])
    ours = {tuple(corner) for corner in our_windows(cascade, level).tolist()}
    assert ours
    answers = {}
    for row, column in windows(level.shape, 24)[::7].tolist():
        crop = np.ascontiguousarray(level[row : row + 24, column : column + 24])
        boxes = theirs.detectMultiScale(crop, 1.1, 0, minSize=(24, 24), maxSize=(24, 24))
        answers[row, column] = len(boxes) > 0
    assert answers == {corner: corner in ours for corner in answers}
    assert 0 < sum(answers.values()) < len(answers)


def test_numbers_are_written_as_they_are(learnt):
    cascade = learnt.cascade
    root = ET.fromstring(as_xml(cascade)).find("cascade")
    assert root.get("type_id") == "opencv-cascade-classifier"
    assert [root.find(name).text for name in ("stageType", "featureType", "height", "width")] == [
        "BOOST", "LBP", "24", "24",
    ]  # fmt: skip
    features = [tuple(map(int, rect.text.split())) for rect in root.iter("rect")]
    for stage, element in zip(cascade.stages, root.find("stages"), strict=True):
        assert _stage(element, features) == stage.threshold
        for learner, weak in zip(stage.learners, element.find("weakClassifiers"), strict=True):
            nodes = list(map(int, weak.find("internalNodes").text.split()))
            assert features[nodes[2]] == learner.feature
            assert [bool(nodes[3 + code // 32] >> (code % 32) & 1) for code in range(256)] == learner.subset.tolist()
            assert tuple(map(float, weak.find("leafValues").text.split())) == learner.leaves


def _stage(element, features):
    return float(element.find("stageThreshold").text)


def test_unfinished_files_are_not_left(learnt, tmp_path):
    write_cascade(tmp_path / "new" / "cascade.xml", learnt.cascade)
    write_cascade(tmp_path / "new" / "cascade.xml", Cascade(24, (Stage(*_one(learnt)),)))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["cascade.xml"]
    assert ScikitImageCascade(str(tmp_path / "new" / "cascade.xml")).stages_number == 1


def _one(learnt):
    return learnt.cascade.stages[0].learners, learnt.cascade.stages[0].threshold
