"""Standard output that is full, closed, left by its reader, or knows few characters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.record.output import Output
from tests.support import ROOT

FULL = Path("/dev/full")

needs_dev_full = pytest.mark.skipif(not FULL.exists(), reason="only Linux has one")

#: Writes "×", a file, and what became of standard output.
PROGRAM = """\
import sys
from pathlib import Path
from loadtests.record import output
stream = output.install()
print("a \\xd7 b", flush=True)
print("told", file=sys.stderr)
opened = open(sys.argv[1], "w")
opened.write(f"{opened.fileno() > 2} {stream.failure}")
"""


def ran(file: Path, redirected: str = "", **environment: str) -> tuple[str, bytes, bytes]:
    """What the program wrote into the file, to standard output and to standard error."""
    words = [sys.executable, "-c", PROGRAM, str(file)]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        check=True,
        timeout=20,
    )
    return file.read_text(encoding="utf-8"), done.stdout, done.stderr


def test_what_can_be_shown_is_shown(tmp_path: Path) -> None:
    shown = "a × b\n".encode()
    assert ("True None", shown, b"told\n") == ran(tmp_path / "x", PYTHONIOENCODING="utf-8")


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"PYTHONIOENCODING": "ascii"}, b"a ? b\n"),
        ({"PYTHONIOENCODING": "latin-1"}, b"a \xd7 b\n"),
        ({"PYTHONIOENCODING": "cp437"}, b"a ? b\n"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0"}, b"a ? b\n"),
    ],
)
def test_character_that_cannot_be_shown_is_a_question_mark(
    tmp_path: Path, environment: dict[str, str], shown: bytes
) -> None:
    assert ("True None", shown, b"told\n") == ran(tmp_path / "x", **environment)


def test_closed_output_loses_its_words_and_gives_no_file_its_number(tmp_path: Path) -> None:
    assert ran(tmp_path / "x", ">&-") == ("True it is closed", b"", b"told\n")


def test_all_of_them_can_be_closed(tmp_path: Path) -> None:
    assert ran(tmp_path / "x", "<&- >&- 2>&-") == ("True it is closed", b"", b"")


@needs_dev_full
def test_full_output_is_told_of_and_raises_nothing(tmp_path: Path) -> None:
    full = "True No space left on device"
    assert (full, b"", b"told\n") == ran(tmp_path / "x", ">/dev/full")
    assert (full, b"", b"") == ran(tmp_path / "y", ">/dev/full 2>/dev/full")


def test_reader_that_had_enough_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with Output(writing) as output:
        assert [output.write(b"abc"), output.write(b"de")] == [3, 2]
        assert output.failure is None
    os.close(writing)


@needs_dev_full
def test_first_failure_is_the_one_that_is_told() -> None:
    number = os.open(FULL, os.O_WRONLY)
    with Output(number) as output:
        assert [output.write(b"abc"), output.write(b"de")] == [3, 2]
        assert output.failure == "No space left on device"
    os.close(number)
