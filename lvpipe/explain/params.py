"""The params of a rule in words: settings, modules and lists of cases, and what changed between two of them."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lvpipe.explain.words import shorten, some_of
from lvpipe.provenance import MODULE_SEPARATOR

_MODULES = re.compile(rf"lvpipe[\w.]*=[0-9a-f]+({MODULE_SEPARATOR}lvpipe[\w.]*=[0-9a-f]+)*")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_STAGE = re.compile(r"-m lvpipe (\w+)")
SOURCE_CHANGED = "the files in its source folder changed"


def stage_of(command: str) -> str:
    """The stage word of a rule's command, which is also the name of its section in the configuration."""
    found = _STAGE.search(command)
    return found[1] if found else ""


def parse(text: str) -> Any:
    """The value of a param as Snakemake keeps it: a list, a mapping of settings, or what it is."""
    try:
        value = ast.literal_eval(text)
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except (ValueError, SyntaxError):
        return text


def modules(value: Any) -> dict[str, str]:
    """Each module with its digest, where the value is a code digest; else nothing."""
    if not isinstance(value, str) or not _MODULES.fullmatch(value):
        return {}
    return dict(part.split("=") for part in value.split(MODULE_SEPARATOR))


def flatten(settings: Any, path: str = "") -> dict[str, Any]:
    """Settings by dotted path; entries of a list that have a name are known by it."""
    if (
        isinstance(settings, list)
        and settings
        and all(isinstance(entry, dict) and "name" in entry for entry in settings)
    ):
        settings = {entry["name"]: {key: value for key, value in entry.items() if key != "name"} for entry in settings}
    if not isinstance(settings, dict) or not settings:
        return {path: settings}
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= flatten(value, f"{path}.{key}" if path else str(key))
    return found


def differences(old: Iterable[str], new: Mapping[str, str], stage: str) -> Iterator[str]:
    """One sentence for each thing that differs.

    `old` are the params that are no more, without names, as Snakemake keeps them; `new` those that are new, by name.
    """
    left = [parse(text) for text in old]
    values = {name: parse(text) for name, text in new.items()}
    # Longest first: a list of two finds its partner more surely once the list of twenty has found its own.
    for name, value in sorted(values.items(), key=lambda item: -len(str(item[1]))):
        rivals = sum(_kind(other) == _kind(value) for other in values.values())
        partner = _partner(value, left, rivals)
        if partner is not None:
            left.remove(partner)
        yield from _difference(name, partner, value, stage)
    if len(left) > 0 and not new:
        yield from (f"a param is gone: {shorten(_shown(value))}" for value in left)


def _kind(value: Any) -> str:
    return "modules" if modules(value) else type(value).__name__


def _members(value: Any) -> set[str]:
    named = modules(value) or (flatten(value) if isinstance(value, dict) else value)
    return {str(member) for member in named} if isinstance(named, dict | list) else set()


def _partner(value: Any, left: list[Any], rivals: int) -> Any:
    """What stood in this value's place: of its kind, with most in common; plain values only if there is no doubt."""
    alike = [other for other in left if _kind(other) == _kind(value)]
    if isinstance(value, dict | list) or modules(value):
        return max(alike, key=lambda other: len(_members(other) & _members(value)), default=None)
    return alike[0] if len(alike) == rivals == 1 else None


def _difference(name: str, old: Any, new: Any, stage: str) -> Iterator[str]:
    if modules(new) and old is not None:
        yield from _changes(modules(old), modules(new), "{0} changed", "")
    elif isinstance(new, dict) and old is not None:
        yield from _changes(flatten(old), flatten(new), "{0}: {1} -> {2}", f"{stage if name == 'settings' else name}.")
    elif isinstance(new, list) and old is not None:
        yield from _list_changes(name, [str(member) for member in old], [str(member) for member in new])
    elif name == "files":
        yield SOURCE_CHANGED
    elif modules(new):
        yield "the code was recorded by an earlier lvpipe, in a form that cannot be compared"
    elif old is None:
        yield f"{name} is now {shorten(_shown(new))}"
    else:
        yield f"{name}: {shorten(_shown(old))} -> {shorten(_shown(new))}"


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], changed: str, prefix: str) -> Iterator[str]:
    for key in sorted({*old, *new}):
        if key not in old:
            yield f"{prefix}{key} is new" + (f": {shorten(_shown(new[key]))}" if prefix else "")
        elif key not in new:
            yield f"{prefix}{key} is gone"
        elif old[key] != new[key]:
            yield changed.format(prefix + key, shorten(_shown(old[key])), shorten(_shown(new[key])))


def _list_changes(name: str, old: list[str], new: list[str]) -> Iterator[str]:
    before, now = set(old), set(new)
    added = [member for member in new if member not in before]
    gone = [member for member in old if member not in now]
    if added:
        yield f"{name}: {some_of(added)} new"
    if gone:
        yield f"{name}: {some_of(gone)} gone"
    if not added and not gone:
        yield f"{name}: another order"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return "another digest" if _DIGEST.fullmatch(value) else value or "nothing"
    return json.dumps(value)
