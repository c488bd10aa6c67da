"""Trials from the runner's side: what is told, what is waited for, and what explains which one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from loadtests.machine.launch import Launched
from loadtests.record.results import Measurement
from loadtests.record.words import Transport
from loadtests.run import trial
from loadtests.run.experiment import parse
from loadtests.run.trial import STOP, Assignment, Came, Orders, conduct
from loadtests.scenarios.bench import Outcome, Place
from loadtests.scenarios.errors import TrialFailed

TEXT = """
name = "test"
[echo]
clients = 4
rate_hz = 10
latency_s = 1
throughput_s = 1
[disconnect]
clients = 2
ping_interval_s = 1
ping_timeout_s = 1
"""

CELLS = ("gevent × polling", "threading × polling", "eventlet × polling")
WELL = Outcome(measurements=[Measurement("echo", {"latency_p50": 1.0})])


class FakeGenerator:
    """A load generator that does as the test says when it is told something or looked at."""

    def __init__(self) -> None:
        self.heard = b""
        self.returncode: int | None = None
        self.looks: list[Callable[[], None]] = []
        self.stdin = SimpleNamespace(write=self._hear, flush=lambda: None)
        self.deaf = False

    def _hear(self, words: bytes) -> None:
        if self.deaf:
            raise BrokenPipeError
        self.heard += words

    def poll(self) -> int | None:
        if self.looks:
            self.looks.pop(0)()
        return self.returncode

    def end(self, code: int = 0) -> None:
        self.returncode = code


class Host:
    """A load generator, and a server for each cell."""

    def __init__(self, folder: Path, cells: Sequence[str] = CELLS, scenario: str = "echo") -> None:
        self.folder = folder
        self.log = folder / "generator.log"
        self.log.write_text("Traceback\nMemoryError: no more\n", encoding="utf-8")
        self.generator = FakeGenerator()
        self.orders = Orders([self._assignment(cell, scenario) for cell in cells], seed=3)
        self.servers = {cell: self._server(cell) for cell in cells}

    def _assignment(self, cell: str, scenario: str) -> Assignment:
        return Assignment(
            scenario=scenario,
            seed=1,
            experiment=parse(TEXT, "test"),
            outcome=str(self.folder / f"{cell}-outcome.json"),
            place=Place(url="http://127.0.0.1:1", transport=Transport.POLLING, label="trial"),
            cell=cell,
        )

    def _server(self, cell: str) -> Any:
        log = self.folder / f"{cell}-server.log"
        log.write_text(f"{cell}: out of memory\n", encoding="utf-8")
        process = SimpleNamespace(returncode=None)
        process.poll = lambda: process.returncode
        return Launched(process=cast("Any", process), ready=None, log=log)

    def die(self, cell: str, code: int = -9) -> None:
        self.servers[cell].process.returncode = code

    def writes(self, *cells: str, outcome: Outcome = WELL) -> None:
        for each in self.orders.assignments:
            if each.cell in cells:
                Path(each.outcome).write_bytes(msgspec.json.encode(outcome))

    def conduct(self, servers: bool = True) -> tuple[list[Came], KeyboardInterrupt | None]:
        generator = cast("subprocess.Popen[bytes]", self.generator)
        return conduct(self.orders, generator, self.log, self.servers if servers else {})


class Clock:
    """Goes on while somebody sleeps."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(trial, "time", clock)
    return clock


def reason(came: Came) -> str:
    return str(came) if isinstance(came, TrialFailed) else ""


# --- all is well


def test_generator_is_told_all_trials_in_one_line(host: Host) -> None:
    host.generator.end()
    host.conduct()
    (line,) = host.generator.heard.splitlines()
    assert msgspec.json.decode(line, type=Orders) == host.orders


def test_outcomes_come_in_the_order_of_the_trials_and_their_files_are_gone(host: Host) -> None:
    for n, cell in enumerate(CELLS):
        host.writes(cell, outcome=Outcome(measurements=[Measurement("echo", {"lost": float(n)})]))
    host.generator.end()
    found, interrupt = host.conduct()
    assert interrupt is None
    lost = [each.measurements[0].metrics["lost"] for each in found if isinstance(each, Outcome)]
    assert lost == [0, 1, 2]
    assert not [each for each in host.orders.assignments if Path(each.outcome).exists()]


def test_generator_is_waited_for_as_long_as_it_works(host: Host, clock: Clock) -> None:
    host.writes(*CELLS)
    host.generator.looks = [lambda: None] * 500 + [host.generator.end]
    found, _ = host.conduct()
    assert all(isinstance(each, Outcome) for each in found)
    assert clock.now_s == pytest.approx(110)


# --- a server that died


def test_server_that_died_explains_its_own_trial_and_no_other(host: Host, clock: Clock) -> None:
    host.writes(*CELLS)
    host.generator.looks = [lambda: host.die(CELLS[1]), lambda: None, host.generator.end]
    first, died, last = host.conduct()[0]
    assert first == last == WELL
    assert reason(died) == (
        "the server died during the trial (code -9): threading × polling: out of memory; "
        f"its log: {host.servers[CELLS[1]].log}"
    )


def test_end_of_a_server_explains_more_than_what_it_did_to_others(host: Host) -> None:
    host.writes(*CELLS, outcome=Outcome(error="all 4 clients lost their connection"))
    host.die(CELLS[0], code=1)
    host.generator.end()
    died, *others = host.conduct()[0]
    assert "the server died during the trial (code 1)" in reason(died)
    for each in others:
        assert "all 4 clients lost their connection; logs: " in reason(each)


def test_logs_that_say_nothing_are_not_named(host: Host) -> None:
    host.writes(*CELLS, outcome=Outcome(error="refused"))
    host.log.write_bytes(b"")
    host.servers[CELLS[0]].log.write_bytes(b"")
    host.generator.end()
    silent, telling, _ = host.conduct()[0]
    assert reason(silent) == "refused"
    assert reason(telling) == f"refused; logs: {host.servers[CELLS[1]].log}"


def test_where_no_server_is_left_only_last_words_are_waited_for(host: Host, clock: Clock) -> None:
    host.generator.looks = [lambda cell=cell: host.die(cell) for cell in CELLS]  # type: ignore[misc]
    found, _ = host.conduct()
    assert all("the server died" in reason(each) for each in found)
    assert clock.now_s < 103


def test_what_a_generator_was_doing_to_a_dead_server_is_told(host: Host) -> None:
    host.writes(CELLS[0], outcome=Outcome(error="all 20 clients were lost (at a load of 900)"))
    host.generator.looks = [lambda: host.die(CELLS[0]), host.generator.end]
    found, _ = host.conduct()
    assert "; all 20 clients were lost (at a load of 900); its log: " in reason(found[0])


def test_server_of_ones_own_is_not_watched(host: Host, clock: Clock) -> None:
    host.writes(*CELLS)
    host.generator.looks = [lambda: None, host.generator.end]
    found, _ = host.conduct(servers=False)
    assert all(isinstance(each, Outcome) for each in found)


# --- a generator that gives nothing


def test_trial_without_an_outcome_has_the_generators_last_words(host: Host) -> None:
    host.writes(CELLS[0])
    host.generator.end(code=1)
    first, *others = host.conduct()[0]
    assert first == WELL
    for each in others:
        assert reason(each) == (
            f"the load generator ended with code 1: MemoryError: no more; its log: {host.log}"
        )


def test_generator_that_was_dead_before_it_was_told_anything_is_explained_as_well(
    host: Host,
) -> None:
    host.generator.deaf = True
    host.generator.end(code=2)
    found, _ = host.conduct()
    assert all("the load generator ended with code 2" in reason(each) for each in found)


def test_generator_that_is_late_loses_what_it_has_not_written(host: Host, clock: Clock) -> None:
    host.writes(CELLS[0], CELLS[2])
    first, late, last = host.conduct()[0]
    assert first == last == WELL
    limit_s = sum(each.variant.longest_s for each in host.orders.assignments)
    assert clock.now_s == pytest.approx(100 + limit_s, abs=0.1)
    assert reason(late) == (
        f"the load generator was not done after {limit_s:.0f} s; its log: {host.log}"
    )


def test_error_of_a_trial_has_the_places_of_both_logs(host: Host) -> None:
    host.writes(CELLS[0], outcome=Outcome(error="1 of 4 clients could not connect: refused"))
    host.generator.end()
    failed, *_ = host.conduct()[0]
    assert reason(failed) == (
        f"1 of 4 clients could not connect: refused; logs: {host.log}, {host.servers[CELLS[0]].log}"
    )
    host.writes(CELLS[0], outcome=Outcome(error="refused"))
    failed, *_ = host.conduct(servers=False)[0]
    assert reason(failed) == f"refused; logs: {host.log}"


# --- an interrupted run


def interrupted() -> None:
    raise KeyboardInterrupt


def test_interrupted_generator_is_told_to_stop_and_its_whole_rounds_are_kept(
    host: Host, clock: Clock
) -> None:
    def end() -> None:
        assert host.generator.heard.endswith(STOP)
        host.writes(*CELLS)
        host.generator.end()

    host.generator.looks = [lambda: None, interrupted, lambda: None, end]
    found, interrupt = host.conduct()
    assert isinstance(interrupt, KeyboardInterrupt)
    assert found == [WELL] * 3


def test_interrupted_generator_that_does_not_end_is_not_waited_for_long(
    host: Host, clock: Clock
) -> None:
    host.generator.looks = [interrupted]
    found, interrupt = host.conduct()
    assert isinstance(interrupt, KeyboardInterrupt)
    assert all("was not done after 30 s" in reason(each) for each in found)
    assert clock.now_s == pytest.approx(130, abs=0.1)


def test_one_trial_alone_that_takes_turns_is_kept_as_well(tmp_path: Path, clock: Clock) -> None:
    host = Host(tmp_path, CELLS[:1])
    host.writes(CELLS[0])
    host.generator.looks = [interrupted, host.generator.end]
    found, interrupt = host.conduct()
    assert isinstance(interrupt, KeyboardInterrupt)
    assert found == [WELL]


def test_trial_that_takes_no_turns_has_nothing_to_keep(tmp_path: Path, clock: Clock) -> None:
    host = Host(tmp_path, CELLS[:1], "disconnect")
    host.generator.looks = [interrupted]
    with pytest.raises(KeyboardInterrupt):
        host.conduct()
    assert STOP not in host.generator.heard
