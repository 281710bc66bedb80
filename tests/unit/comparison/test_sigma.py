"""The study of spreads: known figures of Gaussians, and volumes whose errors are known."""

import numpy as np
import pytest

from lvpipe.comparison.gaussians import best_crps, expected_rows, map_rows
from lvpipe.comparison.sigma import SIGMA, read_errors, read_volumes, score_sigmas, sigma_rows
from lvpipe.comparison.sigma_pictures import draw_sigma
from lvpipe.errors import UserError
from lvpipe.tables import SheetRow

BOX_MM2 = 10_000.0
SLICES = 6


@pytest.fixture(scope="module")
def by_error():
    return list(map_rows())


def at(rows, **wanted):
    (row,) = (row for row in rows if all(row[name] == value for name, value in wanted.items()))
    return row


def test_the_papers_example_holds_by_its_own_rule(by_error):
    assert at(by_error, d_ml=10, sigma_ml=0, best=0)["crps"] == pytest.approx(10 / 600)
    row = at(by_error, d_ml=10, sigma_ml=12, best=0)
    assert (row["crps_paper"], row["crps"]) == pytest.approx((0.00943, 0.01042), abs=5e-6)


def test_the_best_sigma_grows_with_the_error_and_spares_two_fifths(by_error):
    for row in (row for row in by_error if row["best"] and row["d_ml"] >= 5):
        assert row["sigma_ml"] / row["d_ml"] == pytest.approx(1.2, abs=0.02)
        assert row["reduction"] == pytest.approx(0.405, abs=0.003)


def test_the_spread_of_the_volumes_is_the_best_to_expect():
    rows = list(expected_rows())
    assert at(rows, best=1)["sigma_ml"] == pytest.approx(10, abs=0.3)
    means = [at(rows, sigma_ml=sigma)["crps"] for sigma in (6.0, 10.0, 14.0)]
    assert means == pytest.approx([0.009831, 0.009368, 0.009684], abs=5e-5)


def test_no_sigma_is_better_than_the_best():
    means, volumes = np.full(3, 200.0), np.array([190.0, 200.0, 260.0])
    expected = [10 / 600 * 0.595, 0.0, 60 / 600 * 0.595]
    np.testing.assert_allclose(best_crps(means, volumes), expected, atol=6e-4)


def hearts(count):
    """Volumes that err as their areas do: of each slice by 2 % of its box, seen in a drawn cohort."""
    random = np.random.default_rng(1)
    sheet, beats, pairs = {}, [], []
    for i in range(count):
        case, split = str(i), ("train", "validate", "test")[i % 3]
        areas = random.uniform(0.1, 0.3, SLICES) * BOX_MM2
        drawn = areas + 0.02 * BOX_MM2 * random.normal(size=SLICES)
        volume, reference = (float(np.trapezoid(one, dx=10) / 1000) for one in (areas, drawn))
        sheet[case] = SheetRow("c", case, split, case, 0, reference, np.nan, np.nan, "", "ok", "")
        beats.append({"case": case, "edv_ml": str(volume), "esv_ml": "", "ed_frame": "3", "es_frame": "5", "flags": ""})
        for z in range(SLICES):
            cells = {"position_mm": 10 * z, "cavity_mm2": areas[z], "box_mm2": BOX_MM2, "reference_mm2": drawn[z]}
            pairs.append({"case": case, "frame": "3"} | {name: str(value) for name, value in cells.items()})
    return sheet, beats, pairs


@pytest.fixture(scope="module")
def scores():
    sheet, beats, pairs = hearts(300)
    return score_sigmas(read_volumes(sheet, beats, pairs), read_errors(sheet, pairs), (0.02, 0.05), (0.25, 1.0, 4.0))


def test_areas_errors_tell_how_volumes_err(scores):
    rows = list(sigma_rows("net", scores))
    assert tuple(rows[0]) == SIGMA
    assert scores.chosen[1] == 1.0
    for split in ("train", "validate", "test"):
        zero, hat, best = (at(rows, split=split, sigma=kind, chosen=1)["crps"] for kind in ("0", "hat", "best"))
        assert best < hat < zero
        assert best == pytest.approx(0.595 * zero, rel=0.05)
    assert at(rows, split="test", sigma="hat", window=0.05, beta=4.0)["chosen"] == 0
    assert at(rows, split="test", sigma="0")["cases"] == 100


def test_pictures_are_the_same_for_the_same_numbers(scores, by_error):
    drawn = draw_sigma(scores, by_error, list(expected_rows()))
    assert drawn == draw_sigma(scores, by_error, list(expected_rows()))
    assert "best sigma" in drawn
    assert len(drawn) < 200_000


def test_nothing_drawn_or_nothing_known_is_one_line():
    sheet, beats, pairs = hearts(3)
    with pytest.raises(UserError, match="no slice of the model's cohorts was drawn"):
        read_errors(sheet, [row | {"reference_mm2": ""} for row in pairs])
    with pytest.raises(UserError, match="no case has volumes, references and slices"):
        read_volumes(sheet, [beat | {"flags": "incomplete"} for beat in beats], pairs)
