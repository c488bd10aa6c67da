"""How long before a due time to stop sleeping, told from how late a core wakes; nothing sleeps."""

from __future__ import annotations

import ctypes
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from loadtests.machine import wakeups
from loadtests.machine.wakeups import WakeUps, bounded

US, MS = 1_000, 1_000_000
PR_GET_TIMERSLACK = 30


@dataclass
class Core:
    """Wakes late by each of these in turn, without anybody having to wait."""

    late_ns: list[int]
    now_ns: int = 0
    slept_s: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        late_ns = self.late_ns[len(self.slept_s) % len(self.late_ns)]
        self.slept_s.append(seconds)
        self.now_ns += round(seconds * 1e9) + late_ns


def measured(monkeypatch: pytest.MonkeyPatch, core: Core) -> WakeUps:
    monkeypatch.setattr(wakeups, "_sleep", core.sleep)
    monkeypatch.setattr(wakeups, "_monotonic_ns", lambda: core.now_ns)
    return wakeups.measure(None)


@pytest.mark.parametrize(
    ("margin_ns", "lateness_ns"),
    [
        pytest.param(150 * US, 0, id="a core that never sleeps"),
        pytest.param(160 * US, 10 * US, id="one that wakes at once"),
        pytest.param(350 * US, 200 * US, id="one that sleeps"),
        pytest.param(MS, MS - 1, id="one that sleeps deeply"),
        pytest.param(MS, 5 * MS, id="one that others use"),
    ],
)
def test_margin_is_a_little_more_than_the_wake_up_takes_within_bounds(
    margin_ns: int, lateness_ns: int
) -> None:
    assert margin_ns == bounded(lateness_ns)


def test_margin_is_for_all_but_the_rarest_wake_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    core = Core([60 * US] * 95 + [200 * US] * 4 + [9 * MS])
    found = measured(monkeypatch, core)
    assert found == WakeUps(60 * US, 200 * US, bounded(200 * US), found.ahead)


def test_quiet_core_is_measured_within_a_second_by_many_sleeps_of_some_milliseconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    core = Core([60 * US])
    measured(monkeypatch, core)
    assert core.now_ns < 1000 * MS
    assert len(core.slept_s) >= 200
    assert (min(core.slept_s), max(core.slept_s)) == (0.003, 0.005)


def test_core_that_wakes_ever_so_late_is_not_measured_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    core = Core([100 * MS])
    assert measured(monkeypatch, core).margin_ns == MS
    assert core.now_ns < 1300 * MS


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="nothing can be pinned here")
def test_core_is_left_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    seen: list[set[int]] = []

    def sleep(_seconds: float) -> None:
        seen.append(os.sched_getaffinity(0))
        if len(seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(wakeups, "_sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        wakeups.measure(core)
    assert (seen, os.sched_getaffinity(0)) == ([{core}] * 3, before)


@pytest.mark.skipif(sys.platform != "linux", reason="timer slack is Linux's")
def test_timer_slack_is_the_least_where_that_is_asked_for_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a thread of its own, since the slack is a thread's."""
    libc = ctypes.CDLL(None)
    seen: list[int] = []

    def note(_seconds: float = 0) -> None:
        seen.append(libc.prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0))

    def look() -> None:
        note()
        wakeups.measure(None)
        note()
        wakeups.least_timer_slack()
        note()

    monkeypatch.setattr(wakeups, "_sleep", note)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(look).result()
    before, *during, after, asked = seen
    # A real-time process, which it is where that is permitted, has none at all.
    assert (set(during) <= {0, 1}, after, asked) == (True, before, 1)
