"""Where the heart was found: how good the boxes are where an expert drew, and the studies in which that is doubtful."""

from collections.abc import Iterator, Mapping, Sequence

from lvpipe.boxes import NO_HEART, Boxes
from lvpipe.pages.markup import Html, fixed, join, note, section, tag
from lvpipe.pages.pictures import embedded
from lvpipe.pages.run import Run, View, in_order
from lvpipe.pages.tables import Cell, amount, table, words
from lvpipe.tables import number

_PICTURES_MOST = 12
"""Audit pictures on the page, a quarter of a megabyte each; all lie beside the box files."""

_OPEN_FIRST = 3
"""Of them so many are seen without a click."""

_SHARES = {
    "found": "found",
    "proposed": "proposed",
    "holds": "holds",
    "within_10_mm": "within 10 mm",
}


def hearts_section(run: Run) -> Html:
    """The table of shares of each cohort, then every flagged study with what each method says."""
    if not run.views:
        return Html("")
    parts = [_shares_table(run.views)] if any(view.shares for view in run.views) else []
    return section("hearts", "Where is the heart?", *parts, *_flagged_parts(run))


def _shares_table(views: Sequence[View]) -> Html:
    heads = ("view", "split", "cohort", "cases", "flagged", *_SHARES.values(), "median mm", "filled", "slices")
    rows = [(view.name, row) for view in views for row in view.shares]
    order = in_order({row["split"] for _, row in rows})
    rows.sort(key=lambda pair: (order.index(pair[1]["split"]), pair[1]["cohort"], pair[0]))
    return join(
        [
            note(
                "Boxes beside the squares about what experts drew, in per cent; what was missed counts in every share. "
                "Of cases: a heart was found in every slice, and a proposal overlapped it by half. Of slices: the box "
                "holds the whole cavity of all drawn frames, and its middle is within 10 mm of the drawn one; the "
                "median distance; and on the middle half of the slices the cavity fills 15 to 60 % of the box. ",
                tag("code", "results/score/boxes/"),
            ),
            table(heads, (_shares_row(*pair) for pair in rows), sortable=True),
        ]
    )


def _shares_row(view: str, row: Mapping[str, str]) -> list[Cell]:
    shares = [amount(100 * number(row[column])) for column in _SHARES]
    counts = [amount(number(row[column]), 0) for column in ("cases", "doubtful")]
    return [
        *(words(text) for text in (view, row["split"], row["cohort"])),
        *(*counts, *shares, amount(number(row["median_mm"])), amount(100 * number(row["mid_filled"]))),
        amount(number(row["slices"]), 0),
    ]


def _flagged_parts(run: Run) -> Iterator[Html]:
    flagged = [(view, case) for view in run.views for case in sorted(view.boxes) if _verdict(view.boxes[case])]
    looked = sum(len(view.boxes) for view in run.views)
    if not flagged:
        yield note(f"In none of {looked} studies do the methods disagree, and a heart was found in all of them.")
        return
    yield tag("h3", f"{len(flagged)} of {looked} studies to look at")
    heads = ("case", "view", "method", "score", "what", "others")
    yield table(heads, (_flagged_row(run, view, case) for view, case in flagged), sortable=True)
    yield from _pictures(run, flagged)


def _verdict(boxes: Boxes) -> str:
    """Why a study has to be looked at."""
    if not boxes.squares:
        return f"{NO_HEART}: {boxes.reason}"
    return boxes.reason if boxes.doubtful else ""


def _flagged_row(run: Run, view: View, case: str) -> list[Cell]:
    boxes = view.boxes[case]
    link = Cell(tag("a", case, href=run.link(case)), case)
    others = ", ".join(_other(boxes, name, apart) for name, apart in boxes.rivals_mm().items())
    return [link, *map(words, (view.name, boxes.method)), amount(boxes.score, 2), words(_verdict(boxes)), words(others)]


def _other(boxes: Boxes, name: str, apart_mm: float | None) -> str:
    if boxes.rivals[name] is None:
        return f"{name}: {NO_HEART}"
    return f"{name}: a heart" if apart_mm is None else f"{name}: {fixed(apart_mm, 0)} mm away"


def _pictures(run: Run, flagged: Sequence[tuple[View, str]]) -> Iterator[Html]:
    for place, (view, case) in enumerate(flagged[:_PICTURES_MOST]):
        file = run.root / "detect" / view.name / f"{case}_boxes.png"
        summary = tag("summary", f"{case} ({view.name}): {_verdict(view.boxes[case])}")
        yield tag("details", summary, embedded(file, f"boxes of {case}"), open=place < _OPEN_FIRST)
    if len(flagged) > _PICTURES_MOST:
        told = f"{len(flagged) - _PICTURES_MOST} more pictures lie in results/detect, as those of all other cases do."
        yield tag("p", told, class_="quiet")
