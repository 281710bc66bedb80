"""How good the masks are: figures of slices, contours and stacks, and slices as pictures."""

from collections.abc import Iterator, Mapping, Sequence

from lvpipe.metrics import known_mean, known_median
from lvpipe.pages.markup import Html, note, section, tag
from lvpipe.pages.pictures import embedded
from lvpipe.pages.run import Run, in_order
from lvpipe.pages.tables import Cell, amount, table, words
from lvpipe.scoring.summary import ALL, BACKGROUND
from lvpipe.tables import number

_SUMMARY = (
    *(("Dice", "dice_2d_mean", 3), ("median", "dice_2d_median", 3), ("IoU", "iou_2d", 3)),
    *(("precision", "precision_2d", 3), ("recall", "recall_2d", 3)),
    *(("%", "good_percent", 1), ("Dice", "dice_good", 3), ("APD mm", "apd_good_mm", 2)),
    *(("Dice", "dice_3d_mean", 3), ("median", "dice_3d_median", 3)),
    *(("Dice", "dice_pooled", 4), ("IoU", "iou_pooled", 4), ("accuracy", "accuracy_pooled", 4)),
)
"""Head, column and digits; published pooled figures differ in the fourth."""


def dice_section(run: Run) -> Html:
    """The summary of all masks, the overlap of whole stacks by the frame's part in the cycle, and single slices."""
    if not run.dice:
        return Html("")
    return section("dice", "Masks against drawn references", *_summary(run), *_whole_stacks(run), *_galleries(run))


def _whole_stacks(run: Run) -> Iterator[Html]:
    groups: dict[tuple[str, str, str, str, str], list[Mapping[str, str]]] = {}
    for row, role in _stacks(run):
        groups.setdefault((row["split"], row["cohort"], row["label"], role, row["model"]), []).append(row)
    order = in_order({key[0] for key in groups})
    keys = sorted(groups, key=lambda key: (order.index(key[0]), key[1:]))
    heads = (
        *("split", "cohort", "label", "frame", "model"),
        *("stacks", "mean", "median", "min", "worst case", "IoU", "HD95 mm"),
    )
    yield note(
        "Dice of whole stacks (3D, drawn slices only), then medians of IoU and of the 95th percentile of surface "
        "distances. Every drawn slice: ",
        tag("code", "results/dice.csv"),
    )
    yield table(heads, (_dice_row(run, key, groups[key]) for key in keys), sortable=True)


def _summary(run: Run) -> Iterator[Html]:
    """segmentation.csv without its levels."""
    rows = [row for row in run.segmentation if row["level"] == ALL]
    order = in_order({row["split"] for row in rows})
    rows.sort(key=lambda row: (order.index(row["split"]), row["cohort"], row["label"]))
    heads = ("split", "cohort", "label", "model", "patients", "slices", "0 %")
    yield note(
        "2D: means over slices in which somebody drew. 0 %: slices with Dice 0, missed or elsewhere. Contours as the "
        "Sunnybrook challenge counts them: good if less than 5 mm from the expert's on average; Dice and distance are "
        "those of the good ones. Pooled: the background counts too, as in many published figures; ",
        tag("b", BACKGROUND),
        " is what an empty mask gets. Thirds of the heart: ",
        tag("code", "results/segmentation.csv"),
    )
    yield table(
        (*heads, *(head for head, _, _ in _SUMMARY)),
        (_summary_row(row) for row in rows),
        spans=(("", len(heads)), ("2D", 5), ("good contours", 3), ("3D", 2), ("pooled", 3)),
        sortable=True,
    )


def _summary_row(row: Mapping[str, str]) -> list[Cell]:
    kind = "quiet" if row["model"] == BACKGROUND else "own"
    cells = [words(row[name], kind if name == "model" else "") for name in ("split", "cohort", "label", "model")]
    cells += [amount(number(row[name]), 0) for name in ("patients", "slices")]
    cells.append(amount(number(row["dice_2d_zero_percent"])))
    return cells + [amount(number(row[name]), digits, kind) for _, name, digits in _SUMMARY]


def _galleries(run: Run) -> Iterator[Html]:
    models = dict.fromkeys(row["model"] for row in run.segmentation)
    for model in models:
        if model in run.models:
            label = f"the best, median and worst slices of {model}"
            picture = embedded(run.root / "score" / model / "slices.png", label)
            yield tag("details", tag("summary", label), picture, open=True)


def _stacks(run: Run) -> Iterator[tuple[Mapping[str, str], str]]:
    """Rows of whole stacks with the part that the ledger gives their frame."""
    roles: dict[str, dict[int, str]] = {}
    for row in run.dice:
        if row["slice"]:
            continue
        if row["case"] not in roles:
            reference = run.ledger(row["case"]).get("reference") or {}
            pairs = ((reference.get(f"{word.lower()}_frame"), word) for word in ("ED", "ES"))
            roles[row["case"]] = {frame: word for frame, word in pairs if frame is not None}
        yield row, roles[row["case"]].get(int(row["frame"]), "other")


def _dice_row(run: Run, key: tuple[str, str, str, str, str], rows: Sequence[Mapping[str, str]]) -> list[Cell]:
    known = {row["case"]: number(row["dice"]) for row in rows if row["dice"]}
    values = list(known.values())
    ious, distances_mm = ([number(row[column]) for row in rows] for column in ("iou", "hd95_mm"))
    worst = min(known, key=lambda case: known[case], default="")
    return [
        *map(words, key),
        amount(len(rows), 0),
        amount(known_mean(values), 3, "own"),
        *(amount(value, 3) for value in (known_median(values), min(values, default=float("nan")))),
        Cell(tag("a", worst, href=run.link(worst)), worst),
        amount(known_median(ious), 3),
        amount(known_median(distances_mm), 1),
    ]
