"""The arrows of the house: who may import whom. Read from the sources, nothing is imported."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

OURS = ("servers", "loadtests", "reports", "tests")
LONGEST_FILE = 400


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(source: str, package: str) -> set[str]:
    """Every module that a source names in an import, wherever it stands, with what it takes.

    ``from a.b import c`` gives ``a.b.c``: c may be a module. Relative imports are resolved.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [base])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and node.args:
            # importlib.import_module("x") and __import__("x")
            called = ast.unparse(node.func).rpartition(".")[2]
            name = node.args[0]
            if called in ("import_module", "__import__") and isinstance(name, ast.Constant):
                found.add(str(name.value))
    return found


def imports_of(path: Path) -> set[str]:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return imported(path.read_text(encoding="utf-8"), package)


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def breaches(room: str, *forbidden: str, but: tuple[str, ...] = ()) -> list[str]:
    """Imports of the forbidden packages in a room, less those that are allowed in them."""
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(room)
        for module in sorted(imports_of(path))
        if within(module, *forbidden) and not within(module, *but)
    ]


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import a.b", {"a.b"}),
        ("import a as b, c", {"a", "c"}),
        ("from a import b as c", {"a.b"}),
        ("from a.b import *", {"a.b.*"}),
        ("def f():\n    from a import b", {"a.b"}),
        ("if TYPE_CHECKING:\n    import a", {"a"}),
        ("from . import b", {"house.room.b"}),
        ("from .c import b", {"house.room.c.b"}),
        ("from ..other import b", {"house.other.b"}),
        ("importlib.import_module('a.b')", {"a.b"}),
        ("text = 'import a'  # import a", set()),
    ],
)
def test_no_way_of_importing_is_overlooked(source: str, modules: set[str]) -> None:
    assert modules == imported(source, "house.room")


@pytest.mark.parametrize("room", ["servers", "loadtests", "reports"])
def test_every_room_is_looked_into(room: str) -> None:
    assert len(sources(room)) > 3


def test_what_is_measured_knows_nothing_else_of_ours() -> None:
    assert breaches("servers", *OURS, but=("servers",)) == []


def test_what_measures_knows_nothing_of_what_explains() -> None:
    assert breaches("loadtests", "reports", "tests") == []


def test_what_measures_knows_of_the_servers_only_their_names() -> None:
    assert breaches("loadtests", "servers", but=("servers.modes",)) == []


def test_what_explains_reads_files_only() -> None:
    assert breaches("reports", "locust", "gevent", "eventlet", "servers", "tests") == []


def test_what_explains_knows_of_what_measures_the_words_and_the_files_only() -> None:
    allowed = (
        "loadtests.record.files",
        "loadtests.record.words",
        "loadtests.record.results",
        "loadtests.scenarios.disconnect.windows",
    )
    assert breaches("reports", "loadtests", but=allowed) == []


def reached(path: Path, seen: set[Path] | None = None) -> set[str]:
    """Everything that importing a file imports, through our own files too."""
    seen = set() if seen is None else seen
    if path in seen:
        return set()
    seen.add(path)
    found = imports_of(path)
    for module in list(found):
        if not within(module, *OURS):
            continue
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            for own in (
                ROOT.joinpath(*parts[:length]).with_suffix(".py"),
                ROOT.joinpath(*parts[:length], "__init__.py"),
            ):
                if own.exists():
                    found |= reached(own, seen)
    return found


@pytest.mark.parametrize("room", ["reports"])
def test_what_explains_does_not_reach_a_server_through_another_file_either(room: str) -> None:
    forbidden = ("locust", "gevent", "eventlet", "servers", "flask", "socketio", "engineio")
    for path in sources(room):
        assert set() == {each for each in reached(path) if within(each, *forbidden)}, path


def test_the_words_need_the_standard_library_only() -> None:
    tops = {
        each.partition(".")[0] for each in imports_of(ROOT / "loadtests" / "record" / "words.py")
    }
    assert set() == tops - sys.stdlib_module_names


@pytest.mark.parametrize(
    "name",
    [
        "client/frames.py",
        "client/packets.py",
        "client/http.py",
        "client/errors.py",
        "arithmetic/pacing.py",
        "arithmetic/samples.py",
        "arithmetic/board.py",
        "arithmetic/series.py",
        "arithmetic/validity.py",
        "record/words.py",
        "record/results.py",
    ],
)
def test_what_is_pure_has_no_socket_no_loop_and_no_clock(name: str) -> None:
    forbidden = ("socket", "_socket", "ssl", "select", "gevent", "eventlet", "asyncio", "time")
    found = reached(ROOT / "loadtests" / name)
    assert set() == {each for each in found if within(each, *forbidden)}


def test_only_the_locust_side_imports_locust() -> None:
    allowed = {
        "loadtests/run/bench_user.py",
        "loadtests/users/table.py",
        "loadtests/generator/bench_client/contenders/locust_user.py",
        "loadtests/users/plugin.py",
        "loadtests/users/statistics.py",
        "loadtests/locustfile.py",
        "loadtests/users/recording.py",
        "loadtests/users/socketio_user.py",
    }
    found = {
        str(path.relative_to(ROOT))
        for path in sources("loadtests")
        if any(within(module, "locust") for module in imports_of(path))
    }
    assert found <= allowed


@pytest.mark.parametrize("mode", [p.stem for p in sources("servers") if p.parent.name == "modes"])
def test_adapter_imports_no_server_when_it_is_imported(mode: str) -> None:
    tree = ast.parse((ROOT / "servers" / "modes" / f"{mode}.py").read_text(encoding="utf-8"))
    top = ast.Module(
        [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], []
    )
    tops = {each.partition(".")[0] for each in imported(ast.unparse(top), "servers.modes")}
    assert set() == tops - sys.stdlib_module_names - {"servers"}


@pytest.mark.parametrize("room", OURS)
def test_no_file_is_longer_than_four_hundred_lines(room: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(room)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
