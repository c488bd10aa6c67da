"""The alarm on gevent's own loop, sleeping and spinning."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import pytest

from loadtests.client.alarm import Alarm
from loadtests.client.spinning import GET_READY_NS
from tests.support.waiting import PATIENCE_S, until

MS = 1_000_000
LONG_NS = round(PATIENCE_S * 1e9)


@contextmanager
def alarm_that_spins(spin_ns: int) -> Iterator[Alarm]:
    alarm = Alarm(spin_ns)
    try:
        yield alarm
    finally:
        alarm.close()


@pytest.fixture(params=[0, MS, LONG_NS], ids=["sleeps", "spins at the end", "spins"])
def alarm(request: pytest.FixtureRequest) -> Iterator[Alarm]:
    with alarm_that_spins(request.param) as alarm:
        yield alarm


@contextmanager
def always_readable(callback: Callable[[], None]) -> Iterator[None]:
    """Something to read in every turn of the loop, since nobody takes it away."""
    ours, peers = socket.socketpair()
    with ours, peers:
        peers.send(b"x")
        watcher = gevent.get_hub().loop.io(ours.fileno(), 1)
        watcher.start(callback)
        try:
            yield
        finally:
            watcher.stop()
            watcher.close()


def work_ns(steps: int = 2000) -> int:
    """CPU time of some work."""
    begin_ns = time.thread_time_ns()
    sum(range(steps))
    return time.thread_time_ns() - begin_ns


def turns(seconds: float = 0.05) -> int:
    """How often the loop turns while it has nothing to do: a few times, or thousands of times."""
    loop = gevent.get_hub().loop
    before = loop.iteration
    gevent.sleep(seconds)
    return int(loop.iteration - before)


def test_nothing_runs_before_it_is_due_and_all_of_it_in_order(alarm: Alarm) -> None:
    ran: list[int] = []
    now_ns = time.monotonic_ns()
    early: list[int] = []

    def run(due_ns: int) -> None:
        ran.append(due_ns)
        if time.monotonic_ns() < due_ns:
            early.append(due_ns)

    dues = [now_ns + after * MS // 4 for after in (30, 2, 1, 17, 0, 4, 3, 40, 18)]
    for due_ns in dues:
        alarm.at(due_ns, lambda due_ns=due_ns: run(due_ns))  # type: ignore[misc]
    until(lambda: len(ran) == len(dues), "all callbacks")
    assert (ran, early) == (sorted(dues), [])


def test_alarm_outlives_a_broken_callback(alarm: Alarm, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type[BaseException]] = []
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, "handle_error", lambda _context, type, _value, _tb: told.append(type))
    ran: list[str] = []

    def broken() -> None:
        raise ZeroDivisionError

    now_ns = time.monotonic_ns()
    alarm.at(now_ns, broken)
    alarm.at(now_ns + MS, lambda: ran.append("next"))
    until(lambda: ran, "the next callback")
    assert told == [ZeroDivisionError]


def test_what_is_due_runs_while_every_turn_has_something_to_read(alarm: Alarm) -> None:
    reads = [0]

    def read() -> None:
        reads[0] += 1

    ran: list[int] = []
    with always_readable(read):
        alarm.at(time.monotonic_ns() + 2 * MS, lambda: ran.append(reads[0]))
        until(lambda: ran, "the callback")
    assert ran[0] > 0


def test_schedule_that_cannot_be_kept_leaves_the_loop_its_reads(alarm: Alarm) -> None:
    reads = [0]

    def read() -> None:
        reads[0] += 1

    def late_again() -> None:
        due_ns = time.monotonic_ns() + 1
        work_ns()
        alarm.at(due_ns, late_again)

    with always_readable(read):
        late_again()
        until(lambda: reads[0] > 10, "ten reads")


def test_alarm_that_spins_keeps_the_loop_awake_until_it_has_rung() -> None:
    ran: list[int] = []
    with alarm_that_spins(LONG_NS) as alarm:
        alarm.at(time.monotonic_ns() + 100 * MS, lambda: ran.append(1))
        assert turns() > 100
        until(lambda: ran, "the callback")
        assert turns() < 50


def test_cleared_alarm_spins_no_more_and_goes_on() -> None:
    ran: list[str] = []
    with alarm_that_spins(LONG_NS) as alarm:
        alarm.at(time.monotonic_ns() + LONG_NS, lambda: ran.append("forgotten"))
        until(lambda: alarm.spun_ns, "spinning")
        alarm.clear()
        assert turns() < 50
        alarm.at(time.monotonic_ns() + MS, lambda: ran.append("kept"))
        until(lambda: ran, "the callback")
        assert (ran, turns() < 50) == (["kept"], True)


def test_alarm_cleared_and_asked_at_once_keeps_what_it_was_asked_then() -> None:
    ran: list[str] = []
    with alarm_that_spins(MS) as alarm:
        alarm.at(time.monotonic_ns() + MS // 2, lambda: ran.append("forgotten"))
        alarm.clear()
        alarm.at(time.monotonic_ns() + 5 * MS, lambda: ran.append("kept"))
        until(lambda: ran, "the callback")
    assert ran == ["kept"]


def test_closed_alarm_spins_no_more() -> None:
    with alarm_that_spins(LONG_NS) as alarm:
        alarm.at(time.monotonic_ns() + LONG_NS, lambda: None)
        until(lambda: alarm.spun_ns, "spinning")
    assert turns() < 50


def test_alarm_closed_by_its_own_callback_spins_no_more() -> None:
    alarm = Alarm(LONG_NS)
    ran: list[str] = []

    def end() -> None:
        ran.append("end")
        alarm.close()
        alarm.at(time.monotonic_ns(), lambda: ran.append("after the end"))

    alarm.at(time.monotonic_ns() + MS, end)
    alarm.at(time.monotonic_ns() + LONG_NS, lambda: ran.append("forgotten"))
    until(lambda: ran, "the end")
    assert (turns() < 50, ran) == (True, ["end"])


def test_nearly_all_cpu_time_of_an_alarm_that_only_spins_is_spun() -> None:
    with alarm_that_spins(LONG_NS) as alarm:
        alarm.at(time.monotonic_ns() + LONG_NS, lambda: None)
        until(lambda: alarm.spun_ns, "spinning")
        cpu_ns, spun_ns = time.thread_time_ns(), alarm.spun_ns
        gevent.sleep(0.3)
        cpu_ns, spun_ns = time.thread_time_ns() - cpu_ns, alarm.spun_ns - spun_ns
    assert 0.9 < spun_ns / cpu_ns <= 1


@pytest.mark.parametrize("pause_s", [0.001, 0.0001])
def test_cpu_time_without_what_was_spun_is_that_of_the_work(pause_s: float) -> None:
    worked_ns = 0
    with alarm_that_spins(LONG_NS) as alarm:
        alarm.at(time.monotonic_ns() + LONG_NS, lambda: None)
        until(lambda: alarm.spun_ns, "spinning")
        cpu_ns, spun_ns = time.thread_time_ns(), alarm.spun_ns
        for _ in range(200):
            worked_ns += work_ns(20_000)
            gevent.sleep(pause_s)
        cpu_ns, spun_ns = time.thread_time_ns() - cpu_ns, alarm.spun_ns - spun_ns
    assert 1 < (cpu_ns - spun_ns) / worked_ns < 1.3
    assert spun_ns > 0


def test_who_gets_ready_shortly_before_goes_out_at_the_moment_itself(alarm: Alarm) -> None:
    begun_ns = time.monotonic_ns()
    dues = [begun_ns + after * MS for after in (1, 2, 3, 5, 8)]
    came: list[tuple[int, int]] = []

    def get_ready(due_ns: int) -> None:
        called_ns = time.monotonic_ns()
        alarm.wait_until(due_ns)
        came.append((called_ns - due_ns, time.monotonic_ns() - due_ns))

    for due_ns in dues:
        alarm.shortly_before(due_ns, lambda due_ns=due_ns: get_ready(due_ns))  # type: ignore[misc]
    until(lambda: len(came) == len(dues), "all callbacks")
    assert all(called >= -GET_READY_NS and went >= 0 for called, went in came)
    # What sleeps is called at the moment, or later; what spins at least once in time to get ready.
    assert (min(called for called, _ in came) < 0) == bool(alarm.spun_ns)


def test_who_sleeps_until_what_is_due_is_not_called_before_it() -> None:
    called: list[int] = []
    with alarm_that_spins(0) as alarm:
        due_ns = time.monotonic_ns() + 2 * MS
        alarm.shortly_before(due_ns, lambda: called.append(time.monotonic_ns()))
        until(lambda: called, "the callback")
    assert called[0] >= due_ns
