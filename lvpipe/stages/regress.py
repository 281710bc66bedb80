"""`regress`: areas of every slice in every frame, or EDV and ESV, straight from pixels, a shard of cases at a time."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.applying import NETWORKS, apply_models, applying_parser
from lvpipe.boxes import Boxes
from lvpipe.config.regress import RegressSettings
from lvpipe.errors import Rejected
from lvpipe.files import read_json, write_table
from lvpipe.grids import grid_of
from lvpipe.images import read_image, write_rejected
from lvpipe.windows import cut, read_place, window_areas_mm2, window_grids

if TYPE_CHECKING:
    from torch import nn

    from lvpipe.learning.telling import Volumes

AREAS = ("case", "frame", "slice", "position_mm", "cavity_mm2", "cavity_sd_mm2")
VOLUMES = ("case", "edv_ml", "esv_ml", "edv_sd_ml", "esv_sd_ml")


def main(argv: Sequence[str]) -> None:
    """Load the models once, then write each case's areas or its volumes."""
    parser = applying_parser(__doc__, RegressSettings, "ledgers")
    parser.add_argument("--makes", choices=("areas", "volumes"), required=True)
    args = parser.parse_args(argv)
    apply_models(args, _Telling(args), args.makes)


class _Telling:
    """What is done with one case."""

    def __init__(self, args: Namespace) -> None:
        self._args = args

    def inputs(self, case: str) -> tuple[Path, Path, Path]:
        """The view, the ledger and the boxes."""
        args = self._args
        return args.views / f"{case}_cine.nii.gz", args.ledgers / f"{case}_cine.json", args.boxes / f"{case}_boxes.json"

    def target(self, case: str) -> Path:
        """Its areas or volumes."""
        path: Path = self._args.out / f"{case}_{self._args.makes}.csv"
        return path

    def write(self, case: str, networks: "Sequence[nn.Module]", path: Path) -> None:
        """Tell them; a rejected case is passed on."""
        view, ledger, box = self.inputs(case)
        try:
            prepared = read_image(view)
            boxes = read_place(box, self._args.window, prepared.array_tzyx.shape[1])
            grid = grid_of(prepared)
            windows_tzyx = cut(prepared.array_tzyx, window_grids(boxes, self._args.window, grid), grid)
            if self._args.makes == "areas":
                self._write_areas(case, networks, windows_tzyx, boxes, read_json(ledger)["positions_mm"], path)
            else:
                self._write_volumes(case, networks, windows_tzyx, path)
        except Rejected as reason:
            print(f"{case}: passed on: {reason}")
            write_rejected(path)

    def _write_areas(
        self,
        case: str,
        networks: "Sequence[nn.Module]",
        windows_tzyx: NDArray[Any],
        boxes: Boxes,
        positions_mm: Sequence[float],
        path: Path,
    ) -> None:
        from lvpipe.learning.telling import tell_areas

        window, settings = self._args.window, self._args.settings
        window_mm2 = window_areas_mm2(boxes, window)
        with NETWORKS:
            areas_tz_mm2, sd_tz_mm2 = tell_areas(networks, windows_tzyx, window_mm2, settings, window.intensities)
        sds = np.full_like(areas_tz_mm2, np.nan) if sd_tz_mm2 is None else sd_tz_mm2
        write_table(path, AREAS, _area_rows(case, areas_tz_mm2, sds, positions_mm))

    def _write_volumes(
        self, case: str, networks: "Sequence[nn.Module]", windows_tzyx: NDArray[Any], path: Path
    ) -> None:
        from lvpipe.learning.telling import tell_volumes

        with NETWORKS:
            found: Volumes = tell_volumes(networks, case, windows_tzyx, self._args.window, self._args.settings)
        write_table(path, VOLUMES, [{"case": case, **found._asdict()}])


def _area_rows(
    case: str, areas_tz_mm2: NDArray[Any], sd_tz_mm2: NDArray[Any], positions_mm: Sequence[float]
) -> Iterator[dict[str, object]]:
    for (frame, z), area in np.ndenumerate(areas_tz_mm2):
        values = (case, frame, z, float(positions_mm[z]), float(area), float(sd_tz_mm2[frame, z]))
        yield dict(zip(AREAS, values, strict=True))
