"""Finds applications with Flask-SocketIO in a folder, by reading: nothing is imported.

What can be named is what the servers take (servers/elsewhere.py): a ``SocketIO`` that has its
application, or a function that needs no argument, makes one and returns something.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SKIPPED = {"node_modules", "tests", "test", "docs", "site-packages", "build", "dist"}
#: Larger files are made by programs, and hold data.
_MOST_BYTES = 1_000_000
_MAKES = "SocketIO"
_GIVES = "init_app"


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """An application that can be served.

    Attributes:
        folder: where it is imported from, below the one that was looked through; ``.`` for that.
        app: ``MODULE:OBJECT``.
    """

    folder: str
    app: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file that Python can read.

    Attributes:
        folder, module: as in ``Found``.
        tree: what it says.
    """

    folder: str
    module: str
    tree: ast.Module


def applications(top: Path) -> list[Found]:
    """All of them, in order.

    Args:
        top: folder to look through.
    """
    return found_in(list(_sources(top)))


def found_in(sources: Sequence[Source]) -> list[Found]:
    """The applications that some files have between them.

    Args:
        sources: all files that could import each other.
    """
    # The object is often in one file, and what gives it its application in another.
    objects = {name for each in sources for name in _made(each.tree)}
    return sorted(
        Found(each.folder, f"{each.module}:{name}")
        for each in sources
        if all(part.isidentifier() for part in each.module.split("."))
        for name in _usable(each.tree, objects)
    )


def _usable(tree: ast.Module, objects: set[str]) -> Iterator[str]:
    given = {
        name
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for name in _given(statement, objects)
    }
    made = _made(tree)
    for name, call in made.items():
        if _has_application(call) or name in given:
            yield name
    # Made in another file, and given its application in this one.
    yield from sorted((given & _imported(tree)) - made.keys())
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and _is_factory(statement, objects):
            yield statement.name


def _imported(tree: ast.Module) -> set[str]:
    """Names that a module has from others."""
    return {
        alias.asname or alias.name
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def _made(tree: ast.Module) -> dict[str, ast.Call]:
    """Name -> the call, of each ``name = SocketIO(...)`` of a module."""
    found: dict[str, ast.Call] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if isinstance(value, ast.Call) and _last(value.func) == _MAKES:
            found |= {each.id: value for each in targets if isinstance(each, ast.Name)}
    return found


def _has_application(call: ast.Call) -> bool:
    """Whether ``SocketIO(...)`` is given one: first, or as ``app``."""
    named = [each.value for each in call.keywords if each.arg == "app"]
    first = (call.args or named)[:1]
    return bool(first) and not (isinstance(first[0], ast.Constant) and first[0].value is None)


def _given(tree: ast.AST, objects: set[str]) -> Iterator[str]:
    """Objects whose ``init_app`` is called: extensions of other kinds have such a method, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = _last(node.func.value)
            if node.func.attr == _GIVES and name in objects:
                yield name


def _is_factory(function: ast.FunctionDef, objects: set[str]) -> bool:
    given = function.args
    needed = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    if needed > 0 or None in given.kw_defaults:
        return False
    inside = [node for node in ast.walk(function) if node is not function]
    returns = any(isinstance(node, ast.Return) and node.value is not None for node in inside)
    makes = any(isinstance(node, ast.Call) and _last(node.func) == _MAKES for node in inside)
    return returns and (makes or any(_given(function, objects)))


def _last(node: ast.expr) -> str:
    """``c`` of ``c`` and of ``a.b.c``; nothing of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _sources(top: Path) -> Iterator[Source]:
    for folder, below, names in os.walk(top):
        below[:] = sorted(each for each in below if _is_of_interest(Path(folder) / each))
        for name in sorted(names):
            path = Path(folder) / name
            if path.suffix != ".py" or name.startswith("test_") or name == "conftest.py":
                continue
            tree = _read(path)
            if tree is not None:
                imported_from, module = _module_of(path, top)
                yield Source(imported_from, module, tree)


def _is_of_interest(folder: Path) -> bool:
    environment = (folder / "pyvenv.cfg").exists()
    return not (environment or folder.name.startswith(".") or folder.name in _SKIPPED)


def _read(path: Path) -> ast.Module | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):  # Python could not import it either
        return None


def _module_of(path: Path, top: Path) -> tuple[str, str]:
    """Where a file is imported from, and as what: packages are folders with an ``__init__.py``."""
    folder = path.parent
    parts = [] if path.stem == "__init__" else [path.stem]
    while folder != top and (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder.relative_to(top).as_posix(), ".".join(parts) or top.name
