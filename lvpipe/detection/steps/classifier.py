"""`detect classifier`: a network learns to tell the heart's square from others that the cascade proposes."""

from collections.abc import Sequence
from functools import partial

from lvpipe.arguments import section_of
from lvpipe.config.detect import ClassifierSettings, ProposalSettings
from lvpipe.detection.teaching.examples import patches_per_slice
from lvpipe.detection.teaching.training import taught, teach, teaching_parser


def main(argv: Sequence[str]) -> None:
    """Cut squares from every drawn slice, train, write the model and its history."""
    parser = teaching_parser(__doc__, ClassifierSettings, "cascade")
    parser.add_argument("--proposals", type=section_of(ProposalSettings), required=True, metavar="JSON")
    args = parser.parse_args(argv)

    from lvpipe.detection.cascade.proposals import propose
    from lvpipe.detection.teaching.deciding import Deciding, fresh_network
    from lvpipe.detection.teaching.overlaps import make_overlaps

    each = patches_per_slice(args.settings.slice_images, len(taught(args)))
    proposed = partial(propose, [args.cascade], settings=args.proposals)
    examples_of = partial(make_overlaps, each=each, propose=proposed, seed=args.settings.seed)
    teach("classifier", args, examples_of, partial(Deciding, settings=args.settings), fresh_network, args.cascade)
