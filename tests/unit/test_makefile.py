"""What is typed after ``make`` reaches the command as it is, whatever it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

#: In the place of Python: says what it was called with.
STUB = """\
#!/bin/sh
printf '%s\\n' "$@"
"""


def called(folder: Path, *words: str, **environment: str) -> list[str]:
    """The arguments of the Python that a real make calls."""
    stub, installed, packages = folder / "python", folder / "installed", folder / "packages"
    stub.write_text(STUB)
    stub.chmod(0o755)
    installed.touch()
    packages.touch()
    stubs = [f"BIN={folder}", f"READY={installed}", f"NODE={packages}"]
    done = subprocess.run(
        ["make", "--no-print-directory", *stubs, *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return done.stdout.splitlines()


def hostile(witness: Path) -> list[str]:
    """Values that a shell or make would act on; each would leave the witness behind."""
    return [
        f"$(touch {witness})",
        f"`touch {witness}`",
        f"$(shell touch {witness})",
        f'"; touch {witness}; "',
        f"'; touch {witness}; '",
        f"x; touch {witness}",
        f"x && touch {witness} #",
        "a folder with  two spaces",
        'it\'s "quoted" \\ and $HOME $$ ${OUT} %',
        "*",
        "--help",
    ]


def test_what_is_not_given_is_not_passed_on(tmp_path: Path) -> None:
    assert called(tmp_path, "bench") == ["-m", "loadtests", "run", "--", "default"]
    assert called(tmp_path, "report") == ["-m", "reports", "build", "--", "reports/runs/latest"]
    assert called(tmp_path, "demo") == ["-m", "servers", "--port", "5000", "--", "gevent"]


def test_experiment_goes_before_the_profile(tmp_path: Path) -> None:
    assert called(tmp_path, "bench", "PROFILE=quick")[-1] == "quick"
    assert called(tmp_path, "bench", "PROFILE=quick", "EXPERIMENT=mine.toml")[-1] == "mine.toml"


@pytest.mark.parametrize("place", range(len(hostile(Path()))))
def test_value_reaches_the_command_as_it_is(tmp_path: Path, place: int) -> None:
    witness = tmp_path / "witness"
    value = hostile(witness)[place]
    names = ("MODES", "TRANSPORTS", "SCENARIOS", "OUT", "EXPERIMENT")
    found = called(tmp_path, "bench", *(f"{name}={value}" for name in names))
    assert found == [
        *("-m", "loadtests", "run", "--modes", value, "--transports", value),
        *("--scenarios", value, "--out", value, "--", value),
    ]
    assert ["-m", "reports", "build", "--", value] == called(tmp_path, "report", f"OUT={value}")
    demo = called(tmp_path, "demo", f"MODE={value}", f"PORT={value}")
    assert ["-m", "servers", "--port", value, "--", value] == demo
    assert not witness.exists()


def test_value_of_the_environment_does_too(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    for value in hostile(witness):
        assert called(tmp_path, "report", OUT=value)[-1] == value
    assert not witness.exists()
