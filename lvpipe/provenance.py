"""What a result depends on: digests of code, files and folders, so that exactly the right rules run again."""

import ast
import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from lvpipe.files import file_sha256
from lvpipe.listing import walk

_PACKAGE = "lvpipe"
_ROOT = Path(__file__).parent.parent
_DIGEST_LENGTH = 16
"""Hex digits kept: 64 bits, far beyond what a project's modules can collide in."""
_MODULE_DIGEST_LENGTH = 8
"""Hex digits of one module: it is compared with its own earlier versions alone, and thousands of records hold it."""
MODULE_SEPARATOR = ","
"""Between the modules of a code digest: no character that a shell would read."""


def digest(*parts: str | bytes) -> str:
    """A short digest of the parts, each with its length, so that no two different lists agree."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(f"{len(content)}:".encode())
        total.update(content)
    return total.hexdigest()[:_DIGEST_LENGTH]


def file_digest(path: Path) -> str:
    """A short digest of the file's content."""
    return file_sha256(path)[:_DIGEST_LENGTH]


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
    return MODULE_SEPARATOR.join(f"{module}={_module_digest(module)}" for module in closure)


@cache
def import_closure(module: str) -> frozenset[str]:
    """The module and every module of the package that it imports to run, directly or not, wherever that stands."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current not in found and _file(current) is not None:
            found.add(current)
            waiting.extend(_imports(current))
    return frozenset(found)


@cache
def _tree(module: str) -> ast.Module:
    path = _file(module)
    assert path is not None
    return ast.parse(path.read_text())


@cache
def _module_digest(module: str) -> str:
    return digest(_meaning(module))[:_MODULE_DIGEST_LENGTH]


def _meaning(module: str) -> str:
    tree = _tree(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or the string below a constant that documents it."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@cache
def _imports(module: str) -> frozenset[str]:
    """Asked once of each module, though many closures hold it."""
    return frozenset(_names_imported(_tree(module)))


def _names_imported(tree: ast.Module) -> Iterator[str]:
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            yield from (name for alias in node.names for name in _with_parents(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _with_parents(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """All below a node but what type checkers alone see: that runs nowhere."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from _executed(child)


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
