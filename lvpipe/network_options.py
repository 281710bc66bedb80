"""What a network takes: options (the arguments of its `build`, by name and kind) and windows.

All is read from the source: importing a network imports torch. Beside `build` a module may say, in plain literals,

- `MAKES`: what comes out, `prob` if left out (logits of each label); else `areas`, `volumes`, the detector's `squares`;
- `TAKES`: what goes in, one `image` if left out; `stack`: all images of a study; `channels`: as many as the option
  `channels` says; `maps` of other networks, which no model shows it;
- `SIDE`: the only side of an image that it takes, in pixels;
- `SIDE_MULTIPLE`: what the side is a multiple of;
- `SIDE_HALVED_BY`: the option that lists levels, between each two of which the side is halved.
"""

import ast
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from lvpipe.config.cohorts import ModelEntry
from lvpipe.errors import UserError

_NETWORKS = Path(__file__).parent / "networks"

_OUTPUTS = "outputs"
"""Follows from the model's `labels`."""

_DRAWING = "prob"

_LOOKING: Mapping[str, tuple[str, ...]] = {
    "image": ("single",),
    "stack": ("single",),
    "channels": ("slice_cycle", "study_draw"),
}
"""What a network takes that sees windows, and `window.images` that make it."""

_TAKEN = {"image": "one image", "stack": "all images of a study", "channels": "many images"}

_ANNOTATIONS = {"Sequence": Sequence, "Literal": Literal}
"""What annotations of options are made of, beside Python's own names."""

_WORDS = {int: "a whole number of 0 or more", float: "a number of 0 or more", bool: "true or false", str: "text"}

_FEWEST_AT_THE_BOTTOM = 2
"""Pixels along a side where it is halved most: a single one has no spread to normalise by."""


class Source:
    """What a network's module says of itself."""

    def __init__(self, path: Path) -> None:
        body = ast.parse(path.read_text()).body
        build = next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == "build"), None)
        if build is None:
            raise UserError(f"{path}: has no function build; expected it to take a model's options")
        arguments = build.args.args + build.args.kwonlyargs
        self.kinds = {one.arg: _kind(one.annotation) for one in arguments if one.arg != _OUTPUTS}
        defaults = zip(reversed(build.args.args), reversed(build.args.defaults), strict=False)
        self.defaults = {argument.arg: _value(default) for argument, default in defaults}
        self.said = dict(_literals(body))

    @property
    def makes(self) -> str:
        """What comes out of it."""
        return str(self.said.get("MAKES", _DRAWING))

    @property
    def takes(self) -> str:
        """What goes into it."""
        return str(self.said.get("TAKES", "image"))

    def complete(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options with what those are that nobody gave."""
        return {name: value for name, value in self.defaults.items() if name in self.kinds} | dict(options)

    def multiple(self, options: Mapping[str, Any]) -> int:
        """What a window's side is a multiple of."""
        levels = self.said.get("SIDE_HALVED_BY")
        if levels is not None:
            return int(2 ** (len(options.get(levels, self.defaults.get(levels))) - 1))
        return int(self.said.get("SIDE_MULTIPLE", 1))


def list_networks() -> list[str]:
    """The names of all that are there; files that begin with `_` are what they share."""
    return sorted(path.stem for path in _NETWORKS.glob("[!_]*.py"))


def list_drawing() -> list[str]:
    """The names of those that a model of kind `draws` can have."""
    return list_making(_DRAWING)


def list_making(makes: str) -> list[str]:
    """The names of those that a model can have that makes this."""
    sources = {name: read_source(name) for name in list_networks()}
    return [name for name, source in sources.items() if source.makes == makes and source.takes in _LOOKING]


def read_source(name: str) -> Source:
    """What a network's module says of itself."""
    return _parse(_NETWORKS / f"{name}.py")


def check_network(model: ModelEntry) -> None:
    """Refuse, when the workflow is parsed, a network or an option that is not there, and a window that does not fit.

    Raises:
        UserError: what is wrong, in one line.
    """
    known = ", ".join(list_making(model.makes))
    if model.network not in list_networks():
        raise UserError(f"models: {model.name}: network {model.network} is not there; known: {known}")
    source = read_source(model.network)
    unlike = _unlike(model, source)
    if unlike:
        raise UserError(f"models: {model.name}: network {model.network} {unlike}; expected one of: {known}")
    _check_options(model, source)
    _check_side(model, source)
    _check_images(model, source)


@cache
def _parse(path: Path) -> Source:
    return Source(path)


def _unlike(model: ModelEntry, source: Source) -> str:
    """How a network is another than its model wants, if it is."""
    if source.takes not in _LOOKING:
        return f"takes {source.takes} of other networks, no images"
    if source.makes == model.makes:
        return ""
    return f"makes {source.makes}, it does not draw" if model.draws else f"makes {source.makes}, not {model.makes}"


def _check_options(model: ModelEntry, source: Source) -> None:
    for name, value in model.options.items():
        if name not in source.kinds:
            known = ", ".join(source.kinds) or "none"
            raise UserError(f"models: {model.name}: options: unknown key `{name}`; known: {known}")
        if not _fits(value, source.kinds[name]):
            expected = _expected(source.kinds[name])
            raise UserError(f"models: {model.name}: options: {name} is {value!r}; expected {expected}")


def _check_side(model: ModelEntry, source: Source) -> None:
    side, only = model.window.side_px, source.said.get("SIDE")
    where = f"models: {model.name}: window.side_px is {side}, network {model.network} takes"
    if only is not None and side != only:
        raise UserError(f"{where} images of {only} x {only} alone; expected `window: {{side_px: {only}}}`")
    multiple = source.multiple(model.options)
    fewest = _FEWEST_AT_THE_BOTTOM * multiple
    if multiple > 1 and (side % multiple or side < fewest):
        near = max(fewest, round(side / multiple) * multiple)
        raise UserError(
            f"{where} multiples of {multiple} from {fewest} on; expected e.g. `window: {{side_px: {near}}}`"
        )


def _check_images(model: ModelEntry, source: Source) -> None:
    where = f"models: {model.name}: window"
    expected = _LOOKING[source.takes]
    if model.window.images not in expected:
        raise UserError(
            f"{where}.images is {model.window.images}, network {model.network} takes {_TAKEN[source.takes]}; "
            f"expected {' or '.join(expected)}"
        )
    if model.window.deltas and source.takes != "channels":
        raise UserError(
            f"{where}.deltas is true, network {model.network} takes {_TAKEN[source.takes]}; expected false: only "
            f"networks of many channels see what moves"
        )


def _literals(body: Iterable[ast.stmt]) -> Iterator[tuple[str, Any]]:
    """Names and values that stand at the top of a module."""
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, _value(node.value)) for target in targets if isinstance(target, ast.Name))


def _value(node: ast.expr) -> Any:
    """The value of a literal; None of anything else."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _kind(annotation: ast.expr | None) -> Any:
    """The type that an annotation names; one of other words, or none, lets everything pass."""
    try:
        return eval(ast.unparse(annotation), dict(_ANNOTATIONS)) if annotation is not None else Any
    except NameError:
        return Any


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value from YAML or JSON is of this kind; a yes is no number."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is Sequence:
        return isinstance(value, list | tuple) and bool(value) and all(_fits_in_list(one, inner[0]) for one in value)
    if kind in (int, float):
        number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
        return number and math.isfinite(value) and value >= 0
    return kind is Any or isinstance(value, kind)


def _fits_in_list(value: Any, kind: Any) -> bool:
    """The same of one of several: whole numbers are sizes there, of which none is 0."""
    return _fits(value, kind) and (kind is not int or value > 0)


def _expected(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_expected(one) for one in inner)
    if origin is Literal:
        return " or ".join(map(str, inner))
    if origin is Sequence:
        return f"a list, each {'a whole number of 1 or more' if inner[0] is int else _expected(inner[0])}"
    return _WORDS.get(kind, str(kind))
