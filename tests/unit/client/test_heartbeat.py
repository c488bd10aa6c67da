"""Giving up a silent server, on a clock and with a timer that the test moves by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from loadtests.client import heartbeat
from loadtests.client.heartbeat import Standstill, Vigil

MS = 1_000_000
S = 1_000 * MS
INTERVAL_MS, TIMEOUT_MS = 25_000, 20_000
PATIENCE_NS = 45 * S


class Timer:
    """Of the loop: rings when the test lets it."""

    def __init__(self, due_ns: int) -> None:
        self.due_ns = due_ns
        self.ring: Callable[[], None] | None = None
        self.closed = False

    def start(self, callback: Callable[[], None]) -> None:
        self.ring = callback

    def stop(self) -> None:
        self.ring = None

    def close(self) -> None:
        self.closed = True


class Hours:
    """A clock, the loop's timers, and a session that hears and is given up."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * S
        self.timers: list[Timer] = []
        self.heard_ns = self.now_ns
        self.given_up: list[tuple[int, str]] = []
        self.loop = self

    def timer(self, after_s: float, *_: float, **__: bool) -> Timer:
        self.timers.append(Timer(self.now_ns + round(after_s * 1e9)))
        return self.timers[-1]

    def give_up(self, reason: str) -> None:
        self.given_up.append((self.now_ns, reason))

    @property
    def running(self) -> list[Timer]:
        return [timer for timer in self.timers if timer.ring is not None]

    def pass_until(self, moment_ns: int, *, late_ns: int = 0) -> None:
        """Let all timers ring that are due by then, each so late."""
        while due := [timer for timer in self.running if timer.due_ns + late_ns <= moment_ns]:
            self.now_ns = max(self.now_ns, due[0].due_ns + late_ns)
            assert due[0].ring is not None
            due[0].ring()
        self.now_ns = max(self.now_ns, moment_ns)

    def hear(self) -> None:
        self.heard_ns = self.now_ns


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    made = Hours()
    monkeypatch.setattr(heartbeat, "_monotonic_ns", lambda: made.now_ns)
    monkeypatch.setattr(gevent, "get_hub", lambda: made)
    return made


def watched(
    hours: Hours, interval_ms: float = INTERVAL_MS, timeout_ms: float = TIMEOUT_MS
) -> Vigil:
    session: Any = hours
    return Vigil(session, interval_ms, timeout_ms)


def test_server_that_never_speaks_again_is_given_up_after_interval_and_timeout(
    hours: Hours,
) -> None:
    begin_ns = hours.now_ns
    watched(hours)
    hours.pass_until(begin_ns + PATIENCE_NS - 1)
    assert hours.given_up == []
    hours.pass_until(begin_ns + 10 * PATIENCE_NS)
    [(moment_ns, reason)] = hours.given_up
    assert moment_ns == begin_ns + PATIENCE_NS
    assert reason.startswith("no heartbeat: nothing came from the server for as long as it")
    assert "a ping every 25 s, 20 s of patience" in reason
    assert hours.running == []


def test_patience_begins_anew_with_whatever_is_heard(hours: Hours) -> None:
    begin_ns = hours.now_ns
    watched(hours)
    for second in (25, 50, 69):
        hours.pass_until(begin_ns + second * S)
        hours.hear()
    hours.pass_until(begin_ns + 69 * S + PATIENCE_NS - 1)
    assert hours.given_up == []
    hours.pass_until(begin_ns + 1_000 * S)
    assert [moment_ns for moment_ns, _ in hours.given_up] == [begin_ns + 69 * S + PATIENCE_NS]


def test_busy_session_is_looked_at_once_in_its_patience_and_not_with_each_packet(
    hours: Hours,
) -> None:
    begin_ns = hours.now_ns
    watched(hours)
    for second in range(450):
        hours.pass_until(begin_ns + second * S)
        hours.hear()
    assert len(hours.timers) < 13
    assert len(hours.running) == 1
    assert all(timer.closed for timer in hours.timers if timer.ring is None)


def test_process_that_was_away_reads_what_has_arrived_before_it_gives_up(hours: Hours) -> None:
    begin_ns = hours.now_ns
    watched(hours)
    # It was stopped, or its machine slept: the timer rings an hour late, and the ping is unread.
    hours.pass_until(begin_ns + PATIENCE_NS + 3_600 * S, late_ns=3_600 * S)
    assert hours.given_up == []
    hours.hear()
    hours.pass_until(hours.now_ns + PATIENCE_NS - 1)
    assert hours.given_up == []


def test_process_that_was_away_gives_up_where_nothing_had_arrived(hours: Hours) -> None:
    begin_ns = hours.now_ns
    watched(hours)
    back_ns = begin_ns + PATIENCE_NS + 3_600 * S
    hours.pass_until(back_ns, late_ns=3_600 * S)
    hours.pass_until(back_ns + S)
    assert [moment_ns - back_ns for moment_ns, _ in hours.given_up] == [200 * MS]


def test_timer_that_is_a_little_late_is_no_absence(hours: Hours) -> None:
    begin_ns = hours.now_ns
    watched(hours)
    hours.pass_until(begin_ns + PATIENCE_NS + 100 * MS, late_ns=100 * MS)
    assert len(hours.given_up) == 1


def test_vigil_that_was_stopped_rings_no_more(hours: Hours) -> None:
    vigil = watched(hours)
    vigil.stop()
    vigil.stop()
    hours.pass_until(hours.now_ns + 10 * PATIENCE_NS)
    assert (hours.given_up, hours.running) == ([], [])
    assert [timer.closed for timer in hours.timers] == [True]


@pytest.mark.parametrize("announced_ms", [1e15, 1e300, float("inf")])
def test_server_that_announces_ages_is_waited_for_a_year(hours: Hours, announced_ms: float) -> None:
    watched(hours, announced_ms, 1)
    assert hours.timers[0].due_ns - hours.now_ns == 365 * 86_400 * S


# --- a process that stands still


def test_standstill_is_known_before_and_after_the_timer_rings_and_then_forgotten(
    hours: Hours,
) -> None:
    found = Standstill()
    assert found.recent_ns(hours.now_ns) == 0  # nobody watches
    found.watch()
    found.watch()
    (timer,) = hours.timers
    assert timer.ring is not None
    hours.now_ns += S // 2
    timer.ring()
    assert found.recent_ns(hours.now_ns) == 0
    hours.now_ns += 3 * S
    assert found.recent_ns(hours.now_ns) == 3 * S
    timer.ring()
    for _ in range(10):
        hours.now_ns += S // 2
        timer.ring()
    assert found.recent_ns(hours.now_ns) == 3 * S
    for _ in range(10):
        hours.now_ns += S // 2
        timer.ring()
    assert found.recent_ns(hours.now_ns) == 0
