"""A Ctrl-C while clients are compared: rounds that are whole are kept."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtests.generator.bench_client import trials
from loadtests.generator.bench_client.command import MODES, Record, command
from loadtests.generator.bench_client.measured import ContenderTrial, Setup
from loadtests.generator.bench_client.trials import Conditions
from loadtests.record import command_line
from tests.unit.generator.bench_client_builder import cost

CALLED = "python -m loadtests bench-client"


def stopped_at(monkeypatch: pytest.MonkeyPatch, trial: int, file: Path) -> int:
    """Compare in two rounds of three trials, with a Ctrl-C at one of them; the exit code."""
    begun = 0

    def run(
        _conditions: Conditions, setup: Setup, _label: str, round_: int | None
    ) -> ContenderTrial:
        nonlocal begun
        begun += round_ is not None
        if begun == trial:
            raise KeyboardInterrupt
        return ContenderTrial(round_, setup, cost=cost(10, 100))

    monkeypatch.setattr(trials, "run", run)
    words = ["--only", "websocket-server", "--rounds", "2", "--out", str(file)]
    return command_line.run(command, CALLED, words)


def test_rounds_before_it_are_reported_and_the_code_is_four(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    assert stopped_at(monkeypatch, 5, file) == 4
    printed = capsys.readouterr()
    assert "Medians of 1 rounds" in printed.out
    assert printed.err == f"{CALLED}: interrupted; what stands above is of 1 of 2 rounds\n"
    record = msgspec.json.decode(file.read_bytes(), type=Record)
    assert [0] * len(MODES) == [each.round for each in record.trials]
    assert [finding.median for finding in record.findings] == [pytest.approx(0.1)]


def test_before_the_first_round_is_whole_there_is_nothing_to_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stopped_at(monkeypatch, 2, tmp_path / "out.json") == 4
    assert capsys.readouterr().err == f"{CALLED}: interrupted\n"
