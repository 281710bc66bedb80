"""`detect cascade`: learn the cascade that proposes squares, from the drawn cases of a view."""

from collections.abc import Sequence
from pathlib import Path

from lvpipe.arguments import stage_parser
from lvpipe.config.detect import CascadeSettings
from lvpipe.detection.cascade.training import COLUMNS, learn_cascade
from lvpipe.detection.cascade.xml import write_cascade
from lvpipe.detection.lessons import read_lessons
from lvpipe.files import write_table


def main(argv: Sequence[str]) -> None:
    """Read the drawn cases, write the cascade and the table of its stages."""
    parser = stage_parser(__doc__, CascadeSettings, "cines", "out", "table")
    parser.add_argument("--learn", nargs="*", default=[], metavar="CASE", help="cases to learn from")
    parser.add_argument("--margin", type=float, required=True, help="side of a square over the heart's outer border's")
    args = parser.parse_args(argv)
    lessons = [lesson.drawn_alone() for lesson in read_lessons(args.learn, Path(args.cines), args.margin)]
    learnt = learn_cascade(lessons, args.settings)
    write_table(args.table, COLUMNS, learnt.table)
    write_cascade(args.out, learnt.cascade)
