"""What augmentation costs: reading and changing a batch, as a share of a training step of the default network.

    python benchmarks/augmentation.py [--side 112] [--batch 8] [--threads 1]

Ends with an error if the default augmentation, or all changes together, leave the network waiting for more than a tenth
of its step.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from lvpipe.config.train import Augmentation, TrainSettings
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.optimising import make_optimiser
from lvpipe.learning.segmenting import Segmenting
from lvpipe.learning.store import Samples, Store, write_store
from lvpipe.learning.weights import build_network

IMAGES = 400
REPEATS = 25
MOST_SHARE = 0.10
NETWORK = {"channels": [16, 32, 64, 128], "residual_units": 2}
NOTHING = {
    "rotate_degrees": 0,
    "scale_share": 0,
    "mirror_y": False,
    "shift_px": 0,
    "gamma": 1,
    "bias_share": 0,
    "noise_sd": 0,
}
CHANGES: dict[str, dict[str, Any]] = {
    "rotate": {"rotate_degrees": 30},
    "turn": {"turn_degrees": 90},
    "scale": {"scale_share": 0.3},
    "mirror": {"mirror_y": True, "mirror_x": True},
    "shift": {"shift_px": 12},
    "bend": {"bend_px": 4},
    "equalise": {"equalise_clip": 3},
    "gamma": {"gamma": 1.5},
    "contrast": {"contrast_share": 0.3},
    "brightness": {"brightness_share": 0.3},
    "bias": {"bias_share": 0.3},
    "blur": {"blur_px": 1},
    "coarse": {"coarse_factor": 2},
    "noise": {"noise_sd": 0.05},
}
"""Each change alone, on the share of the images that the settings have by default."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=112, help="pixels along each side of an image")
    parser.add_argument("--batch", type=int, default=8, help="images in a batch")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    args = parser.parse_args()
    settings = TrainSettings(batch_images=args.batch, threads=args.threads)
    prepare_torch(settings)
    with tempfile.TemporaryDirectory() as name:
        task = Segmenting(*[make_samples(Path(name), args.side)] * 2, settings)
        shares = measure(task)
    most = shares["reading"] + max(shares["default"], shares["all"])
    if most > MOST_SHARE:
        raise SystemExit(f"reading and changing a batch take {most:.0%} of a step; expected at most {MOST_SHARE:.0%}")


def make_samples(folder: Path, side: int) -> Samples:
    """Noise with a square to be found in it."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (IMAGES, side, side)).astype(np.uint8)
    targets = np.zeros_like(images)
    targets[:, side // 3 : -side // 3, side // 3 : -side // 3] = 1
    write_store(folder / "store", [("case", images, targets)])
    return Store(folder / "store").samples(["case"])


def measure(task: Segmenting) -> dict[str, float]:
    """Print what each part takes; return the shares of a step."""
    batch = next(task.batches(np.random.default_rng(1)))
    step_s = seconds_of_step(task, batch)
    print(f"step of {len(batch[0])} images, neither read nor changed: {1e3 * step_s:.1f} ms; shares of it:")
    parts = {"reading": lambda: task.fetch(task.learn, np.random.default_rng(1).permutation(IMAGES)[: len(batch[0])])}
    for name, settings in augmentations().items():
        augment = Augmenter(settings, seed=1)
        parts[name] = lambda augment=augment: augment(*batch)
    shares = {name: seconds(part) / step_s for name, part in parts.items()}
    for name, share in shares.items():
        print(f"  {name:12} {100 * share:5.2f} %", flush=True)
    return shares


def augmentations() -> dict[str, Augmentation]:
    """The default, each change alone, and all of them."""
    every = {key: value for change in CHANGES.values() for key, value in change.items()}
    alone = {name: Augmentation(**{**NOTHING, **change}) for name, change in CHANGES.items()}
    return {"default": Augmentation(), **alone, "all": Augmentation(**every)}


def seconds_of_step(task: Segmenting, batch: Any) -> float:
    """Forward, backward and step of the default network on a batch that is there already."""
    network = build_network("unet", NETWORK).train()
    optimiser = make_optimiser(network, task.settings)
    images, targets = batch

    def step() -> None:
        loss = task.compare(task.apply(network, images), targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return seconds(step)


def seconds(part: Callable[[], Any]) -> float:
    """Median of several runs; the first ones prepare what later ones use."""
    took = []
    for _ in range(REPEATS + 3):
        started_s = time.perf_counter()
        part()
        took.append(time.perf_counter() - started_s)
    return median(took[3:])


if __name__ == "__main__":
    main()
