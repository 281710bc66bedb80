import math
import xml.etree.ElementTree as ET

import pytest

from lvpipe.charts import Bars, Dots, Fields, Identity, Line, Mark, Rule, chart, line_chart
from lvpipe.charts.svg import Scale, px

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [node.text for node in ET.fromstring(svg).iter(f"{SVG}text")]


def curve(**changes):
    return line_chart(
        "Curve", "time (ms)", "volume (mL)", [Line("cavity", [0.0, 40.0, 80.0], [120.0, 60.0, 110.0])], **changes
    )


def test_a_chart_is_well_formed_and_says_its_words():
    svg = curve(marks=[Mark(0.0, 120.0, "ED 120.0 mL")])
    assert {"Curve", "time (ms)", "volume (mL)", "ED 120.0 mL"} <= set(texts(svg))
    assert ET.fromstring(svg).tag == f"{SVG}svg"


def test_same_numbers_same_bytes():
    assert curve() == curve()


def test_words_from_outside_are_escaped():
    svg = line_chart("<script>", 'a"b', "&", [Line("<b>", [0, 1], [0, 1]), Line("c", [0, 1], [1, 0])])
    assert "<script>" not in svg
    assert {"<script>", "<b>", "&"} <= set(texts(svg))


def test_a_line_is_broken_at_nan():
    svg = line_chart("t", "x", "y", [Line("a", [0, 1, 2, 3], [1.0, math.nan, 2.0, 3.0])])
    path = next(node.get("d") for node in ET.fromstring(svg).iter(f"{SVG}path") if node.get("stroke-width") == "2")
    assert path.count("M") == 2
    assert "nan" not in svg


@pytest.mark.parametrize("lines", [[], [Line("a", [], [])], [Line("a", [1.0], [math.nan])], [Line("a", [3.0], [7.0])]])
def test_little_or_no_data_still_makes_a_chart(lines):
    svg = line_chart("t", "x", "y", lines)
    ET.fromstring(svg)
    assert "nan" not in svg
    assert "inf" not in svg


def test_higher_values_stand_higher():
    svg = chart("t", "x", "y", [Dots("d", [0.0, 1.0], [10.0, 20.0])])
    low, high = (float(dot.get("cy")) for dot in ET.fromstring(svg).iter(f"{SVG}circle"))
    assert high < low


def test_dots_carry_titles_links_and_whiskers():
    dots = Dots("d", [5.0], [5.0], ["case <1>"], ["#case"], y_span=[(4.0, 7.0)])
    svg = chart("t", "x", "y", [Identity(), dots], x_range=(0, 10), y_range=(0, 10))
    root = ET.fromstring(svg)
    assert [node.text for node in root.iter(f"{SVG}title")] == ["case <1>"]
    assert [node.get("href") for node in root.iter(f"{SVG}a")] == ["#case"]
    assert any("V" in (node.get("d") or "") for node in root.iter(f"{SVG}path") if node.get("stroke-opacity"))


def test_points_outside_a_given_range_are_not_drawn():
    svg = chart("t", "x", "y", [Dots("d", [5.0, 50.0, math.nan], [5.0, 5.0, 5.0])], x_range=(0, 10), y_range=(0, 10))
    assert len(list(ET.fromstring(svg).iter(f"{SVG}circle"))) == 1


def test_bars_stand_on_zero_and_rules_have_words():
    svg = chart(
        "t", "x", "y", [Bars("n", [0.0, 0.5, 1.0], [1.0, 3.0]), Rule(2.0, "y", "expected"), Rule(0.3, "x", "here")]
    )
    bars = [node for node in ET.fromstring(svg).iter(f"{SVG}rect") if node.get("fill-opacity")]
    feet = {round(float(bar.get("y")) + float(bar.get("height")), 1) for bar in bars}
    assert len(feet) == 1
    assert {"expected", "here"} <= set(texts(svg))


def test_a_legend_only_where_there_is_a_choice():
    two = [Line("first", [0, 1], [0, 1]), Line("second", [0, 1], [1, 0])]
    assert {"first", "second"} <= set(texts(line_chart("t", "x", "y", two)))
    assert "first" not in texts(line_chart("t", "x", "y", two[:1]))


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3e-4, 2e-4), (17, 613), (0.999, 1.001), (1e6, 3e6)])
def test_ticks_are_round_and_inside(low, high):
    ticks = Scale(low, high, 400).ticks()
    assert 2 <= len(ticks) <= 9
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    mantissa = (ticks[1] - ticks[0]) / 10 ** math.floor(math.log10(ticks[1] - ticks[0]) + 1e-6)
    assert round(mantissa, 6) in (1, 2, 5)


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0"), (-0.04, "0"), (3.0, "3"), (12.34, "12.3"), (-2.5, "-2.5")])
def test_pixels_are_short(value, shown):
    assert px(value) == shown


def test_words_in_the_place_of_the_numbers_of_the_upright_axis_have_room():
    words = {0.0: "a group with a long name", -1.0: "short", 9.0: "out of reach"}
    svg = chart("t", "x", "", [Dots("", [1.0, 2.0], [0.0, -1.0])], y_range=(-1.5, 0.5), y_words=words)
    assert {"a group with a long name", "short"} <= set(texts(svg))
    assert "out of reach" not in texts(svg)
    plot = [node.get("transform") for node in ET.fromstring(svg).iter(f"{SVG}g")][1]
    assert float(plot.removeprefix("translate(").split(",")[0]) > 24 * 6


def test_fields_are_cut_off_at_the_border_and_widen_no_axis():
    layers = [Fields([(0, 5, 0, 5), (5, 100, 5, 100)]), Dots("", [0.0, 10.0], [0.0, 10.0])]
    svg = chart("t", "x", "y", layers, x_range=(0, 10), y_range=(0, 10), size=(272, 292))
    path = next(node.get("d") for node in ET.fromstring(svg).iter(f"{SVG}path") if node.get("fill") == "#dce9f5")
    assert path == "M0,200H100V100H0zM100,100H200V0H100z"
