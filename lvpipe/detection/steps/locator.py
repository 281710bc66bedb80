"""`detect locator`: a network learns to find the heart's middle and size in a whole slice."""

from collections.abc import Sequence
from functools import partial

from lvpipe.config.detect import LocatorSettings
from lvpipe.detection.parts import NETWORKS
from lvpipe.detection.teaching.training import teach, teaching_parser


def main(argv: Sequence[str]) -> None:
    """Look at every drawn slice, train, write the model and its history."""
    args = teaching_parser(__doc__, LocatorSettings).parse_args(argv)

    from lvpipe.detection.teaching.locating import Locating, make_slices
    from lvpipe.learning.weights import build_network

    task_of = partial(Locating, settings=args.settings)
    teach("locator", args, make_slices, task_of, lambda _: build_network(NETWORKS["locator"], {}))
