"""The share of a window that is cavity, as a network tells it: by its head of areas, or by its probabilities."""

from typing import TYPE_CHECKING, Literal

from lvpipe.config.network_job import Precision
from lvpipe.learning.batches import compute, in_numbers
from lvpipe.networks._area_head import share_of_window

if TYPE_CHECKING:
    from torch import Tensor, nn

By = Literal["areas", "prob"]


def sees_studies(network: "nn.Module") -> bool:
    """Whether it takes all frames and slices of a study at once."""
    return hasattr(network, "stack_fractions")


def tell_fractions(network: "nn.Module", ready: "Tensor", by: By, precision: Precision) -> "Tensor":
    """The share of each window that is cavity, `(n,)`: by the head of areas, or the mean of the probabilities."""
    if by == "prob":
        return share_of_window(compute(network, ready, precision)[:, :1].sigmoid())
    with in_numbers(precision, ready.device.type):
        fractions: Tensor = network.fractions(ready)  # type: ignore[operator]  # see docs/networks.md
    return fractions.float()


def tell_both(network: "nn.Module", ready: "Tensor", precision: Precision) -> "tuple[Tensor, Tensor]":
    """Logits, and the share of each window that is cavity by the head of areas."""
    with in_numbers(precision, ready.device.type):
        logits, areas = network.both(ready)  # type: ignore[operator]  # networks that draw and have a head have it
    return logits.float(), share_of_window(areas)
