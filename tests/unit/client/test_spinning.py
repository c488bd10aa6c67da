"""When the loop is kept awake, and which of its turns count as spinning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.client import spinning
from loadtests.client.spinning import SpinningTimer

SPIN_NS, LAST_NS = 100, 4


class EarlyTimer:
    """The timer that rings early; rung by the test."""

    def __init__(self) -> None:
        self.set_to: list[int] = []
        self.closed = False
        self.ring: Callable[[], None] = lambda: None

    def start(self, callback: Callable[[], None]) -> None:
        self.ring = callback

    def set(self, due_ns: int) -> None:
        self.set_to.append(due_ns)

    def close(self) -> None:
        self.closed = True


class Idle:
    """An idle watcher, called by the test."""

    active = False
    closed = False
    turn: Callable[[], None]

    def start(self, callback: Callable[[], None]) -> None:
        self.active, self.turn = True, callback

    def stop(self) -> None:
        self.active = False

    def close(self) -> None:
        self.closed = True


class Loop:
    """A loop whose turns take ten nanoseconds on the clock and nine on the CPU, or more."""

    MAXPRI = 2

    def __init__(self) -> None:
        self.pendingcnt = 0
        self.now_ns = self.cpu_ns = 0
        self._turning, self._looks = False, 0
        self.idle_watcher = Idle()

    def look(self) -> int:
        """The time; whoever looks again in the same turn uses up a nanosecond of it."""
        if self._looks:
            self.now_ns += 1
            self.cpu_ns += 1
        self._looks += self._turning
        return self.now_ns

    def idle(self, priority: int) -> Idle:
        assert priority == self.MAXPRI
        return self.idle_watcher

    def turns(self, number: int = 1, work_ns: int = 0) -> None:
        """So many turns, each with work if there is any."""
        for _ in range(number):
            self.pendingcnt = 1 if work_ns else 0
            self._turning = True
            if self.idle_watcher.active:
                self.idle_watcher.turn()
            self._turning, self._looks = False, 0
            self.now_ns += 10 + work_ns
            self.cpu_ns += 9 + work_ns


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(spinning, "_LAST_NS", LAST_NS)
    monkeypatch.setattr(spinning, "_monotonic_ns", loop.look)
    monkeypatch.setattr(spinning, "_cpu_ns", lambda: loop.cpu_ns)
    return loop


@pytest.fixture
def early() -> EarlyTimer:
    return EarlyTimer()


@pytest.fixture
def rung() -> list[int]:
    return []


@pytest.fixture
def timer(loop: Loop, early: EarlyTimer, rung: list[int]) -> SpinningTimer:
    timer = SpinningTimer(early, SPIN_NS, loop)
    timer.start(lambda: rung.append(loop.now_ns))
    return timer


def wake(loop: Loop, early: EarlyTimer) -> None:
    """Ring the early timer at its moment."""
    loop.now_ns = early.set_to[-1]
    early.ring()


def test_loop_sleeps_until_shortly_before(loop, early, timer) -> None:
    timer.set(1000)
    assert (early.set_to, loop.idle_watcher.active) == ([900], False)
    wake(loop, early)
    assert loop.idle_watcher.active


def test_it_rings_in_the_first_turn_after_the_due_time_and_the_loop_may_sleep_again(
    loop, early, timer, rung
) -> None:
    timer.set(1000)
    wake(loop, early)
    loop.turns(10)
    assert rung == []
    loop.turns()
    assert (rung, loop.idle_watcher.active) == ([1000], False)


@pytest.mark.parametrize(
    ("due_ns", "rung_ns", "spun_ns"),
    [(1000, 1000, 90), (1003, 1003, 93), (1004, 1010, 99), (1010, 1010, 99)],
)
def test_what_is_nearly_due_is_waited_for_on_the_spot_and_that_is_spun(
    loop, early, timer, rung, due_ns: int, rung_ns: int, spun_ns: int
) -> None:
    timer.set(due_ns)
    loop.now_ns = 900
    early.ring()
    loop.turns(12)
    assert (rung, timer.spun_ns) == ([rung_ns], spun_ns)


def test_what_is_waited_for_by_others_is_spun_and_what_is_past_is_not(loop, timer) -> None:
    def wait_until(due_ns: int) -> tuple[int, int]:
        loop._looks, loop._turning = 1, True  # each further look takes a nanosecond
        timer.wait_until(due_ns)
        return loop.now_ns, timer.spun_ns

    loop.now_ns = 990
    now_ns, spun_ns = wait_until(1000)
    assert now_ns == 1000
    assert 0 < spun_ns <= 10
    now_ns, again_ns = wait_until(900)
    assert (now_ns, again_ns) == (1001, spun_ns)


def test_it_rings_in_a_turn_that_has_something_to_read(loop, early, timer, rung) -> None:
    timer.set(1000)
    wake(loop, early)
    loop.turns(20, work_ns=7)
    assert rung == [1002]


def test_next_one_that_is_due_soon_is_spun_for_without_a_timer(loop, early, timer) -> None:
    def ring() -> None:
        timer.set(1050)

    timer.start(ring)
    timer.set(1000)
    wake(loop, early)
    loop.turns(12)
    assert (early.set_to, loop.idle_watcher.active) == ([900], True)


def test_next_one_that_is_due_later_lets_the_loop_sleep(loop, early, timer) -> None:
    timer.start(lambda: timer.set(5000))
    timer.set(1000)
    wake(loop, early)
    loop.turns(12)
    assert (early.set_to, loop.idle_watcher.active) == ([900, 4900], False)


def test_sooner_due_time_is_kept_while_it_spins_for_another(loop, early, timer, rung) -> None:
    timer.set(1000)
    wake(loop, early)
    timer.set(950)
    loop.turns(20)
    assert (rung, loop.idle_watcher.active) == ([950], False)


def test_timer_that_was_overtaken_wakes_nobody(loop, early, timer, rung) -> None:
    timer.set(1000)
    loop.now_ns = 850
    timer.set(900)
    loop.turns(6)
    assert rung == [900]
    early.ring()
    assert not loop.idle_watcher.active


def test_who_has_computed_for_most_of_a_second_sleeps_until_what_is_due(
    loop, early, timer, rung
) -> None:
    def soon() -> int:
        due_ns: int = loop.now_ns + 50
        timer.set(due_ns)
        return due_ns

    soon()  # the second begins with the first
    loop.turns(6)
    loop.cpu_ns += spinning._MOST_NS - 100
    soon()
    assert (early.set_to, loop.idle_watcher.active) == ([], True)
    loop.turns(6)
    loop.cpu_ns += 100
    due_ns = soon()
    assert (early.set_to, loop.idle_watcher.active) == ([due_ns], False)
    rung.clear()
    wake(loop, early)
    assert (rung, loop.idle_watcher.active) == ([due_ns], False)
    loop.now_ns += spinning._SECOND_NS
    soon()
    assert loop.idle_watcher.active


def test_who_has_computed_for_most_of_a_second_is_not_called_early_either(loop, timer) -> None:
    timer.set(50)
    assert timer.lead_ns == spinning.GET_READY_NS
    loop.cpu_ns += spinning._MOST_NS
    assert timer.lead_ns == 0
    loop.now_ns += spinning._SECOND_NS
    assert timer.lead_ns == spinning.GET_READY_NS


def test_who_wakes_early_with_its_second_used_up_sleeps_again(loop, early, timer, rung) -> None:
    timer.set(loop.now_ns + 50)
    loop.turns(6)
    rung.clear()
    loop.cpu_ns += spinning._MOST_NS
    timer.set(1000)
    wake(loop, early)
    assert (early.set_to, loop.idle_watcher.active, rung) == ([900, 1000], False, [])
    wake(loop, early)
    assert rung == [1000]


def test_callback_that_fails_leaves_nothing_spinning(loop, early, timer) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    timer.start(broken)
    timer.set(1000)
    wake(loop, early)
    loop.now_ns = 1000
    with pytest.raises(ZeroDivisionError):
        loop.turns()
    assert not loop.idle_watcher.active


def test_closed_while_it_spins_it_gives_all_back(loop, early, timer, rung) -> None:
    timer.set(1000)
    wake(loop, early)
    timer.close()
    loop.turns(20)
    early.ring()
    assert (rung, early.closed) == ([], True)
    assert (loop.idle_watcher.active, loop.idle_watcher.closed) == (False, True)


def test_closed_by_its_own_callback_it_stops(loop, early, timer) -> None:
    timer.start(timer.close)
    timer.set(1000)
    wake(loop, early)
    loop.turns(20)
    assert (loop.idle_watcher.active, early.closed) == (False, True)


@pytest.mark.parametrize(
    ("spun_turns", "works"),
    [
        pytest.param(6, {}, id="none works"),
        pytest.param(5, {4: 1}, id="one reads a little"),
        pytest.param(5, {0: 5}, id="the first reads"),
        pytest.param(3, {1: 1, 2: 7, 5: 2}, id="three read"),
    ],
)
def test_turns_that_work_are_not_spun(
    loop: Loop, early: EarlyTimer, timer: SpinningTimer, spun_turns: int, works: dict[int, int]
) -> None:
    timer.set(1000)
    wake(loop, early)
    for number in range(6):
        loop.turns(work_ns=works.get(number, 0))
    loop.turns(work_ns=1)
    assert timer.spun_ns == 9 * spun_turns


def test_time_that_the_core_gave_to_others_is_not_spun(loop, early, timer) -> None:
    timer.set(1000)
    wake(loop, early)
    loop.turns(5)
    loop.now_ns += 1000
    loop.turns()
    assert timer.spun_ns == 5 * 9


def test_what_it_calls_and_the_time_in_which_the_loop_may_sleep_are_not_spun(
    loop, early, timer
) -> None:
    def ring() -> None:
        loop.cpu_ns += 500
        timer.set(5000)

    timer.start(ring)
    timer.set(1000)
    wake(loop, early)
    loop.turns(11)
    loop.cpu_ns += 300
    assert timer.spun_ns == 10 * 9


def test_spun_time_only_ever_grows_also_while_it_spins(loop, early, timer) -> None:
    timer.set(1000)
    wake(loop, early)
    seen: list[Any] = []
    for number in range(15):
        loop.turns(work_ns=number % 3)
        seen.append(timer.spun_ns)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
