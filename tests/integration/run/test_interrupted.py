"""A Ctrl-C or SIGTERM in every phase: one line, exit code 4, and what was measured is kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.record.results import read
from tests.support import ROOT
from tests.support.waiting import SLOWNESS, until

EXPERIMENT = """
name = "two"
modes = ["threading"]
transports = ["websocket"]
blocks = 2
[echo]
clients = 2
rate_hz = 20
warmup_s = 0
latency_s = {latency_s}
throughput_s = 0.2
"""

by_signal = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"]
)


class Begun:
    """A command that runs, what it prints in a file, and where its run goes."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.out = folder / "run"
        self._errors = folder / "errors"

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        def is_so() -> bool:
            assert self.process.poll() is None, f"ended before {what}: {self.errors()}"
            return condition()

        until(is_so, what, 30 * SLOWNESS)

    def ended_by(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30 * SLOWNESS)

    def errors(self) -> list[str]:
        return self._errors.read_text(encoding="utf-8").splitlines()


@contextmanager
def begun(folder: Path, latency_s: float) -> Iterator[Begun]:
    file = folder / "two.toml"
    file.write_text(EXPERIMENT.format(latency_s=latency_s), encoding="utf-8")
    command = [sys.executable, "-m", "loadtests", "run", str(file), "--out", str(folder / "run")]
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield Begun(process, folder)
    finally:
        process.kill()
        process.wait()


@by_signal
def test_before_the_first_trial_there_is_only_the_line(
    tmp_path: Path, number: signal.Signals
) -> None:
    with begun(tmp_path, latency_s=1) as run:
        maps = Path(f"/proc/{run.process.pid}/maps")
        if not maps.exists():
            pytest.skip("only Linux shows what a process has loaded")
        # msgspec's library is there: our own modules are being imported.
        run.wait_for("imports", lambda: "msgspec" in maps.read_text())
        assert run.ended_by(number) == 4
        assert run.errors() == ["python -m loadtests: interrupted"]
        assert not run.out.exists()


@by_signal
def test_in_a_trial_those_before_it_are_kept_and_reported(
    tmp_path: Path, number: signal.Signals
) -> None:
    with begun(tmp_path, latency_s=1) as run:
        second = run.out / "logs" / "001-echo-threading-websocket-server.log"
        run.wait_for("the second trial", second.exists)
        assert run.ended_by(number) == 4
        assert run.errors() == ["interrupted; what was measured is kept"]
        result = read(run.out)
        assert (result.ended, len(result.plan), len(result.trials)) == ("interrupted", 2, 1)
        assert (run.out / "index.html").exists()


@by_signal
def test_while_the_report_is_written_the_measurements_are_kept(
    tmp_path: Path, number: signal.Signals
) -> None:
    with begun(tmp_path, latency_s=0.5) as run:
        result = run.out / "result.json"
        run.wait_for(
            "the report",
            lambda: result.exists() and '"complete"' in result.read_text(encoding="utf-8"),
        )
        time.sleep(0.3)  # the report's process starts, and takes a second or more
        assert run.ended_by(number) == 4
        again = f"python -m reports build {run.out}"
        assert run.errors() == [
            "python -m loadtests: interrupted; the measurements are kept, for their report: "
            + again
        ]
        assert read(run.out).ended == "complete"
    built = subprocess.run(again.replace("python", sys.executable, 1).split(), cwd=ROOT, check=True)
    assert built.returncode == 0
