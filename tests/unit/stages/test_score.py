import numpy as np
import pytest

from lvpipe.config.score import ScoreSettings
from lvpipe.files import read_table, write_table
from lvpipe.forecasting.ejection import EJECTION, ejection_rows
from lvpipe.forecasting.forecasts import climatology, forecast_id, gaussian, step, write_forecasts
from lvpipe.images import Image, write_image, write_rejected
from lvpipe.integration.tables import BEATS
from lvpipe.labels import CAVITY
from lvpipe.metrics import crps
from lvpipe.scoring.masks import DICE, MASKS
from lvpipe.scoring.pooled import POOLED
from lvpipe.scoring.tables import COLUMNS
from lvpipe.scoring.volumes import CRPS, SCORED, became
from lvpipe.stages.calibrate import FALLBACKS
from lvpipe.tables import SheetRow, read_cases

SPACING = (1.5, 2.0, 10.0)


@pytest.fixture
def pair(image):
    """Frame 1 is drawn in slices 0 and 1: half overlap in 0, nothing in 1; slice 2 and frame 0 are not annotated."""
    mask, reference = np.ones((2, 3, 12, 12), np.uint8), np.full((2, 3, 12, 12), 255, np.uint8)
    mask[1], reference[1, :2] = 0, 0
    mask[1, 0, 2:6, 2:6], reference[1, 0, 2:6, 4:8] = 1, 1
    reference[1, 0, 9:11] = mask[1, 0, 9:11] = 2
    mask[1, 2, :4] = 1
    return image(mask, SPACING), image(reference, SPACING)


def test_the_stage_writes_one_cases_table(lvpipe, pair, tmp_path):
    mask, reference = pair
    prob = Image((mask.array_tzyx == CAVITY).astype(np.uint8) * 255, mask.affine)
    write_image(tmp_path / "mask.nii.gz", mask)
    write_image(tmp_path / "reference.nii.gz", reference)
    write_image(tmp_path / "prob.nii.gz", prob, slope=1 / 255)
    write_rejected(tmp_path / "rejected.nii.gz")

    def score(mask, reference):
        files = {"mask": mask, "prob": "prob", "reference": reference}
        words = [word for name, file in files.items() for word in (f"--{name}", tmp_path / f"{file}.nii.gz")]
        words += ["--labels", "cavity", "--out", tmp_path / "o.csv", "--pooled", tmp_path / "p.csv"]
        assert lvpipe("score", "masks", *words, "--settings", "{}") == 0
        return read_table(tmp_path / "o.csv"), read_table(tmp_path / "p.csv")

    rows, sums = score("mask", "reference")
    assert tuple(rows[0]) == MASKS
    assert [(row["label"], row["dice"]) for row in rows] == [("cavity", "0.5"), ("cavity", ""), ("cavity", "0.5")]
    assert tuple(sums[0]) == POOLED
    assert [(row["method"], row["images"], row["elements"]) for row in sums] == [
        ("model", "2", str(2 * 2 * 12 * 12)),
        ("background", "2", str(2 * 2 * 12 * 12)),
    ]
    assert score("rejected", "reference") == score("mask", "rejected") == ([], [])


CASES = {
    # case: (cohort, split, reference EDV, forecast mean, sd)
    "a": ("c", "train", 100.0, 110.0, 0.0),
    "b": ("c", "train", 150.0, 140.0, 12.0),
    "d": ("c", "test", 200.0, 210.0, 12.0),
    "e": ("c", "test", 120.0, 300.0, 5.0),
    "n": ("c", "test", None, 90.0, 5.0),
    "r": ("other", "train", 180.0, 130.0, 30.0),
}
SYSTOLE = 0.5
"""ESV as a part of EDV, in references and forecasts alike."""


@pytest.fixture
def scored(lvpipe, tmp_path, sheet):
    """Tables of a run of two models; of the second only the mean of case `a` differs."""
    rows = []
    for case, (cohort, split, edv, _, _) in CASES.items():
        status = {"status": "rejected", "reason": "one slice"} if case == "r" else {}
        volumes = {"edv_ml": edv, "esv_ml": edv and SYSTOLE * edv}
        rows.append({"case": case, "cohort": cohort, "split": split, **volumes, **status})
    cases = sheet(*rows)
    for model in ("m", "other"):
        forecasts = {}
        for case, (_, _, _, mean, sd) in CASES.items():
            mean = 100.5 if (model, case) == ("other", "a") else mean
            for kind, part in (("EDV", 1.0), ("ESV", SYSTOLE)):
                made = gaussian([part * mean], [sd], 0.01) if sd else step(np.array([part * mean]))
                forecasts[forecast_id(case, kind)] = made[0]
        write_forecasts(tmp_path / "calibrate" / model / "forecasts.csv", forecasts)
        names = [("n", "ESV", "age_sex"), ("r", "EDV", "age_sex"), ("r", "ESV", "cohort")]
        rows = [{"case": case, "volume": kind, "fallback": name, "learnt_from": 9} for case, kind, name in names]
        write_table(tmp_path / "calibrate" / model / "fallbacks.csv", FALLBACKS, rows)
        ejected = ejection_rows(
            list(read_cases(cases).values()), forecasts, {kind: {"all": {}} for kind in ("EDV", "ESV")}, [], []
        )
        write_table(tmp_path / "calibrate" / model / "ejection.csv", EJECTION, ejected)
        for cohort in ("c", "other"):
            beats = [_beat(case, entry[3]) for case, entry in CASES.items() if entry[0] == cohort]
            write_table(tmp_path / "integrate" / model / f"{cohort}_volumes.csv", BEATS, beats)
        table = dict.fromkeys(MASKS) | {"label": "cavity", "frame": 1, "dimensions": 3, "dice": 0.9}
        write_table(tmp_path / "score" / model / "a_dice.csv", MASKS, [table])
        write_table(tmp_path / "score" / model / "a_pooled.csv", POOLED, [])
    out = {name: tmp_path / f"{name}.csv" for name in ("crps", "dice", "segmentation", "scored")}
    files = [word for name, path in out.items() for word in (f"--{name}", path)]
    words = (
        "--cases",
        cases,
        "--results",
        tmp_path,
        "--models",
        "m",
        "other",
        "--drawing",
        "m",
        "other",
        "--drawn",
        "a",
        *files,
    )
    words = (*words, "--forecasts", tmp_path / "forecasts")
    assert lvpipe("score", "volumes", *words, "--settings", ScoreSettings().canonical()) == 0
    out |= {name: tmp_path / "forecasts" / f"{name}.csv" for name in COLUMNS}
    return {name: read_table(path) for name, path in out.items()}


def _beat(case: str, edv: float) -> dict[str, object]:
    if case == "r":
        return {**dict.fromkeys(BEATS), "case": case, "flags": "rejected"}
    esv = 0.0 if case == "n" else SYSTOLE * edv
    flags = "few-slices" if case == "e" else ""
    volumes = (edv, esv, edv - esv, 100 * (edv - esv) / edv, None, None, None)
    values = (case, *volumes, 0, 9, 25, 10, None, None, None, flags, "")
    return dict(zip(BEATS, values, strict=True))


def row_of(rows, **wanted):
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_rows_of_crps(scored):
    rows = scored["crps"]
    assert tuple(rows[0]) == CRPS
    names = ["m", "step:m", "climatology", "other", "step:other"]
    for cohort, split in (("c", "train"), ("c", "test"), ("other", "train")):
        for volume in ("EDV", "ESV", "both"):
            here = [r["model"] for r in rows if (r["cohort"], r["split"], r["volume"]) == (cohort, split, volume)]
            assert here == names
    assert len(rows) == 3 * 3 * 5


def test_a_small_example_by_hand(scored):
    row = row_of(scored["crps"], model="m", cohort="c", split="test", volume="EDV")
    assert row["cases"] == "2", "case n has no reference"
    far = crps(gaussian([300], [5], 0.01), [120])[0]
    assert float(row["crps"]) == pytest.approx((0.01042 + far) / 2, abs=5e-6)
    assert float(row["mae_ml"]) == pytest.approx((10 + 180) / 2, abs=0.01)
    assert float(row["bias_ml"]) == pytest.approx((10 + 180) / 2, abs=0.01)
    assert float(row["rmse_ml"]) == pytest.approx(np.sqrt((100 + 180**2) / 2), abs=0.01)
    assert row["pearson_r"] == "", "two cases have no correlation"
    assert float(row["coverage_90"]) == 0.5
    train = row_of(scored["crps"], model="m", cohort="c", split="train", volume="EDV")
    sure, doubt = 10 / 600, crps(gaussian([140], [12], 0.01), [150])[0]
    assert float(train["crps"]) == pytest.approx((sure + doubt) / 2, abs=1e-6)
    assert float(train["bias_ml"]) == pytest.approx(-0.25, abs=0.01)  # a step's mean lies in its millilitre's middle


def test_both_volumes_together_are_the_mean_of_the_two(scored):
    parts = [
        row_of(scored["crps"], model="m", cohort="c", split="test", volume=volume) for volume in ("EDV", "ESV", "both")
    ]
    edv, esv, both = (float(row["crps"]) for row in parts)
    assert both == pytest.approx((edv + esv) / 2, abs=1e-8)
    assert [row["cases"] for row in parts] == ["2"] * 3


def test_the_step_is_the_same_point_without_doubt(scored):
    row = row_of(scored["crps"], model="step:m", cohort="c", split="test", volume="EDV")
    assert float(row["crps"]) == pytest.approx((10 + 180) / 2 / 600, abs=1 / 600)
    mine = row_of(scored["crps"], model="m", cohort="c", split="test", volume="EDV")
    assert float(row["crps"]) > float(mine["crps"])


def test_the_climatology_knows_no_test_volume(scored):
    row = row_of(scored["crps"], model="climatology", cohort="c", split="test", volume="EDV")
    known = climatology(np.array([100, 150, 180.0]))  # c has two, so it borrows
    expected = crps(np.tile(known, (2, 1)), [200, 120]).mean()
    assert float(row["crps"]) == pytest.approx(expected, abs=1e-7)


def test_models_are_told_apart(scored):
    where = {"cohort": "c", "split": "train", "volume": "EDV"}
    mine, other = (float(row_of(scored["crps"], model=name, **where)["crps"]) for name in ("m", "other"))
    assert mine - other == pytest.approx(9 / 600 / 2, abs=1e-6)


def test_every_case_has_a_row_and_its_flags(scored):
    rows = scored["scored"]
    assert tuple(rows[0]) == SCORED
    assert [(row["model"], row["case"]) for row in rows] == [(m, case) for m in ("m", "other") for case in CASES]
    flags = {row["case"]: row["flags"] for row in rows if row["model"] == "m"}
    assert flags == {
        "a": "edv-outside-90 esv-outside-90",
        "b": "",
        "d": "",
        "e": "few-slices edv-outside-90 esv-outside-90",
        "n": "fallback",
        "r": "rejected fallback edv-outside-90",  # 180 lies 1.67 spreads above 130, 90 % reach to 1.645
    }
    fallbacks = {row["case"]: row["fallback"] for row in rows if row["model"] == "m"}
    assert fallbacks == {"a": "", "b": "", "d": "", "e": "", "n": "age_sex", "r": "cohort"}
    row = row_of(rows, model="m", case="d")
    assert float(row["edv_crps"]) == pytest.approx(0.01042, abs=5e-6)
    assert float(row["edv_sd_ml"]) == pytest.approx(12, abs=0.01)
    assert (row["edv_ml"], row["esv_ml"], row["sv_ml"], row["ef_percent"]) == ("210", "105", "105", "50")
    assert row["ef_reference_percent"] == "50"
    unknown = row_of(rows, model="m", case="n")
    assert (unknown["edv_crps"], unknown["edv_reference_ml"], unknown["ef_reference_percent"]) == ("", "", "")


def test_dice_tables_are_gathered_and_summed_up(scored):
    rows = scored["dice"]
    assert tuple(rows[0]) == DICE
    assert [(row["model"], row["case"], row["cohort"], row["split"], row["dice"]) for row in rows] == [
        ("m", "a", "c", "train", "0.9"),
        ("other", "a", "c", "train", "0.9"),
    ]
    row = row_of(scored["segmentation"], model="other", level="all")
    assert (row["stacks"], row["dice_3d_mean"], row["slices"], row["dice_2d_mean"]) == ("1", "0.9", "0", "")


@pytest.mark.parametrize(
    ("sheet", "beat", "expected"),
    [
        (("ok", ""), ("rejected", "no heart was found: x"), ("rejected", "no heart was found: x")),
        (("rejected", "one slice"), ("rejected", ""), ("rejected", "one slice")),
        (("ok", ""), ("heart-doubtful", "fourier: 41 mm"), ("ok", "fourier: 41 mm")),
        (("incomplete", "a gap"), ("incomplete heart-doubtful", "a gap; 41 mm"), ("incomplete", "a gap; 41 mm")),
    ],
)
def test_the_reason_is_that_of_whoever_knows_more(sheet, beat, expected):
    row = SheetRow("c", "a", "test", "a", 0, 1.0, 1.0, 50.0, "F", *sheet)
    told = became(row, {"flags": beat[0], "reason": beat[1]})
    assert (told["status"], told["reason"]) == expected
