"""What a file of the chain says of one case, in a few lines."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lvpipe.explain.words import count
from lvpipe.files import read_table

_ROWS_SHOWN = 3
"""Rows of a table that are shown whole; of more, the number is said."""


def describe(path: Path, case: str) -> list[str]:
    """Rows, events or voxels; nothing for what is not known to hold anything of a case."""
    try:
        return list(_description(path, case))
    except Exception as error:  # whatever someone has made of the file, the rest of the chain is still worth telling
        return [f"cannot be read ({type(error).__name__})"]


def _description(path: Path, case: str) -> Iterator[str]:
    if not path.is_file():
        return
    if path.stat().st_size == 0:
        yield "empty: the case was rejected"
    elif path.name == "crps.csv":
        yield from _share(path, case)
    elif path.suffix == ".csv":
        yield from _rows(path, case)
    elif path.name.endswith(".nii.gz"):
        yield _voxels(path)
    elif path.suffix == ".json":
        yield from _account(json.loads(path.read_text()))


def describe_choice(path: Path, held_out: str) -> Iterator[str]:
    """What choices.json has for the cases of a fold, or for `all` that are in none; it counts, not the settings."""
    try:
        chosen = json.loads(path.read_text())[held_out]["chosen"]
    except (OSError, ValueError, LookupError, TypeError):
        return  # the file's own step says that it is gone or cannot be read
    yield "chosen by drawn cases, in place of the above: " + "  ".join(f"{name}={chosen[name]}" for name in chosen)


def read_ledger(path: Path) -> dict[str, Any] | None:
    """The ledger of a case; None for any other file."""
    if path.suffix != ".json" or not path.is_file() or not path.stat().st_size:
        return None
    try:
        content = json.loads(path.read_text())
    except ValueError:
        return None  # `describe` says that it cannot be read
    return content if isinstance(content, dict) and {"status", "files", "slice_files"} <= set(content) else None


def _rows(path: Path, case: str) -> Iterator[str]:
    rows = read_table(path)
    if "Id" in (rows[0] if rows else {}):
        yield from (_forecast(row) for row in rows if row["Id"].rpartition("_")[0] == case)
        return
    mine = [row for row in rows if row.get("case") == case]
    whole = [row for row in mine if row.get("slice") == ""]  # the row over all slices, where the others are one each
    shown = mine if len(mine) <= _ROWS_SHOWN else whole[:_ROWS_SHOWN]
    yield from (_cells(row) for row in shown)
    if len(shown) < len(mine):
        yield f"{'and ' if shown else ''}{count(len(mine) - len(shown), 'row')} of this case"


def _cells(row: Mapping[str, str]) -> str:
    return "  ".join(f"{name}={value}" for name, value in row.items() if value and name != "case")


def _forecast(row: Mapping[str, str]) -> str:
    """The volumes at which the distribution passes 5, 50 and 95 percent."""
    chances = [(int(name[1:]), float(value)) for name, value in row.items() if name != "Id"]
    low, middle, high = (next(volume for volume, chance in chances if chance >= level) for level in (0.05, 0.5, 0.95))
    return f"{row['Id']}: median {middle} mL, 90 % between {low} and {high} mL"


def _share(path: Path, case: str) -> Iterator[str]:
    """The rows of crps.csv in which the case counts, with what it adds."""
    sheet = path.with_name("cases.csv")
    mine = [row for row in read_table(sheet) if row["case"] == case] if sheet.is_file() else []
    for row in read_table(path):
        for own in mine:
            share = own.get(f"{row['volume'].lower()}_crps", "")
            if share and all(row[key] == own[key] for key in ("model", "cohort", "split")):
                yield (
                    f"{row['model']}, {row['cohort']}, {row['split']}, {row['volume']}: CRPS {row['crps']}, "
                    f"the mean of {count(int(row['cases']), 'case')}; this case {share}"
                )


def _voxels(path: Path) -> str:
    from nibabel import Nifti1Image

    image = Nifti1Image.from_filename(path)
    return f"{' x '.join(map(str, image.shape))} voxels of {image.get_data_dtype()}"


def _account(content: Any) -> Iterator[str]:
    if not isinstance(content, dict) or "status" not in content:
        return
    events = content.get("events", [])
    yield f"status {content['status']}{': ' + content['reason'] if content.get('reason') else ''}, " + (
        f"{count(content['files']['count'], 'file')}, {count(len(events), 'event')}"
    )
    for event in events:
        place = "" if event["position_mm"] is None else f" at {event['position_mm']:g} mm"
        yield f"{event['rule']}{place}: {event['what']}"
