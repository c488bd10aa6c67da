"""The benchmark of our own client as it is called, and the numbers that it leaves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from loadtests.generator.bench_client.command import Record, command
from loadtests.generator.bench_client.rows import ROWS
from loadtests.record import command_line
from tests.unit.generator.bench_client_builder import (
    MEMORY,
    echoes,
    failed,
    find,
    ours,
    piloted,
)

CALLED = "python -m loadtests bench-client"


def parsed(*arguments: str) -> SimpleNamespace:
    return SimpleNamespace(**command.make_context(CALLED, list(arguments)).params)


def test_rows_can_be_chosen_and_keep_the_tables_order() -> None:
    chosen = parsed("--only", "memory, websocket-server").only
    assert [row.name for row in chosen] == ["websocket-server", "memory"]
    assert parsed().only == ROWS


@pytest.mark.parametrize(
    "arguments",
    [
        ("--only", "memroy"),
        ("--only", ","),
        ("--rounds", "0"),
        ("--rounds", "-1"),
        ("--seconds", "0"),
        ("--seconds", "inf"),
        ("--seconds", "x"),
    ],
)
def test_wrong_options_are_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.run(command, CALLED, arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"{CALLED}: ")
    assert arguments[0] in printed
    assert printed.count("\n") == 1


def test_row_that_is_nearly_one_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    command_line.run(command, CALLED, ["--only", "memroy"])
    assert "did you mean memory?" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_a_wrong_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert command_line.run(command, CALLED, ["--out", str(file / "out.json")]) == 2
    assert "file" in capsys.readouterr().err


def test_raw_numbers_can_be_read_again() -> None:
    record = Record(
        format="x",
        version="1",
        started="now",
        options={},
        environment={},
        findings=[find(MEMORY)],
        pilot=piloted(gevent=1),
        trials=[ours(0, "gevent", 1, 2), echoes(0, 1, 2), failed(0, "node")],
    )
    assert record == msgspec.json.decode(msgspec.json.encode(record), type=Record)
