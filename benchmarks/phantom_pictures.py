"""Pictures of synthetic cases for docs/phantom/, and, for looking only, the same beside real slices.

python benchmarks/phantom_pictures.py                                   # remakes docs/phantom/*.png
python benchmarks/phantom_pictures.py --real ../shared/data/sunnybrook --to /tmp/beside.png
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lvpipe.config.phantom import PhantomCohort, PhantomOrder
from lvpipe.labels import CAVITY
from lvpipe.phantom.case import PhantomCase, build_case

DOCS = Path(__file__).parent.parent / "docs" / "phantom"
SIDE = 192
"""Side of each tile, pixels."""

KAGGLE = PhantomOrder(seed=2016, cohort=PhantomCohort(layout="kaggle", cases={"train": 40}))
SUNNYBROOK = PhantomOrder(seed=2016, cohort=PhantomCohort(layout="sunnybrook", cases={"all": 40}))


def tile(picture: NDArray[np.integer] | NDArray[np.floating], side: int = SIDE) -> NDArray[np.uint8]:
    """Show black to the 99.5th percentile as black to white, the whole field in a square."""
    grey = np.clip(picture / max(float(np.percentile(picture, 99.5)), 1e-6), 0, 1) * 255
    image = Image.fromarray(grey.astype(np.uint8))
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    if max(image.size) < side:
        scale = side / max(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    square = Image.new("L", (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(square)


def outlined(picture: NDArray[np.integer], labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Draw the borders of cavity and muscle in white."""
    shown = np.clip(picture / np.percentile(picture, 99.5), 0, 1) * 0.8
    for inside in (labels == CAVITY, labels > 0):
        inner = inside.copy()
        for axis in (0, 1):
            inner &= np.roll(inside, 1, axis) & np.roll(inside, -1, axis)
        shown[inside & ~inner] = 1.0
    return np.asarray(shown)


def stack_rows(case: PhantomCase, count: int, borders: bool = False, side: int = SIDE) -> list[NDArray[np.uint8]]:
    """Two rows of a case: `count` slices from base to apex at ED, and at ES."""
    chosen = [case.slices[round(i)] for i in np.linspace(0, len(case.slices) - 1, count + 2)[1:-1]]
    rows: list[list[NDArray[np.uint8]]] = [[], []]
    for taken in chosen:
        pictures = case.image(taken)
        for row, frame in zip(rows, (case.heart.ed_frame, case.heart.es_frame), strict=True):
            shown = pictures[taken.frames.index(frame) if frame in taken.frames else 0]
            row.append(tile(outlined(shown, case.reference_mask(taken, frame)) if borders else shown, side))
    return [np.hstack(row) for row in rows]


def middle(case: PhantomCase, at: float = 0.45) -> NDArray[np.uint8]:
    """One slice of a case at ED, this far down the stack."""
    taken = case.slices[round((len(case.slices) - 1) * at)]
    return tile(case.image(taken)[0])


def real_rows(root: Path, count: int, side: int = SIDE) -> list[NDArray[np.uint8]]:
    """Rows of real slices, base to apex: for looking at, never for the repository."""
    rows = []
    for folder in sorted((root / "slices").glob("SC*"))[::4]:
        files = sorted(path for path in folder.glob("*.png") if "cavity" not in path.name)
        chosen = [files[round(i)] for i in np.linspace(0, len(files) - 1, count)]
        rows.append(np.hstack([tile(np.asarray(Image.open(path)), side) for path in chosen]))
    return rows


def save(path: Path, rows: list[NDArray[np.uint8]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).quantize(64).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="folder of the Sunnybrook data: put its slices beside, in --to")
    parser.add_argument("--to", type=Path, default=Path("/tmp/beside.png"))
    parser.add_argument("--cases", default="1,2,3", help="numbers of the synthetic cases to put beside")
    given = parser.parse_args()
    if given.real:
        cases = [build_case("contours", f"SCD9{int(number):04d}01", SUNNYBROOK) for number in given.cases.split(",")]
        phantoms = [row for case in cases for row in stack_rows(case, 5)]
        real = real_rows(given.real, 5)[: len(phantoms)]
        save(given.to, [np.hstack(pair) for pair in zip(phantoms, real, strict=False)])
        return
    save(DOCS / "stack.png", stack_rows(build_case("volumes", "4", KAGGLE), 5, side=160))
    save(DOCS / "reference.png", stack_rows(build_case("volumes", "7", KAGGLE), 5, borders=True, side=160))
    cohort = [middle(build_case("volumes", str(number), KAGGLE)) for number in range(1, 13)]
    save(DOCS / "cohort.png", [np.hstack(cohort[i : i + 6]) for i in (0, 6)])


if __name__ == "__main__":
    main()
