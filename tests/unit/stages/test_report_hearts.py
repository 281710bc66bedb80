"""The report's part about where the heart is: flagged studies, their pictures, and boxes upon the native pixels."""

import base64
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from fake_results import SPACING_MM, build_results

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.report import ReportSettings
from lvpipe.config.resample import PreparedView
from lvpipe.detection.judging import SHARES
from lvpipe.files import read_table, write_bytes, write_table
from lvpipe.images import read_image, write_image
from lvpipe.pages.run import read_run
from lvpipe.pages.strips import find_window
from lvpipe.pages.study import read_study
from lvpipe.stages.report import main
from lvpipe.stages.resample import prepare_cine

VIEW_MM = 2.0
SIDE_MM = 60.0
NAMES = ("a1", "a2", "a3", "gone")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page of a run in which methods disagree on `a2`, no heart was found in `a3`, and `gone` was rejected."""
    root = tmp_path_factory.mktemp("results")
    hearts = build_results(root, NAMES, models=("unet",))
    for heart in hearts:
        write_view(root, heart)
    share = dict.fromkeys(SHARES) | {"cohort": "contours", "split": "test", "cases": 3, "slices": 30, "doubtful": 1}
    write_table(root / "score" / "boxes" / "standard_summary.csv", SHARES, [share | {"holds": 0.875}])
    out = root / "page.html"
    words = ["--results", root, "--out", out, "--folds", 2, "--models", "unet", "--views", "standard"]
    words += ["--drawing", "unet", "--measuring", "unet"]
    main(["page", *map(str, words), "--settings", ReportSettings().canonical()])
    return hearts, root, out.read_text()


def write_view(root, heart):
    """The view at 2 mm, and boxes about the heart's own middle."""
    files = root / "detect" / "standard" / f"{heart.case}_boxes"
    write_bytes(files.with_suffix(".png"), heart.case.encode())
    if heart.rejected:
        write_bytes(files.with_suffix(".json"), b"")
        return
    cine = read_image(root / "convert" / f"{heart.case}_cine.nii.gz")
    settings = PreparedView(grid="millimetres", spacing_mm=VIEW_MM, clip_percent=(0.5, 99.5))
    view = prepare_cine(cine, settings)
    write_image(root / "resample" / "standard" / f"{heart.case}_cine.nii.gz", view)
    middle_mm = (np.array(heart.middle_yx) - (cine.array_tzyx.shape[2] - 1) / 2) * SPACING_MM
    row, column = middle_mm / VIEW_MM + (np.array(view.array_tzyx.shape[2:]) - 1) / 2
    square = (float(row), float(column), SIDE_MM / VIEW_MM)
    boxes = Boxes("lbp_cnn", VIEW_MM, (square,) * cine.array_tzyx.shape[1], 0.9)
    if heart.case == "a2":
        rivals = {"lbp_cnn": square[:2], "fourier": (square[0], square[1] + 20.5), "locator": None}
        boxes = Boxes(**vars(boxes) | {"doubtful": True, "reason": "fourier <b> 41 mm away", "rivals": rivals})
    if heart.case == "a3":
        boxes = Boxes("lbp_cnn", VIEW_MM, (), 0.1, reason="nothing looks like a heart")
        rows = read_table(root / "cases.csv")
        nothing = {"status": "rejected", "reason": "no heart was found: nothing looks like a heart"}
        write_table(root / "cases.csv", list(rows[0]), [row | nothing if row["case"] == "a3" else row for row in rows])
    write_boxes(files.with_suffix(".json"), boxes)


def part(text):
    return re.search(r'<section id="hearts">.*?</section>', text, re.DOTALL).group(0)


def test_shares_and_flagged_studies_are_told(made):
    words = part(made[2])
    assert "87.5" in words
    assert "2 of 3 studies to look at" in words
    assert "fourier &lt;b&gt; 41 mm away" in words
    assert "fourier: 41 mm away, locator: no heart was found" in words
    assert "no heart was found: nothing looks like a heart" in words
    assert 'href="#hearts"' in made[2]


def test_a_case_that_was_set_aside_leads_to_where_its_heart_was_sought(made):
    gone, none = (re.search(rf'<article id="case-{case}".*?</article>', made[2], re.DOTALL) for case in ("gone", "a3"))
    assert 'href="#hearts"' in none.group(0)
    assert 'href="#hearts"' not in gone.group(0)


def test_pictures_of_flagged_studies_alone_are_in_the_page(made):
    found = re.findall(r'<img src="data:image/png;base64,([^"]*)"', part(made[2]))
    assert [base64.b64decode(source) for source in found] == [b"a2", b"a3"]


def test_a_box_is_drawn_where_it_is_on_the_native_pixels(made):
    hearts, _, text = made
    article = re.search(r'<article id="case-a1".*?</article>', text, re.DOTALL).group(0)
    box = re.search(r'<path d="M(-?\d+),(-?\d+)h(\d+)v(\d+)h-\d+z" class="box"', article)
    left, top, width, height = map(int, box.groups())
    assert (width, height) == pytest.approx((2 * SIDE_MM / SPACING_MM,) * 2, abs=1)
    expert = re.search(r'<path d="(M[^"]*)" class="reference"', article).group(1)
    start, moves = re.fullmatch(r"M(\S+)l(.*)z", expert).groups()
    corners = np.array([[int(v) for v in pair.split(",")] for pair in (start, *moves.split())]).cumsum(axis=0)
    assert [left + width / 2, top + height / 2] == pytest.approx((corners.max(0) + corners.min(0)) / 2, abs=2)
    assert hearts[0].case == "a1"


def test_a_run_without_doubt_says_so(made, tmp_path):
    root = tmp_path / "results"
    shutil.copytree(made[1], root)
    for case in ("a2", "a3"):
        shutil.copy(root / "detect" / "standard" / "a1_boxes.json", root / "detect" / "standard" / f"{case}_boxes.json")
    out = tmp_path / "page.html"
    words = ["--results", root, "--out", out, "--folds", 2, "--models", "unet", "--views", "standard"]
    words += ["--drawing", "unet", "--measuring", "unet"]
    main(["page", *map(str, words), "--settings", ReportSettings(cases=0).canonical()])
    assert "In none of 3 studies" in part(out.read_text())
    assert "<img" not in part(out.read_text())


def test_where_nobody_drew_pictures_lie_about_the_boxes(made):
    hearts, root, _ = made
    run = read_run(root, ["unet"], 60, 2, views=["standard"])
    study = replace(read_study(run, "a1"), reference_tzyx=None)
    window = find_window(study, [0], 40.0)
    middle = [(side.start + side.stop - 1) / 2 for side in (window.rows, window.columns)]
    assert study.masks == {}
    assert middle == pytest.approx(hearts[0].middle_yx, abs=1.5)
