"""Maps of chances: what a network that locates says, as places, sizes and how sure it is of them."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_USUAL_SHARE = 0.25
"""A heart's square is about a fourth as wide as what is seen; the network tells by how much more, as a logarithm."""


def as_chances(found: "Tensor") -> "Tensor":
    """The chance of every place, `(n, y, x)`, of a network's output `(n, 2, y, x)`; each slice's sum is 1."""
    return torch.softmax(found[:, 0].flatten(1), dim=1).view_as(found[:, 0])


def expected_squares(chances: "Tensor", sizes: "Tensor", side_px: int) -> "Tensor":
    """Row, column and side of each slice, `(n, 3)`, in pixels of the network's input: expected values over the maps."""
    rows, columns = (centres(n, side_px).to(chances.device) for n in chances.shape[1:])
    row = (chances.sum(dim=2) * rows).sum(dim=1)
    column = (chances.sum(dim=1) * columns).sum(dim=1)
    side = torch.exp((chances * sizes).sum(dim=(1, 2))) * (side_px * _USUAL_SHARE)
    return torch.stack([row, column, side], dim=1)


def centres(n: int, side_px: int) -> "Tensor":
    """Where the middles of a map's `n` rows or columns lie among the input's pixels."""
    return (torch.arange(n) + 0.5) * (side_px / n) - 0.5
