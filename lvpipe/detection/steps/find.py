"""`detect find`: the boxes of a shard of cases, by one method, and what its rivals say."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lvpipe.arguments import stage_parser
from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.detect import CONSENSUS, DetectSettings
from lvpipe.detection.agreement import doubt
from lvpipe.detection.consensus import settle
from lvpipe.detection.finding import Finding, Scene, ask
from lvpipe.detection.parts import FILES
from lvpipe.images import passing_on, read_image

_MOST_DOUBTFUL = 0.5
"""The score of a heart that is doubtful is no higher."""

_LEAST_SEEN = 0.6
"""Share of the slices; a few at the ends often show no ventricle any more."""


def find_boxes(scene: Scene, settings: DetectSettings) -> Boxes:
    """What the method finds; doubtful where a rival finds another place."""
    findings = ask(settings.asked, scene, settings)
    if settings.method == CONSENSUS:
        findings = {CONSENSUS: settle(findings, settings.agree_mm / scene.pixel_mm), **findings}
    chosen = findings[settings.method]
    doubts = [doubt(findings, settings.method, scene.pixel_mm, settings.agree_mm), _unconfirmed(scene, chosen)]
    doubtful = "; ".join(filter(None, doubts))
    return Boxes(
        method=settings.method,
        pixel_mm=scene.pixel_mm,
        squares=tuple((float(row), float(column), float(side)) for row, column, side in chosen.squares),
        score=min(float(chosen.score), _MOST_DOUBTFUL) if doubtful else float(chosen.score),
        scores=tuple(None if score != score else float(score) for score in chosen.scores),  # noqa: PLR0124  (NaN)
        reason=chosen.reason or doubtful,
        doubtful=bool(doubtful),
        rivals=_middles(findings),
        proposals=tuple(tuple(map(float, proposal)) for proposal in chosen.proposals),
    )


def _unconfirmed(scene: Scene, chosen: Finding) -> str:
    """Why it is doubtful by itself, whatever rivals say; scores are no measure, for those of methods do not compare."""
    frames, slices = scene.cine_tzyx.shape[:2]
    if not chosen.found:
        return ""
    if not np.ptp(scene.cine_tzyx, axis=0).any():
        return f"{frames} frames that are all alike: nothing shows that it beats" if frames > 1 else "a single frame"
    if slices == 1:
        return "a single slice"
    seen = int(np.isfinite(chosen.scores).sum())
    return f"it is seen in {seen} of {slices} slices" if seen < _LEAST_SEEN * slices else ""


def _middles(findings: Mapping[str, Finding]) -> dict[str, tuple[float, float] | None]:
    return {name: (float(one.middle[0]), float(one.middle[1])) if one.found else None for name, one in findings.items()}


def main(argv: Sequence[str]) -> None:
    """Load what was learnt once, then write each case's boxes."""
    parser = stage_parser(__doc__, DetectSettings, "views", "parts", "out")
    parser.add_argument("--cases", nargs="+", required=True, help="the cases of this shard")
    parser.add_argument("--folds", nargs="+", required=True, help="the folds whose detector never saw them")
    args = parser.parse_args(argv)
    learnt = {part: [args.parts / f"fold-{fold}" / FILES[part] for fold in args.folds] for part in args.settings.learnt}
    if learnt:
        from lvpipe.learning.device import prepare_torch

        prepare_torch(args.settings)
    for case in args.cases:
        out = args.out / f"{case}_boxes.json"
        with passing_on(out):
            write_boxes(out, find_boxes(_scene(case, args, learnt), args.settings))


def _scene(case: str, args: argparse.Namespace, learnt: Mapping[str, Sequence[Path]]) -> Scene:
    """The case as the view shows it; its reference only where a method looks at that, and an expert drew."""
    cine = read_image(args.views / f"{case}_cine.nii.gz")
    drawn = args.views / f"{case}_reference.nii.gz"
    looks = "reference" in args.settings.asked and drawn.exists()
    reference = read_image(drawn).array_tzyx if looks else None
    return Scene(cine.array_tzyx, cine.pixel_mm, learnt, reference)
