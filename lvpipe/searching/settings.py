"""Settings by dotted paths, such as `window.side_px`, in nested mappings."""

import json
from collections.abc import Mapping
from functools import reduce
from typing import Any

from lvpipe.errors import UserError


def find(mapping: Mapping[str, Any], path: str) -> Any:
    """What stands at a path."""
    return reduce(lambda inner, key: inner[key], path.split("."), mapping)


def put(mapping: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The mapping with another value at a path; mappings on the way that are missing are made.

    Raises:
        UserError: the path leads through something else than a mapping.
    """
    key, _, rest = path.partition(".")
    inner = mapping.get(key, {})
    if rest and not isinstance(inner, Mapping):
        raise UserError(f"`{key}` is no section, and has no `{rest}`; expected it as a whole, as one value")
    return {**mapping, key: put(inner, rest, value) if rest else value}


def change_model(entry: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of `models` with other settings; those of `train` become its own overrides."""
    return reduce(lambda changed, item: put(changed, _place(item[0]), item[1]), values.items(), dict(entry))


def _place(path: str) -> str:
    return f"overrides.{path}" if path.startswith("train.") else path


def word(value: Any) -> str:
    """A value as one would type it; a float as short as six digits tell it."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
