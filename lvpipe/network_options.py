"""The options of a network: the arguments of its `build`, by name."""

import ast
from pathlib import Path

from lvpipe.config.cohorts import ModelEntry
from lvpipe.errors import UserError

_NETWORKS = Path(__file__).parent / "networks"

_OUTPUTS = "outputs"
"""Follows from the model's `labels`."""


def check_network(model: ModelEntry) -> None:
    """Refuse unknown networks and options when the workflow is parsed.

    The arguments are read from the source: importing a network imports torch.
    """
    path = _NETWORKS / f"{model.network}.py"
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob("*.py") if file.stem != "__init__")
        raise UserError(f"models: {model.name}: network {model.network} is not there; known: {', '.join(known)}")
    known = [name for name in _arguments_of_build(path) if name != _OUTPUTS]
    unknown = sorted(set(model.options) - set(known))
    if unknown:
        raise UserError(
            f"models: {model.name}: options: unknown key `{unknown[0]}`; known: {', '.join(known) or 'none'}"
        )


def _arguments_of_build(path: Path) -> list[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "build":
            return [argument.arg for argument in node.args.args + node.args.kwonlyargs]
    raise UserError(f"{path}: has no function build; expected it to take a model's options")
