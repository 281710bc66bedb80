"""How much each layer of a network is pulled while it learns."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn


class GradientNorms:
    """The mean norm of each layer's gradient over the steps of an epoch, as the loss gives it: before any clipping."""

    def __init__(self, network: "nn.Module") -> None:
        self._layers = {
            name or "network": list(layer.parameters(recurse=False))
            for name, layer in network.named_modules()
            if any(True for _ in layer.parameters(recurse=False))
        }
        self._sums: dict[str, Tensor | float] = dict.fromkeys(self._layers, 0.0)
        self._steps = 0

    def add(self) -> None:
        """One more step, after its gradients were computed; a weight that the loss does not reach has none."""
        self._steps += 1
        for name, parameters in self._layers.items():
            found = [parameter.grad for parameter in parameters if parameter.grad is not None]
            if found:
                self._sums[name] += torch.nn.utils.get_total_norm(found)

    def tell(self) -> None:
        """A line of the log for each layer; the next epoch begins with none."""
        for name, total in self._sums.items():
            print(f"gradient of {name}: {float(total) / max(self._steps, 1):.3e}", flush=True)
        self._sums, self._steps = dict.fromkeys(self._layers, 0.0), 0
