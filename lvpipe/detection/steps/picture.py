"""`detect picture`: the boxes of some cases upon their slices, with all that was proposed and what rivals say."""

from collections.abc import Sequence
from pathlib import Path

from lvpipe.arguments import stage_parser
from lvpipe.boxes import read_finding
from lvpipe.detection.audit import draw_boxes
from lvpipe.detection.lessons import moments
from lvpipe.files import write_bytes
from lvpipe.images import passing_on, read_image


def main(argv: Sequence[str]) -> None:
    """A picture for each case, beside its box file."""
    parser = stage_parser(__doc__, None, "views", "boxes", "out")
    parser.add_argument("--cases", nargs="+", required=True)
    args = parser.parse_args(argv)
    for case in args.cases:
        _draw(case, args.views / f"{case}_cine.nii.gz", args.boxes / f"{case}_boxes.json", args.out)


def _draw(case: str, view: Path, boxes: Path, folder: Path) -> None:
    picture = folder / f"{case}_boxes.png"
    with passing_on(picture):
        write_bytes(picture, draw_boxes(case, moments(read_image(view).array_tzyx), read_finding(boxes)))
