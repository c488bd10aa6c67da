"""One command for all rooms, which loads the one that is asked and names it as it was called."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from loadtests import __version__
from tests.support import ROOT
from transport_bench.door import ROUTES


def called(
    *words: str, folder: Path = ROOT, check: bool = True, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "transport_bench", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | more,
        capture_output=True,
        text=True,
        check=check,
        timeout=60,
    )


def test_help_names_every_command() -> None:
    said = called("--help").stdout
    assert [name for name in ROUTES if f"\n  {name} " not in said] == []


@pytest.mark.parametrize("name", ROUTES)
def test_usage_names_the_command_as_it_was_called(name: str) -> None:
    said = called(name, "--help").stdout
    assert said.lower().startswith(f"usage: transport-bench {name} ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gat"], "transport-bench: No such command 'gat'. Did you mean 'gate'? See --help."),
        ([], "transport-bench: Missing command. See --help."),
        (["run"], "transport-bench run: Missing argument 'EXPERIMENT'. See --help."),
        (["run", "quik"], "transport-bench: unknown profile 'quik'; did you mean quick?"),
        (["gate"], "transport-bench gate: what is to be compared?"),
        (["serve", "gvent"], "transport-bench serve: argument MODE: 'gvent' is none; did you mean"),
        (["completion", "fish"], "transport-bench completion: Invalid value for 'SHELL'"),
    ],
)
def test_a_wrong_call_is_one_line_under_the_name_that_was_called(
    words: list[str], said: str
) -> None:
    done = called(*words, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "kept_out"),
    [
        (["--help"], ["loadtests.run", "reports", "servers", "matplotlib", "msgspec"]),
        (["report", "--help"], ["loadtests.run", "loadtests.gate", "gevent", "locust", "servers"]),
        (["run", "--help"], ["reports", "matplotlib", "locust", "flask"]),
    ],
)
def test_a_command_loads_its_own_room_only(words: list[str], kept_out: list[str]) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from transport_bench.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(kept_out) & set(done.stderr.split()) == set()


def test_a_folder_of_the_users_by_the_name_of_a_room_is_not_taken_for_it(tmp_path: Path) -> None:
    for name in ("servers", "loadtests", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('theirs')")
        (tmp_path / name / "__main__.py").write_text("raise SystemExit('theirs')")
    assert "MODE" in called("serve", "--help", folder=tmp_path).stdout
    assert "RUN" in called("report", "--help", folder=tmp_path).stdout
    assert "EXPERIMENT" in called("run", "--help", folder=tmp_path).stdout


def test_the_version_is_the_same_in_both_places() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    assert called("--version").stdout == f"transport-bench {__version__}\n"
