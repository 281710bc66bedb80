"""What a result depends on: digests of code, files and folders, so that exactly the right rules run again."""

import ast
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lvpipe.digests import digest
from lvpipe.listing import walk

_PACKAGE = "lvpipe"
_ROOT = Path(__file__).parent.parent
_MODULE_DIGEST_LENGTH = 8
"""Hex digits of one module: it is compared with its own earlier versions alone, and thousands of records hold it."""
MODULE_SEPARATOR = ","
"""Between the modules of a code digest: no character that a shell would read."""
_HOLDING = ast.stmt | ast.ExceptHandler | ast.match_case
"""Nodes that statements stand in."""


def folder_fingerprint(paths: Iterable[Path]) -> str:
    """A digest of the names, sizes and times of all files below these paths; opens none of them."""
    return digest(*(line for path in paths for line in _stat_lines(path)))


@cache
def code_digest(*modules: str) -> str:
    """Every module that these modules reach within the package, each with a digest of its meaning: `a=1f..,b=07..`.

    Comments, docstrings, formatting and time stamps do not count; a changed line in any imported module does. Modules
    are named so that a record of an earlier run tells which of them changed. Thousands of jobs share one string.
    """
    closure = sorted({found for module in modules for found in import_closure(module)})
    return MODULE_SEPARATOR.join(f"{module}={_read(module).digest}" for module in closure)


@cache
def import_closure(module: str) -> frozenset[str]:
    """The module and every module of the package that it imports to run, directly or not, wherever that stands."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current not in found and _file(current) is not None:
            found.add(current)
            waiting.extend(_read(current).imports)
    return frozenset(found)


class _Module(NamedTuple):
    digest: str
    imports: frozenset[str]


@cache
def _read(module: str) -> _Module:
    """What counts of a module, asked once though many closures hold it; its tree is large, and not kept."""
    path = _file(module)
    assert path is not None
    tree = ast.parse(path.read_text())
    imports = frozenset(_names_imported(tree))
    return _Module(digest(_meaning(tree))[:_MODULE_DIGEST_LENGTH], imports)


def _meaning(tree: ast.Module) -> str:
    """The source without what documents it."""
    for node in (tree, *_executed(tree)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or the string below a constant that documents it."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _names_imported(tree: ast.Module) -> Iterator[str]:
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            yield from (name for alias in node.names for name in _with_parents(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _with_parents(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node but what type checkers alone see; expressions, most of a tree, hold none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _HOLDING) and not _is_for_checkers(child):
            yield child
            yield from _executed(child)


def _is_for_checkers(node: ast.AST) -> bool:
    """Whether this runs nowhere."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _with_parents(name: str) -> Iterator[str]:
    """`a.b.c` runs `a` and `a.b` too."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


@cache
def _file(module: str) -> Path | None:
    if module.split(".")[0] != _PACKAGE:
        return None
    base = _ROOT.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)


def _stat_lines(path: Path) -> Iterator[str]:
    if path.is_file():
        yield _stat_line(path.name, path.stat())
    elif path.is_dir():
        start = len(str(path))
        yield from sorted(_stat_line(entry.path[start:], entry.stat()) for entry in walk(path))


def _stat_line(name: str, stat: os.stat_result) -> str:
    return f"{name} {stat.st_size} {stat.st_mtime_ns}"
