"""Networks on disk: safetensors that say which architecture they belong to, so that nothing is unpickled."""

import functools
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lvpipe.config.network_job import Device
from lvpipe.errors import UserError
from lvpipe.files import write_bytes

if TYPE_CHECKING:
    from torch import Tensor, nn

_KEY = "lvpipe"
"""The only metadata key: safetensors does not keep the order of several, and equal networks have equal bytes."""


def build_network(network: str, options: Mapping[str, Any], head: bool = False) -> "nn.Module":
    """The architecture of this name, with fresh weights; `head`: it tells areas too, by a head of its own or a general.

    Raises:
        UserError: these options make no network, such as a list of levels that is too short.
    """
    build = importlib.import_module(f"lvpipe.networks.{network}").build
    try:
        built: nn.Module = build(**options)
    except (TypeError, ValueError, ArithmeticError, LookupError, RuntimeError, AssertionError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"network {network} cannot be built with options {dict(options)}: {why}; mend the model's `options`"
        ) from error
    return _with_areas(built, options) if head and not hasattr(built, "fractions") else built


def _with_areas(drawing: "nn.Module", options: Mapping[str, Any]) -> "nn.Module":
    from lvpipe.networks._area_head import WithAreas

    return WithAreas(drawing, options.get("outputs", 1))


def write_weights(path: Path, state: "Mapping[str, Tensor]", architecture: Mapping[str, Any]) -> None:
    """Write weights with their architecture: `network`, `options` and perhaps `head`."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_bytes(path, save(tensors, metadata={_KEY: json.dumps(dict(architecture), sort_keys=True)}))


def load_networks(paths: Sequence[Path], device: Device, network: str) -> "list[nn.Module]":
    """The networks of these files, ready on the device; each is read once in a process.

    Raises:
        UserError: a file is not readable, or holds another network than this.
    """
    return [_load(path, device, network) for path in paths]


@functools.cache
def _load(path: Path, device: Device, name: str) -> "nn.Module":
    return read_network(path, name).to(device)


def read_network(path: Path, expected: str | None = None) -> "nn.Module":
    """Rebuild a network from its file, ready to be applied; one of this name, where one is expected.

    In the memory format of its batches: else every convolution would sort its weights anew for every batch.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            architecture = json.loads((file.metadata() or {})[_KEY])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping, has only keys())
        network = build_network(**architecture)
        network.load_state_dict(state)
    except (SafetensorError, ImportError, KeyError, TypeError, ValueError, RuntimeError, UserError) as error:
        raise UserError(
            f"{path}: not a readable model ({str(error).splitlines()[0]}); expected safetensors with weights "
            f"and architecture: delete the file and run again"
        ) from error
    if expected not in (None, architecture["network"]):
        raise UserError(
            f"{path}: holds the network {architecture['network']}; expected {expected}: delete the file and run again"
        )
    ready: nn.Module = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
    return ready


def start_from(path: Path, network: "nn.Module", architecture: Mapping[str, Any]) -> None:
    """Give a fresh network of this architecture the weights of a file.

    A general head that the file has not stays fresh; one that this network has not is left out.

    Raises:
        UserError: the file is not readable, or holds another network.
    """
    given = read_network(path, architecture["network"])
    if hasattr(given, "drawing") != hasattr(network, "drawing"):
        given, network = _without_head(given), _without_head(network)
    try:
        network.load_state_dict(given.state_dict())
    except RuntimeError as error:
        raise UserError(
            f"{path}: its weights do not fit the network {architecture['network']} with options "
            f"{architecture['options']}; expected the `options` and `labels` of the model that it starts from"
        ) from error


def _without_head(network: "nn.Module") -> "nn.Module":
    """What draws of it: all of one that has no general head."""
    return network.get_submodule("drawing" if hasattr(network, "drawing") else "")
