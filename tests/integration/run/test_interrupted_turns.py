"""A Ctrl-C in the midst of a round: every cell keeps the rounds that were whole, and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest

from loadtests.machine.journal import entries
from loadtests.record.results import Result, read
from loadtests.record.words import Status
from tests.support import ROOT
from tests.support.waiting import SLOWNESS, until

#: Three turns of each cell, of the open loop and twice of the closed one, take about a second.
TEXT = """
name = "turns"
modes = ["eventlet", "gevent"]
transports = ["websocket"]
blocks = 2
[echo]
clients = 2
rate_hz = 50
warmup_s = 0
settle_s = 0
latency_s = {seconds}
throughput_s = {seconds}
rounds = {rounds}
"""
ROUNDS, SLICE_S = 15, 0.2
PER_SLICE = 10
#: After each turn of the open loop come two of the closed one.
TURNS = 3

by_signal = pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)],
    ids=["Ctrl-C", "SIGTERM"],
)


@contextmanager
def in_turns(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose clients have all connected, so that the turns of its first block begin."""
    file, out = folder / "turns.toml", folder / "run"
    file.write_text(TEXT.format(seconds=ROUNDS * SLICE_S, rounds=ROUNDS), encoding="utf-8")
    command = [sys.executable, "-m", "loadtests", "run", str(file), "--out", str(out)]
    with (folder / "printed").open("wb") as printed:
        run = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"CI": "true"}, stdout=printed, stderr=printed
        )

    def connected() -> bool:
        assert run.poll() is None, (folder / "printed").read_text()
        journals = list(out.glob("logs/*-journal.jsonl"))
        return len(journals) == 2 and all(len(entries(journal)) >= 2 for journal in journals)

    try:
        until(connected, "connections", 30 * SLOWNESS)
        yield run
    finally:
        run.kill()
        run.wait()


def interrupted(run: subprocess.Popen[bytes], number: signal.Signals, folder: Path) -> Result:
    begun = time.monotonic()
    run.send_signal(number)
    assert run.wait(30 * SLOWNESS) == 4
    # The present turn, the report, and that is all.
    assert time.monotonic() - begun < 20 * SLOWNESS
    result = read(folder / "run")
    assert (result.ended, len(result.plan)) == ("interrupted", 4)
    assert "interrupted; what was measured is kept" in (folder / "printed").read_text()
    assert (folder / "run" / "index.html").exists()
    return result


@by_signal
def test_all_cells_have_as_many_slices_as_rounds_were_whole(
    tmp_path: Path, number: signal.Signals
) -> None:
    with in_turns(tmp_path) as run:
        time.sleep(3.3)  # three rounds; nobody tells of them before the end
        result = interrupted(run, number, tmp_path)
    assert [trial.status for trial in result.trials] == [Status.OK, Status.OK]
    slices = [trial.generator.slices for trial in result.trials]
    assert len(slices[0]) == len(slices[1])
    assert TURNS <= len(slices[0]) < TURNS * ROUNDS
    for trial in result.trials:
        (found,) = trial.measurements
        kept = [each for each in trial.generator.slices[::TURNS] if not each.left_out]
        assert found.samples["latency"] == PER_SLICE * len(kept)
        assert found.metrics["lost"] == 0
    # Round after round: both have had the first before either has the second.
    begun_s = [sorted(each.begun_s for each in turns) for turns in zip(*slices, strict=True)]
    assert list(chain(*begun_s)) == sorted(chain(*begun_s))


def test_before_the_first_round_is_whole_there_are_no_numbers(tmp_path: Path) -> None:
    with in_turns(tmp_path) as run:
        result = interrupted(run, signal.SIGINT, tmp_path)
    assert result.trials == [], "as if they had never begun"
