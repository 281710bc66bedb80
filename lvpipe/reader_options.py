"""The options of a reader: the arguments of its `read_study` or `read_estimates`, by name, kind and range.

A reader annotates them with plain types; `Annotated[float, (0, 90)]` is above the first and at most the second number.
Numbers with a fraction are sizes, and so above 0 in any case. `OF_ONE_CASE` of a reader names those that hold for a
single case alone. Standard library alone: it is imported when the workflow is parsed.
"""

import importlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from lvpipe import readers
from lvpipe.errors import UserError

_BUILT_BY = ("read_study", "read_estimates")
"""A reader has one of the two."""

_BY_THE_WORKFLOW = ("sources", "root", "table")
"""Arguments of these functions that the workflow itself gives."""

_WORDS = {
    int: "a whole number of 0 or more",
    bool: "true or false",
    float: "a number above 0",
    str: "text",
    NoneType: "nothing (null)",
}


def load_reader(name: str) -> ModuleType:
    """The module of a reader.

    Raises:
        UserError: there is none of this name, or it needs a package that is not installed.
    """
    module = f"lvpipe.readers.{name}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise UserError(f"reader {name}: needs the package {error.name}, which is not installed") from None
    known = sorted(path.stem for path in Path(readers.__file__).parent.glob("[!_]*.py"))
    raise UserError(f"reader {name} is not there; known: {', '.join(known)}")


def check_options(reader: ModuleType, options: Mapping[str, Any], whole_cohort: bool) -> None:
    """Refuse an option of another name, kind or range; for a whole cohort those of one case, too.

    Raises:
        UserError: `options: ` and what is wrong.
    """
    of_one_case = getattr(reader, "OF_ONE_CASE", ()) if whole_cohort else ()
    kinds = {name: kind for name, kind in _kinds(reader).items() if name not in of_one_case}
    for name, value in options.items():
        if name in of_one_case:
            raise UserError(f"options: {name} is for a single case, which the reader sets; expected it to be left out")
        if name not in kinds:
            raise UserError(f"options: unknown key `{name}`; known: {', '.join(kinds) or 'none'}")
        if not _fits(value, kinds[name]):
            raise UserError(f"options: {name} is {value!r}; expected {_expected(kinds[name])}")


def accepted(function: Callable[..., object], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a reader's options that this function of it takes."""
    return {key: value for key, value in options.items() if key in inspect.signature(function).parameters}


def _kinds(reader: ModuleType) -> dict[str, Any]:
    function = next((found for name in _BUILT_BY if (found := getattr(reader, name, None))), None)
    if function is None:
        raise UserError(f"{reader.__name__}: has no function {' or '.join(_BUILT_BY)}; expected one of the two")
    kinds = get_type_hints(function, include_extras=True)
    return {name: kinds[name] for name in inspect.signature(function).parameters if name not in _BY_THE_WORKFLOW}


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value from YAML or JSON is of this kind; a yes is no number."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        above, most = inner[1]
        return _fits(value, inner[0]) and above < value <= most
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is Sequence:
        return isinstance(value, list | tuple) and all(_fits(one, inner[0]) for one in value)
    return _is_of(value, kind)


def _is_of(value: Any, kind: type) -> bool:
    """The same of a plain kind: a size is above 0, a number of something 0 or more."""
    if isinstance(value, bool) or kind is bool:
        return kind is bool and isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value) and value > 0
    return isinstance(value, kind) and (not isinstance(value, int) or value >= 0)


def _expected(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return f"a number above {inner[1][0]:g}, {inner[1][1]:g} at most"
    if origin in (Union, UnionType):
        return " or ".join(_expected(one) for one in inner)
    if origin is Literal:
        return " or ".join(map(str, inner))
    if origin is Sequence:
        return f"a list, each {_expected(inner[0])}"
    return _WORDS.get(kind, str(kind))
