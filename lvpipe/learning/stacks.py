"""What is taught by volumes: the windows of all frames of a case on disk, where they lie, and its reference volumes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.beats import thickness_of
from lvpipe.cases import Labels
from lvpipe.config.window import Window
from lvpipe.errors import Rejected, UserError
from lvpipe.files import read_json, replacing_folder, write_json
from lvpipe.grids import grid_of
from lvpipe.images import read_image
from lvpipe.windows import cut, read_place, window_areas_mm2, window_grids

_FEWEST = 2
"""Cases: one to learn from and one to watch."""


@dataclass(frozen=True)
class Stack:
    """One case: its windows (0..255), what each slice's covers, where the slices lie, and its volumes."""

    case: str
    windows_tzyx: NDArray[np.uint8]
    window_mm2: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    thickness_mm: float
    edv_ml: float
    esv_ml: float


class Stacks:
    """A finished folder of stacks.

    Each is read when it is wanted, not mapped: pages of a mapped file count as the job's memory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Any] = read_json(folder / "cases.json")
        self.cases = list(self._known)

    def slices(self, case: str) -> int:
        """How many a case has."""
        return len(self._known[case]["positions_mm"])

    def read(self, case: str) -> Stack:
        """One of the cases."""
        known = self._known[case]
        window_mm2, positions_mm = (np.asarray(known[name], float) for name in ("window_mm2", "positions_mm"))
        windows_tzyx = np.load(self._folder / f"{case}.npy")
        return Stack(
            case, windows_tzyx, window_mm2, positions_mm, known["thickness_mm"], known["edv_ml"], known["esv_ml"]
        )


def store_stacks(
    folder: Path,
    volumes: Mapping[str, Labels],
    views: Path,
    ledgers: Path,
    boxes: Path,
    window: Window,
) -> Stacks:
    """The stacks of all cases that are whole and have an EDV and ESV, in this folder; a finished one is used as it is.

    Raises:
        UserError: fewer than two are left.
    """
    if not (folder / "cases.json").exists():
        with replacing_folder(folder) as part:
            _write(part, _read_cases(volumes, views, ledgers, boxes, window))
    stacks = Stacks(folder)
    if len(stacks.cases) < _FEWEST:
        raise UserError(
            f"whole stacks with an EDV and ESV in {views}: {len(stacks.cases)}; expected at least {_FEWEST}: the log "
            f"says why cases were left out; name other cohorts in the model's `volumes`"
        )
    return stacks


def _write(folder: Path, stacks: Iterator[Stack]) -> None:
    known: dict[str, dict[str, Any]] = {}
    for stack in stacks:
        np.save(folder / f"{stack.case}.npy", stack.windows_tzyx)
        known[stack.case] = {
            "window_mm2": stack.window_mm2.tolist(),
            "positions_mm": stack.positions_mm.tolist(),
            "thickness_mm": stack.thickness_mm,
            "edv_ml": stack.edv_ml,
            "esv_ml": stack.esv_ml,
        }
    write_json(folder / "cases.json", known)


def _read_cases(
    volumes: Mapping[str, Labels],
    views: Path,
    ledgers: Path,
    boxes: Path,
    window: Window,
) -> Iterator[Stack]:
    left_out: list[str] = []
    for case, known in volumes.items():
        try:
            yield _read_case(case, _usable(known), views, ledgers, boxes, window)
        except Rejected as reason:
            left_out.append(f"{case} ({reason})")
    if left_out:
        print(f"left out of the volumes: {', '.join(left_out)}", flush=True)


def _usable(known: Labels) -> tuple[float, float]:
    """EDV and ESV.

    Raises:
        Rejected: one is missing, or they cannot be those of a heart.
    """
    if known.left_out:
        raise Rejected(known.left_out)
    if known.edv_ml is None or known.esv_ml is None:
        raise Rejected(f"its {'EDV' if known.edv_ml is None else 'ESV'} is not known")
    return known.edv_ml, known.esv_ml


def _read_case(
    case: str, volumes_ml: tuple[float, float], views: Path, ledgers: Path, boxes: Path, window: Window
) -> Stack:
    view = read_image(views / f"{case}_cine.nii.gz")
    ledger = read_json(ledgers / f"{case}_cine.json")
    if not ledger["complete"]:
        raise Rejected(f"its stack is incomplete: {ledger['incomplete_reason']}")
    place = read_place(boxes / f"{case}_boxes.json", window, view.array_tzyx.shape[1])
    grid = grid_of(view)
    windows_tzyx = cut(view.array_tzyx, window_grids(place, window, grid), grid)
    positions_mm = np.asarray(ledger["positions_mm"], float)
    return Stack(case, windows_tzyx, window_areas_mm2(place, window), positions_mm, thickness_of(ledger), *volumes_ml)
