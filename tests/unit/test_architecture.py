"""The house: who may import whom is held by import-linter (make lint), the rest here."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

ROOMS = ("servers", "loadtests", "reports", "transport_bench", "tests")
LONGEST_FILE, LONGEST_FUNCTION = 349, 50
#: Longer ones, and why.
LONG_FUNCTIONS: dict[str, str] = {
    "loadtests/machine/launch.py:serving": "its arguments, each with its words",
    "loadtests/scenarios/disconnect/outage/clients.py:crowd": "its arguments, each with its words",
}


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def loaded_by(module: str) -> set[str]:
    """What a fresh interpreter has loaded once it has imported a module."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


HEAVY = {"gevent", "eventlet", "locust", "flask", "socketio", "engineio"}


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("loadtests.scenarios.registry", HEAVY | {"servers"}),
        ("reports.summary", HEAVY | {"servers"}),
        ("reports.build", HEAVY | {"servers"}),
        ("loadtests.run.experiment", HEAVY),
        ("loadtests.run.runner", HEAVY),
        ("transport_bench.door", HEAVY | {"servers", "loadtests.run", "reports", "msgspec"}),
    ],
)
def test_who_reads_a_declaration_loads_nothing_that_serves_or_generates(
    module: str, forbidden: set[str]
) -> None:
    assert set() == forbidden & loaded_by(module)


@pytest.mark.parametrize("mode", [p.stem for p in sources("servers") if p.parent.name == "modes"])
def test_adapter_imports_no_server_when_it_is_imported(mode: str) -> None:
    tree = ast.parse((ROOT / "servers" / "modes" / f"{mode}.py").read_text(encoding="utf-8"))
    tops = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            tops |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:  # else it is of this package
            tops.add((node.module or "").partition(".")[0])
    assert set() == tops - sys.stdlib_module_names - {"servers"}


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_is_longer_than_one_idea_takes(room: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(room)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_is_longer_than_fifty_lines(room: str) -> None:
    long = {}
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(ROOT)}:{node.name}"
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION and name not in LONG_FUNCTIONS:
                    long[name] = length
    assert long == {}
