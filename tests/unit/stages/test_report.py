import base64
import re
import shutil
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from fake_results import SPACING_MM, SWAPPED, Size, build_results

from lvpipe.config.report import ReportSettings
from lvpipe.files import read_table, write_table
from lvpipe.pages.areas import read_area_files
from lvpipe.pages.markup import Html, anchor, fixed, tag
from lvpipe.pages.pictures import contour_path, encode_png, place_window, to_grey
from lvpipe.scoring.areas import AREA_ERRORS
from lvpipe.stages.report import draw_history, main

EVIL = "<script>alert('x')</script>&\""
NAMES = ("a1", "a2", "a3", "a4", "a5", "a6", "gone")
VOID = {"meta", "input", "br", "img"}
MODELS = ("unet", "hfcn")


class Page(HTMLParser):
    """What the tests look for; fails where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.loads, self.words, self.classes = [], [], [], [], [], {}
        self.scripts = 0
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.loads += [value for key, value in attrs if key in ("src", "href", "srcset", "data") and tag != "a"]
        self.classes[tag] = [*self.classes.get(tag, []), found.get("class") or ""]
        self.scripts += tag == "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


def make(root, cases=60, models=MODELS, drawing=None, measuring=None):
    out = root / "report" / "index.html"
    settings = ReportSettings(title=f"Run {EVIL}", cases=cases).canonical()
    words = ["--results", str(root), "--out", str(out), "--folds", "3", "--models", *models]
    words += ["--drawing", *(models if drawing is None else drawing)]
    words += ["--measuring", *(models if measuring is None else measuring)]
    main(["page", *words, "--settings", settings])
    return out.read_text()


def path_points(path):
    """Corners of a contour in pixels."""
    start, moves = re.fullmatch(r"M(\S+)l(.*)z", path).groups()
    return np.array([[int(v) for v in pair.split(",")] for pair in (start, *moves.split())]).cumsum(axis=0) / 2


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    build_results(root, NAMES, size=Size(), reason=f"only two slices {EVIL}")
    return root


@pytest.fixture(scope="module")
def text(results):
    return make(results)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_every_part_is_there_and_every_link_arrives(page):
    assert {"crps", "figures", "volumes", "calibration", "dice", "training", "cases", "rejected", "pictures"} <= set(
        page.ids
    )
    assert {anchor(name) for name in NAMES} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)


def test_nothing_is_fetched(page, text):
    assert page.loads
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)
    assert "default-src 'none'" in unescape(text)
    assert set(re.findall(r"\w+://[^\s\"'<>)]+", text)) == {"http://www.w3.org/2000/svg"}


def test_words_from_outside_are_text(page, text):
    assert page.scripts == 1
    assert EVIL in page.text
    assert EVIL not in text


def test_same_results_same_bytes(results, text):
    assert make(results) == text


def test_baselines_reasons_flags_and_mends_are_told(page):
    for word in (
        "climatology",
        "step at unet",
        "only two slices",
        "fallback",
        "drop_duplicate",
        "and 3 more of the kind",
        "background",
        "the best, median and worst slices of hfcn",
    ):
        assert word in page.text


def test_every_slice_of_both_frames_has_a_picture_with_contours(page):
    size, shown = Size(), len(NAMES) - 1
    assert len(page.loads) == shown * 2 * size.slices + len(MODELS)
    drawn = sum(i % 3 != 2 for i in range(shown))
    paths = page.classes["path"]
    assert paths.count("m0") == paths.count("m1") == shown * 2 * size.slices
    assert paths.count("reference") == drawn * 2 * size.slices


def test_fewer_pictures_leave_the_worst_and_no_dead_links(results):
    page = Page(make(results, cases=2))
    assert len(page.loads) == 2 * 2 * Size().slices + len(MODELS)
    assert all(link[1:] in page.ids for link in page.links)
    none = Page(make(results, cases=0))
    assert "pictures" not in none.ids
    assert len(none.loads) == len(MODELS), "the slices of the model alone"


def test_models_that_tell_areas_or_volumes_stand_beside_those_that_draw(tmp_path):
    build_results(tmp_path, ("b", "c", "gone"), models=("unet", "areas", "whole"), size=Size(2, 4, 48))
    for folder in ("postprocess/areas", "postprocess/whole", "integrate/whole"):
        shutil.rmtree(tmp_path / folder)
    rows = read_table(tmp_path / "cases.csv")
    blank = {"ed_frame": "", "es_frame": ""}
    write_table(
        tmp_path / "cases.csv", list(rows[0]), [row | (blank if row["model"] == "whole" else {}) for row in rows]
    )
    page = Page(make(tmp_path, models=("unet", "areas", "whole"), drawing=["unet"], measuring=["unet", "areas"]))
    assert page.classes["path"].count("m0") == 2 * 2 * 2
    assert "m1" not in page.classes["path"]
    assert page.text.count("chosen by unet, areas") == 2 * 2
    assert "EDV, whole" in page.text


def test_areas_beside_drawn_ones_have_a_part_with_their_pictures(tmp_path):
    row = {"model": "head", "cohort": "c", "split": "test", "set": "cavity", "slices": 9, "bias_mm2": -12.25}
    write_table(tmp_path / "areas.csv", AREA_ERRORS, [dict.fromkeys(AREA_ERRORS) | row])
    (tmp_path / "head.svg").write_text("<svg><text>by its head</text></svg>\n")
    page = Page(read_area_files([tmp_path / "areas.csv", tmp_path / "head.svg"]))
    assert page.ids == ["areas"]
    assert "12.2" in page.text
    assert "by its head" in page.text
    assert read_area_files([]) == ""


def test_a_run_without_drawings_histories_or_rejected_cases(tmp_path):
    build_results(tmp_path, ("b", "c", "d", "e"), models=("one",), size=Size(2, 4, 48))
    for name in ("dice.csv", "segmentation.csv"):
        table = tmp_path / name
        table.write_text(table.read_text().split("\n", maxsplit=1)[0] + "\n")
    page = Page(make(tmp_path, models=("one",)))
    assert "dice" not in page.ids


def test_a_run_without_any_reference_volume(tmp_path):
    build_results(tmp_path, ("b", "c", "gone"), models=("one",), size=Size(2, 4, 48))
    crps, cases = tmp_path / "crps.csv", tmp_path / "cases.csv"
    for table in (crps, *(tmp_path / "score" / "forecasts").iterdir()):
        table.write_text(table.read_text().split("\n", maxsplit=1)[0] + "\n")
    rows = read_table(cases)
    known = ("reference_ml", "crps", "reference_percent")
    write_table(cases, list(rows[0]), [{k: "" if k.endswith(known) else v for k, v in row.items()} for row in rows])
    page = Page(make(tmp_path, models=("one",)))
    assert {anchor("b"), anchor("c"), anchor("gone")} <= set(page.ids)
    assert "nan" not in page.text
    assert "figures" not in page.ids


def test_figures_stand_with_their_intervals_and_their_distance_to_the_best(tmp_path):
    names = tuple(f"h{i:02}" for i in range(27))
    build_results(tmp_path, names, models=("one", "other"), size=Size(1, 2, 24))
    page, told = make(tmp_path, models=("one", "other")), {}
    for row in read_table(tmp_path / "score" / "forecasts" / "headline.csv"):
        told[tuple(row[name] for name in ("model", "cohort", "split", "volume", "figure"))] = row
    row = told["one", "contours", "test", "both", "crps"]
    assert f"<small> {float(row['low']):.4f} to {float(row['high']):.4f}</small>" in page
    part = page[page.index('id="figures"') :]
    assert part.index(">best<") < part.index("</section>")
    assert "90 % intervals of other by kinds of cases" in part


def test_reference_volumes_that_were_left_out_are_told_with_the_reason(tmp_path):
    build_results(tmp_path, ("b", "c", "d"), models=("one",), size=Size(2, 4, 48))
    page = Page(make(tmp_path, models=("one",)))
    assert SWAPPED in page.text
    assert "Reference volumes that cannot be were left out of: d." in page.text


def test_the_contour_runs_round_the_mask():
    mask = np.zeros((12, 10), bool)
    mask[3:6, 2:8] = True
    path = contour_path(mask)
    x, y = path_points(path).T
    assert (x.min(), x.max(), y.min(), y.max()) == (2.0, 8.0, 3.0, 6.0)
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    assert area == pytest.approx(mask.sum() - 4 / 8)  # marching squares cuts each corner by an eighth of a pixel


def test_reference_contours_lie_where_the_heart_is(tmp_path):
    heart = build_results(tmp_path, ("x", "gone"), size=Size())[0]
    path = re.search(r'<path d="([^"]+)" class="reference"', make(tmp_path)).group(1)
    points = path_points(path)  # the image is smaller than the window, so these are its own pixels
    radius_mm = heart.radius_tz_mm[heart.frames()[0], 0]
    assert np.ptp(points, axis=0) / 2 * SPACING_MM == pytest.approx(radius_mm, abs=SPACING_MM)
    middle_xy = (points.min(axis=0) + points.max(axis=0)) / 2
    assert middle_xy == pytest.approx(np.array(heart.middle_yx[::-1]) + 0.5, abs=1)


def test_contours_reach_the_border_and_may_be_several():
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = mask[4, 4] = True
    assert contour_path(mask).count("M") == 2
    assert contour_path(np.zeros((6, 6), bool)) == ""


def test_the_window_follows_the_masks_and_stays_inside():
    mask = np.zeros((3, 100, 80), bool)
    mask[:, 88:92, 10:20] = True
    window = place_window([mask], (100, 80), (1.0, 2.0), 40.0)
    assert window.shape_yx == (40, 20)
    assert (window.rows.start, window.columns.start) == (60, 5)
    assert place_window([], (100, 80), (1.0, 1.0), 500.0).shape_yx == (100, 80)


def test_png_round_trip():
    from io import BytesIO

    from PIL import Image

    grey = np.arange(60, dtype=np.uint8).reshape(6, 10) * 4
    read = np.asarray(Image.open(BytesIO(encode_png(grey))))
    assert (read == grey).all()
    assert base64.b64encode(encode_png(grey)) == base64.b64encode(encode_png(grey))


def test_grey_uses_the_whole_range_and_bears_a_constant():
    assert (to_grey(np.linspace(0, 1000, 400).reshape(1, 20, 20)).min(), to_grey(np.full((1, 4, 4), 7)).max()) == (0, 0)
    assert to_grey(np.linspace(0, 1000, 400).reshape(1, 20, 20)).max() == 252


def test_markup_escapes_all_but_markup():
    assert tag("p", "<", Html("<br>"), title='"') == '<p title="&quot;">&lt;<br></p>'
    assert anchor("a b") != anchor("a_b") != anchor("a-b")
    assert " " not in anchor("a b")
    assert [fixed(value) for value in (float("nan"), -0.01, -2.0)] == ["\N{EN DASH}", "0.0", "\N{MINUS SIGN}2.0"]


def test_a_curve_is_broken_where_an_epoch_had_no_finite_loss():
    row = {"epoch": "1", "train_loss": "0.5", "watch_loss": "0.6", "watch_score": "0.7"}
    svg = draw_history([row, {**row, "epoch": "2", "watch_loss": ""}, {**row, "epoch": "3"}])
    assert svg.count("watched loss 0.6 at") == 2
    assert "nan" not in svg.lower()


def test_outliers_are_marked_and_their_precision_and_recall_told(page):
    text = " ".join(page.text.split())
    assert "precision %" in text
    assert "test contours unet 20 5 4 3 75 60" in text
    assert "outlier rejected fallback: age_sex" in text
