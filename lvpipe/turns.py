"""The eight ways in which a square of pixels lies on itself."""

from typing import Final, Literal, NamedTuple

TurnName = Literal[
    "identity", "mirror_x", "mirror_y", "half_turn", "quarter_turn", "three_quarter_turn", "transpose", "antitranspose"
]


class Turn(NamedTuple):
    """Mirrored along x or not, then turned by quarters from y to x."""

    mirrored: bool
    quarters: int


AS_IT_IS: Final = Turn(mirrored=False, quarters=0)

TURNS: Final[dict[TurnName, Turn]] = {
    "identity": AS_IT_IS,
    "mirror_x": Turn(mirrored=True, quarters=0),
    "mirror_y": Turn(mirrored=True, quarters=2),
    "half_turn": Turn(mirrored=False, quarters=2),
    "quarter_turn": Turn(mirrored=False, quarters=1),
    "three_quarter_turn": Turn(mirrored=False, quarters=3),
    "transpose": Turn(mirrored=True, quarters=1),
    "antitranspose": Turn(mirrored=True, quarters=3),
}
"""By name. The first four keep rows and columns what they are."""

_MIRRORS = 4
SETS: Final = {"none": (AS_IT_IS,), "mirrors": tuple(TURNS.values())[:_MIRRORS], "all": tuple(TURNS.values())}
"""The choices that have a name of their own."""

QUARTERS: Final = tuple(Turn(mirrored=False, quarters=quarters) for quarters in range(4))
WAYS: Final[dict[str, tuple[Turn, ...]]] = {
    "none": SETS["none"],
    "mirrors": SETS["mirrors"],
    "quarters": QUARTERS,
    "drawn": SETS["none"],
}
"""In which stacks are shown that teach by volumes; what is drawn stands for the one."""
