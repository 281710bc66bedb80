"""Who teaches by volumes, and by which task: stacks in turns with masks, or whole studies at once."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lvpipe.cases import Labels
from lvpipe.learning.by_volumes import ByVolumes
from lvpipe.learning.fractions import sees_studies
from lvpipe.learning.measuring import Measurer
from lvpipe.learning.sampled import SampledTask
from lvpipe.learning.stacks import store_stacks
from lvpipe.learning.store import Samples
from lvpipe.learning.task import Task
from lvpipe.learning.telling_volumes import TellingVolumes
from lvpipe.learning.watching import share_watched

if TYPE_CHECKING:
    from torch import nn


def make_task(
    args: Namespace,
    kept: Path,
    network: "nn.Module",
    masks: SampledTask[Samples] | None,
    volumes: Mapping[str, Labels],
) -> Task:
    """What volumes teach, of the cases that are whole and have them, and masks beside them, if there are any."""
    places = (args.cines, args.ledgers, args.boxes)
    stacks = store_stacks(kept / "stacks", volumes, *places, args.window)
    learn, watch = share_watched(stacks.cases, args.measure_watch, "no volumes or no whole stack")
    print(f"learning from the volumes of {len(learn)} cases, watching those of {len(watch)}")
    if args.makes == "volumes":
        task = TellingVolumes(stacks, learn, watch, args.settings, args.window, int(network.channels))  # type: ignore[arg-type]  # such networks have it
        task.start(network)
        return task
    return ByVolumes(
        stacks,
        learn,
        watch,
        Measurer(args.settings, args.integrate, args.window.intensities),
        masks,
        draws=args.makes == "prob",
        studies=sees_studies(network),
        started=args.start is not None,
    )
