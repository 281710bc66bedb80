"""`postprocess`: from probabilities to the mask that is counted."""

from collections.abc import Sequence

from lvpipe.arguments import stage_parser
from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.images import passing_on, read_images, write_image
from lvpipe.labels import VALUES
from lvpipe.masks import make_mask


def main(argv: Sequence[str]) -> None:
    """Read probabilities, write the mask."""
    parser = stage_parser(__doc__, PostprocessSettings, "prob", "out")
    parser.add_argument("--labels", nargs="+", choices=VALUES, default=["cavity"], help="whose probabilities, in order")
    args = parser.parse_args(argv)
    with passing_on(args.out):
        probs = dict(zip(args.labels, read_images(args.prob), strict=True))
        write_image(args.out, make_mask(probs, args.settings))
