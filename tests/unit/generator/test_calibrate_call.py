"""How ``python -m loadtests calibrate`` is called."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtests.generator.calibrate import command
from loadtests.generator.calibrate.plan import Plan
from loadtests.machine import limits
from loadtests.record import calibration, command_line

CALLED = "python -m loadtests calibrate"


def options(*arguments: str) -> SimpleNamespace:
    return SimpleNamespace(**command.command.make_context(CALLED, list(arguments)).params)


def called(*arguments: str) -> int:
    return command_line.run(command.command, CALLED, arguments)


def test_the_usual_calibration_is_the_plans() -> None:
    found, usual = options(), Plan()
    assert (found.rounds, found.seconds) == (usual.rounds, usual.seconds) == (5, 1.0)
    assert found.connections == usual.connections == (1000, 10_000)
    assert found.out == calibration.PATH


def test_connections_are_counts_in_order() -> None:
    assert options("--connections", "50, 20").connections == (20, 50)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--rounds", "0"),
        ("--rounds", "x"),
        ("--seconds", "0"),
        ("--seconds", "nan"),
        ("--seconds", "x"),
        ("--connections", ""),
        ("--connections", "1,,2"),
        ("--out", "/"),
    ],
)
def test_a_wrong_option_ends_the_call(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(*arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"{CALLED}: ")
    assert arguments[0] in printed
    assert printed.count("\n") == 1


def test_too_few_open_files_say_how_many_connections_would_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "allow_open_files", lambda needed: 1024)
    code = called("--out", str(tmp_path / "calibration.json"))
    assert code == 2
    assert "--connections 924," in capsys.readouterr().err


@pytest.mark.parametrize(
    ("connections", "recipients", "advice"),
    [
        (
            "10",
            "5000",
            "5000 connections need more open files than the 1024 that are allowed; "
            "give --recipients 924, or",
        ),
        ("6000", "5000", "give --connections 924 --recipients 924, or"),
        ("6000", "924", "give --connections 924, or"),
    ],
)
def test_what_is_too_many_is_what_the_advice_names(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    connections: str,
    recipients: str,
    advice: str,
) -> None:
    monkeypatch.setattr(limits, "allow_open_files", lambda needed: 1024)
    code = called("--connections", connections, "--recipients", recipients)
    assert code == 2
    assert advice in capsys.readouterr().err
