"""A cascade as the XML that OpenCV's programs write and that OpenCV and scikit-image run."""

from pathlib import Path

import numpy as np

from lvpipe.detection.cascade.lbp import CODES
from lvpipe.detection.cascade.model import Cascade, Learner, Stage
from lvpipe.files import write_bytes


def write_cascade(path: Path, cascade: Cascade) -> None:
    """Write it; equal cascades have equal bytes."""
    write_bytes(path, as_xml(cascade).encode())


def as_xml(cascade: Cascade) -> str:
    """The whole file."""
    learners = [learner for stage in cascade.stages for learner in stage.learners]
    features = sorted({learner.feature for learner in learners})
    numbers = {feature: number for number, feature in enumerate(features)}
    return "\n".join(
        [
            '<?xml version="1.0"?>',
            "<opencv_storage>",
            '<cascade type_id="opencv-cascade-classifier">',
            *_parameters(cascade),
            "<stages>",
            *(_stage(stage, numbers) for stage in cascade.stages),
            "</stages>",
            "<features>",
            *(f"<_><rect>{' '.join(map(str, feature))}</rect></_>" for feature in features),
            "</features></cascade>",
            "</opencv_storage>",
            "",
        ]
    )


def _parameters(cascade: Cascade) -> list[str]:
    longest = max(len(stage.learners) for stage in cascade.stages)
    return [
        "<stageType>BOOST</stageType>",
        "<featureType>LBP</featureType>",
        f"<height>{cascade.window_px}</height>",
        f"<width>{cascade.window_px}</width>",
        "<stageParams>",
        "<boostType>GAB</boostType>",
        "<maxDepth>1</maxDepth>",
        f"<maxWeakCount>{longest}</maxWeakCount></stageParams>",
        f"<featureParams><maxCatCount>{CODES}</maxCatCount><featSize>1</featSize></featureParams>",
        f"<stageNum>{len(cascade.stages)}</stageNum>",
    ]


def _stage(stage: Stage, numbers: dict[tuple[int, int, int, int], int]) -> str:
    return "\n".join(
        [
            f"<_><maxWeakCount>{len(stage.learners)}</maxWeakCount>",
            f"<stageThreshold>{stage.threshold!r}</stageThreshold>",
            "<weakClassifiers>",
            *(_learner(learner, numbers[learner.feature]) for learner in stage.learners),
            "</weakClassifiers></_>",
        ]
    )


def _learner(learner: Learner, number: int) -> str:
    """Its subset as eight signed numbers of 32 bits, the lowest code in the lowest bit of the first."""
    words = np.packbits(learner.subset, bitorder="little").view("<i4")
    nodes, leaves = (" ".join(map(str, values)) for values in ((0, -1, number, *words.tolist()), learner.leaves))
    return f"<_><internalNodes>{nodes}</internalNodes><leafValues>{leaves}</leafValues></_>"
