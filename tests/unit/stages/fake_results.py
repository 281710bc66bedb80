"""A small, plausible results folder for the report: hearts as discs, two models that err, one rejected case."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lvpipe.files import write_bytes, write_json, write_table
from lvpipe.forecasting.ejection import ejection_rows
from lvpipe.forecasting.forecasts import climatology, forecast_id, gaussian, step, write_forecasts
from lvpipe.images import Image, write_image
from lvpipe.labels import CAVITY, MYOCARDIUM, NOT_ANNOTATED
from lvpipe.metrics import covers, crps, moments_ml
from lvpipe.scoring.gallery import draw_gallery
from lvpipe.scoring.masks import DICE
from lvpipe.scoring.outliers import OUTLIERS
from lvpipe.scoring.summary import SEGMENTATION
from lvpipe.scoring.tables import ForecastTables
from lvpipe.scoring.volumes import EJECTED, entries, part_of
from lvpipe.sheet import COLUMNS
from lvpipe.tables import SheetRow

SWAPPED = "ESV 90 mL is over EDV 40 mL: are the two swapped?"
KINDS = ("EDV", "ESV")
SPACING_MM = 1.4
SLICE_MM = 9.0
AREAS = ("case", "frame", "slice", "position_mm", "cavity_mm2", "myocardium_mm2")
CRPS = (
    "model",
    "cohort",
    "split",
    "volume",
    "cases",
    "crps",
    "mae_ml",
    "rmse_ml",
    "bias_ml",
    "pearson_r",
    "coverage_90",
)


@dataclass(frozen=True)
class Size:
    slices: int = 4
    frames: int = 6
    pixels: int = 72


@dataclass(frozen=True)
class Heart:
    """A case with its middle, its radius in every frame and slice, and what is known of it."""

    case: str
    cohort: str
    split: str
    middle_yx: tuple[float, float]
    radius_tz_mm: NDArray[np.float64]
    rejected: bool = False

    def volumes_ml(self) -> NDArray[np.float64]:
        return np.asarray((math.pi * self.radius_tz_mm**2).sum(axis=1) * SLICE_MM / 1000)

    def frames(self) -> tuple[int, int]:
        curve = self.volumes_ml()
        return int(curve.argmax()), int(curve.argmin())

    def reference_ml(self, kind: str) -> float:
        curve = self.volumes_ml()
        return float(curve.max() if kind == "EDV" else curve.min())


def build_results(
    root: Path,
    names: Sequence[str],
    models: Sequence[str] = ("unet", "hfcn"),
    size: Size = Size(),
    reason: str = "too few",
) -> list[Heart]:
    """Write the whole tree; the last name is a rejected case, and every third one has no drawn reference."""
    rng = np.random.default_rng(1)
    hearts = [_heart(rng, i, name, size, rejected=i == len(names) - 1) for i, name in enumerate(names)]
    for heart in hearts:
        _write_convert(root / "convert", heart, size, rng, reason)
    forecasts = {model: _write_model(root, model, hearts, size, rng) for model in models}
    _write_scores(root, hearts, forecasts, rng, reason)
    return hearts


def _heart(rng: np.random.Generator, i: int, name: str, size: Size, *, rejected: bool) -> Heart:
    beat = 1 - rng.uniform(0.12, 0.4) * np.sin(np.pi * np.arange(size.frames) / size.frames) ** 2
    taper = np.sqrt(1 - (np.arange(size.slices) / size.slices) ** 2 * 0.8)
    middle = tuple(float(v) for v in size.pixels / 2 + rng.uniform(-6, 6, 2))
    radius = rng.uniform(19, 30) * np.outer(beat, taper)
    cohort = "volumes" if i % 3 == 2 else "contours"
    return Heart(name, cohort, ("test", "train", "validate")[i % 3 if i % 7 else 0], middle, radius, rejected)


def _disc(heart: Heart, size: Size, t: int, z: int, scale: float = 1.0, add_mm: float = 0.0) -> NDArray[np.bool_]:
    y, x = np.mgrid[: size.pixels, : size.pixels]
    distance_mm = np.hypot(y - heart.middle_yx[0], x - heart.middle_yx[1]) * SPACING_MM
    return np.asarray(distance_mm <= heart.radius_tz_mm[t, z] * scale + add_mm)


def _stack(heart: Heart, size: Size, scale: float) -> NDArray[np.uint8]:
    places = [[_disc(heart, size, t, z, scale) for z in range(size.slices)] for t in range(size.frames)]
    return np.asarray(places, dtype=np.uint8)


def _write_convert(folder: Path, heart: Heart, size: Size, rng: np.random.Generator, reason: str) -> None:
    drawn = heart.cohort == "contours"
    ed, es = heart.frames()
    mended = [
        {"rule": "drop_duplicate", "position_mm": 18.0, "what": "two slices at one position; the later one is kept"}
    ]
    mended += [{"rule": "drop_unreadable", "position_mm": None, "what": f"file {n:04x}: no pixels"} for n in range(7)]
    ledger: dict[str, object] = {
        "case": heart.case, "cohort": heart.cohort, "status": "rejected" if heart.rejected else "ok",
        "reason": reason if heart.rejected else "", "sex": "F", "age_years": 57.0,
        "spacing_mm": [SPACING_MM, SPACING_MM], "slice_spacing_mm": SLICE_MM, "thickness_mm": 8.0,
        "positions_mm": [] if heart.rejected else [SLICE_MM * z for z in range(size.slices)],
        "times_ms": [] if heart.rejected else [40.0 * t for t in range(size.frames)],
        "frames": 0 if heart.rejected else size.frames, "slices": 0 if heart.rejected else size.slices,
        "reference": {"ed_frame": ed, "es_frame": es} if drawn and not heart.rejected else None,
        "events": mended if heart.case[-1] in "13579" or heart.rejected else [],
    }  # fmt: skip
    write_json(folder / f"{heart.case}_cine.json", ledger)
    files = [folder / f"{heart.case}_cine.nii.gz"] + [folder / f"{heart.case}_reference.nii.gz"] * drawn
    if heart.rejected:
        for file in files:
            write_bytes(file, b"")
        return
    affine = np.diag([SPACING_MM, SPACING_MM, SLICE_MM, 1.0])
    write_image(files[0], Image(_cine(heart, size, rng), affine, 40.0))
    if drawn:
        labels = np.full((size.frames, size.slices, size.pixels, size.pixels), NOT_ANNOTATED, np.uint8)
        for t in {ed, es}:
            for z in range(size.slices):
                labels[t, z] = np.where(_disc(heart, size, t, z, 1, 9.0), MYOCARDIUM, 0)
                labels[t, z][_disc(heart, size, t, z)] = CAVITY
        write_image(files[1], Image(labels, affine, 40.0))


def _cine(heart: Heart, size: Size, rng: np.random.Generator) -> NDArray[np.int16]:
    y, x = np.mgrid[: size.pixels, : size.pixels] / size.pixels - 0.5
    body = np.where(np.hypot(y * 1.1, x) < 0.45, 90 + 40 * np.sin(9 * x + 2) * np.cos(7 * y), 8)
    cine = np.empty((size.frames, size.slices, size.pixels, size.pixels))
    for t in range(size.frames):
        for z in range(size.slices):
            ring, blood = _disc(heart, size, t, z, 1, 9.0), _disc(heart, size, t, z)
            cine[t, z] = np.where(blood, 235, np.where(ring, 55, body))
    return np.asarray(np.clip(cine + rng.normal(0, 12, cine.shape), 0, None), dtype=np.int16)


def _write_model(
    root: Path, model: str, hearts: Sequence[Heart], size: Size, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    forecasts: dict[str, NDArray[np.float64]] = {}
    for heart in hearts:
        scale = 0.98 + rng.normal(0, 0.04)
        mask, areas, volumes = (
            root / "postprocess" / model / f"{heart.case}_mask.nii.gz",
            root / "integrate" / model / f"{heart.case}_areas.csv",
            root / "integrate" / model / f"{heart.case}_volumes.csv",
        )
        for kind in KINDS:
            estimate = heart.reference_ml(kind) * scale**2
            spread = [estimate * 0.09] if not heart.rejected else [50.0]
            forecasts[forecast_id(heart.case, kind)] = gaussian(np.array([estimate]), np.array(spread), 0.01)[0]
        if heart.rejected:
            for file in (mask, areas, volumes):
                write_bytes(file, b"")
            continue
        write_image(mask, Image(_stack(heart, size, scale), np.diag([SPACING_MM, SPACING_MM, SLICE_MM, 1.0]), 40.0))
        write_table(areas, AREAS, _areas(heart, scale))
        curve = [
            {"case": heart.case, "frame": t, "time_ms": 40.0 * t, "cavity_ml": float(volume * scale**2)}
            for t, volume in enumerate(heart.volumes_ml())
        ]
        write_table(volumes, ("case", "frame", "time_ms", "cavity_ml"), curve)
    write_forecasts(root / "calibrate" / model / "forecasts.csv", forecasts)
    for fold in range(2):
        rows = [{"epoch": n, "watch_score": 0.93 - 0.6 * math.exp(-n / (4 + fold))} for n in range(1, 21)]
        write_table(root / "train" / model / f"fold-{fold}" / "history.csv", ("epoch", "watch_score"), rows)
    return forecasts


def _areas(heart: Heart, scale: float) -> Iterator[dict[str, object]]:
    for (t, z), radius in np.ndenumerate(heart.radius_tz_mm):
        area = float(math.pi * (radius * scale) ** 2)
        yield dict(zip(AREAS, (heart.case, t, z, SLICE_MM * z, area, None), strict=True))


def _write_scores(
    root: Path,
    hearts: Sequence[Heart],
    forecasts: Mapping[str, Mapping[str, NDArray[np.float64]]],
    rng: np.random.Generator,
    reason: str,
) -> None:
    known = {kind: np.array([heart.reference_ml(kind) for heart in hearts]) for kind in KINDS}
    rows, cases, dice = [], [], []
    for model, mine in forecasts.items():
        told = _ejections(hearts, mine)
        cases += [_case(model, heart, mine, reason) | {n: told[heart.case][n] for n in EJECTED} for heart in hearts]
        dice += [row for heart in hearts for row in _dice(model, heart, rng)]
        for cohort, split in sorted({(heart.cohort, heart.split) for heart in hearts}):
            here = [i for i, heart in enumerate(hearts) if (heart.cohort, heart.split) == (cohort, split)]
            for name in (model, f"step:{model}", "climatology"):
                stacks = {kind: _named(name, kind, [hearts[i] for i in here], mine, known) for kind in KINDS}
                rows += _summary(name, cohort, split, stacks, {kind: known[kind][here] for kind in KINDS})
    unique = {tuple(str(row[key]) for key in CRPS[:4]): row for row in rows}
    write_table(root / "crps.csv", CRPS, unique.values())
    write_table(root / "cases.csv", list(cases[0]), cases)
    write_table(root / "convert" / "cases.csv", COLUMNS, [_placed(heart) for heart in hearts])
    _write_judged(root, hearts, forecasts)
    write_table(root / "dice.csv", DICE, dice)
    write_table(root / "score" / "forecasts" / "outliers.csv", OUTLIERS, [_odd(model) for model in forecasts])
    write_table(root / "segmentation.csv", SEGMENTATION, _masks(list(forecasts)))
    for model in forecasts:
        write_bytes(root / "score" / model / "slices.png", draw_gallery(model, {}))


def _odd(model: str) -> dict[str, object]:
    return dict(zip(OUTLIERS, (model, "contours", "test", 20, 5, 4, 3, 3 / 4, 3 / 5, 0.2, 0.3), strict=True))


def _write_judged(
    root: Path, hearts: Sequence[Heart], forecasts: Mapping[str, Mapping[str, NDArray[np.float64]]]
) -> None:
    """As `score` does it; nothing of who has no references is asked here."""
    tables, known = ForecastTables(), set[tuple[str, str]]()
    sheet = {
        heart.case: SheetRow(
            heart.cohort, heart.case, heart.split, heart.case, 0, *map(heart.reference_ml, KINDS), 57.0, "F", "ok", ""
        )
        for heart in hearts
    }
    for model, mine in forecasts.items():
        found = list(entries(model, [part_of(kind, sheet, mine) for kind in KINDS], sheet, known))
        known |= {(entry.cohort, entry.split) for entry in found}
        tables.add(found, {}, _ejections(hearts, mine))
    tables.write(root / "score" / "forecasts")


def _ejections(hearts: Sequence[Heart], mine: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[str, str]]:
    rows = [SheetRow("", heart.case, "test", "", 0, math.nan, math.nan, math.nan, "", "", "") for heart in hearts]
    made = ejection_rows(rows, mine, {kind: {"all": {}} for kind in KINDS}, [], [])
    return {str(row["case"]): {name: str(cell) for name, cell in row.items()} for row in made}


def _placed(heart: Heart) -> dict[str, object]:
    """A row of the case sheet: of case d the source's volumes cannot be."""
    known = {"cohort": heart.cohort, "case": heart.case, "split": heart.split, "patient": heart.case, "fold": 0}
    return dict.fromkeys(COLUMNS) | known | {"volumes_left_out": SWAPPED if heart.case == "d" else None}


def _named(
    name: str,
    kind: str,
    hearts: Sequence[Heart],
    mine: Mapping[str, NDArray[np.float64]],
    known: Mapping[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    own = np.stack([mine[forecast_id(heart.case, kind)] for heart in hearts])
    if name == "climatology":
        return np.tile(climatology(known[kind]), (len(hearts), 1))
    return step(moments_ml(own)[0]) if name.startswith("step:") else own


def _summary(
    name: str,
    cohort: str,
    split: str,
    stacks: Mapping[str, NDArray[np.float64]],
    references: Mapping[str, NDArray[np.float64]],
) -> Iterator[dict[str, object]]:
    for volume, kinds in (("EDV", ["EDV"]), ("ESV", ["ESV"]), ("both", list(KINDS))):
        forecasts = np.concatenate([stacks[kind] for kind in kinds])
        truth = np.concatenate([references[kind] for kind in kinds])
        errors = moments_ml(forecasts)[0] - truth
        figures = (
            crps(forecasts, truth).mean(), np.abs(errors).mean(), np.sqrt((errors**2).mean()), errors.mean(), 0.97,
            covers(forecasts, truth).mean(),
        )  # fmt: skip
        cells = (name, cohort, split, volume, len(truth) // len(kinds), *(float(value) for value in figures))
        yield dict(zip(CRPS, cells, strict=True))


def _case(model: str, heart: Heart, mine: Mapping[str, NDArray[np.float64]], reason: str) -> dict[str, object]:
    ed, es = heart.frames()
    row: dict[str, object] = {"model": model, "cohort": heart.cohort, "case": heart.case, "split": heart.split}
    row |= {"status": "rejected" if heart.rejected else "ok", "reason": reason if heart.rejected else ""}
    row["fallback"] = "age_sex" if heart.rejected else ""
    flags = ["rejected", "fallback"] if heart.rejected else []
    for kind in KINDS:
        forecast, reference = mine[forecast_id(heart.case, kind)][None], heart.reference_ml(kind)
        mean, sd = moments_ml(forecast)
        cells = (reference, None if heart.rejected else float(mean[0]), float(mean[0]), float(sd[0]))
        names = [f"{kind.lower()}_{name}" for name in ("reference_ml", "ml", "mean_ml", "sd_ml", "crps")]
        row |= dict(zip(names, (*cells, float(crps(forecast, [reference])[0])), strict=True))
        flags += [] if covers(forecast, [reference])[0] else [f"{kind.lower()}-outside-90"]
    edv, esv = heart.reference_ml("EDV"), heart.reference_ml("ESV")
    ef = 100 * (edv - esv) / edv
    shown: tuple[object, ...] = (edv - esv, ef, ef * 0.98 + 1, ed, es, len(heart.radius_tz_mm[0]))
    if heart.rejected:
        shown = (None, ef, None, None, None, None)
    names = ["sv_ml", "ef_reference_percent", "ef_percent", "ed_frame", "es_frame", "slices"]
    odd = {"large_error_chance": 0.1, "outlier": int(heart.rejected)}
    return row | dict(zip(names, shown, strict=True)) | {"flags": " ".join(flags)} | odd


def _dice(model: str, heart: Heart, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    if heart.rejected or heart.cohort != "contours":
        return
    for frame in sorted(set(heart.frames())):
        for z in [*range(heart.radius_tz_mm.shape[1]), None]:
            value = float(np.clip(0.94 + rng.normal(0, 0.02), 0, 1))
            who = {"model": model, "cohort": heart.cohort, "split": heart.split, "case": heart.case, "frame": frame}
            figures = {"dice": value, "iou": value / (2 - value), "hd95_mm": 3.1, "area_error_mm2": -40.0}
            yield dict.fromkeys(DICE) | who | figures | {"label": "cavity", "slice": z}


def _masks(models: Sequence[str]) -> Iterator[dict[str, object]]:
    for model in (*models, "background"):
        who = {"model": model, "cohort": "contours", "split": "test", "label": "cavity", "level": "all"}
        figures = {"slices": 24, "dice_2d_mean": 0.91 if model in models else 0.0, "dice_pooled": 0.99}
        yield dict.fromkeys(SEGMENTATION) | who | figures
