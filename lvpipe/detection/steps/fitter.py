"""`detect fitter`: a network learns to move and size a square to the heart that it nearly shows."""

from collections.abc import Sequence
from functools import partial

from lvpipe.config.detect import FitterSettings
from lvpipe.detection.parts import NETWORKS
from lvpipe.detection.teaching.examples import patches_per_slice
from lvpipe.detection.teaching.training import taught, teach, teaching_parser


def main(argv: Sequence[str]) -> None:
    """Cut squares about those of every drawn slice, train, write the model and its history."""
    args = teaching_parser(__doc__, FitterSettings).parse_args(argv)

    from lvpipe.detection.teaching.fits import make_fits
    from lvpipe.detection.teaching.fitting import Fitting
    from lvpipe.learning.weights import build_network

    each = patches_per_slice(args.settings.slice_images, len(taught(args)))
    examples_of = partial(make_fits, each=each, seed=args.settings.seed)
    task_of = partial(Fitting, settings=args.settings)
    teach("fitter", args, examples_of, task_of, lambda _: build_network(NETWORKS["fitter"], {}))
