"""The queue of callbacks, with a timer that the test rings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from loadtests.client import alarm
from loadtests.client.alarm import Alarm


class FakeTimer:
    """Keeps what it was set to."""

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


class Clock:
    now_ns = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(alarm, "_monotonic_ns", lambda: clock.now_ns)
    return clock


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> FakeTimer:
    timer = FakeTimer()
    monkeypatch.setattr(alarm, "_timerfd", lambda: timer)
    monkeypatch.setattr(alarm, "_LoopTimer", lambda: timer)
    return timer


def test_callbacks_run_in_the_order_of_their_due_times(clock: Clock, timer: FakeTimer) -> None:
    ran: list[str] = []
    queue = Alarm()
    queue.at(30, lambda: ran.append("third"))
    queue.at(10, lambda: ran.append("first"))
    queue.at(20, lambda: ran.append("second"))
    clock.now_ns = 25
    timer.ring()
    assert ran == ["first", "second"]
    clock.now_ns = 30
    timer.ring()
    assert ran == ["first", "second", "third"]


def test_callbacks_of_one_moment_run_in_the_order_in_which_they_were_asked_for(
    clock: Clock, timer: FakeTimer
) -> None:
    ran: list[int] = []
    queue = Alarm()
    for number in range(5):
        queue.at(10, partial(ran.append, number))
    clock.now_ns = 10
    timer.ring()
    assert ran == [0, 1, 2, 3, 4]


def test_timer_is_set_anew_for_an_earlier_callback_only(timer: FakeTimer, clock: Clock) -> None:
    queue = Alarm()
    for due_ns in (30, 20, 40, 10):
        queue.at(due_ns, lambda: None)
    assert timer.set_to == [30, 20, 10]


def test_timer_is_set_once_after_a_ring_for_what_is_left(timer: FakeTimer, clock: Clock) -> None:
    queue = Alarm()

    def ask_for_three() -> None:
        for due_ns in (50, 40, 60):
            queue.at(due_ns, lambda: None)

    queue.at(10, ask_for_three)
    clock.now_ns = 10
    timer.ring()
    assert timer.set_to == [10, 40]


def test_callback_may_ask_for_one_that_is_due_already(timer: FakeTimer, clock: Clock) -> None:
    ran: list[str] = []
    queue = Alarm()
    queue.at(10, lambda: queue.at(5, lambda: ran.append("late")))
    clock.now_ns = 10
    timer.ring()
    assert (ran, timer.set_to) == (["late"], [10])


def test_ring_that_comes_too_early_runs_nothing_and_is_set_anew(
    timer: FakeTimer, clock: Clock
) -> None:
    ran: list[str] = []
    queue = Alarm()
    queue.at(10, lambda: ran.append("x"))
    clock.now_ns = 9
    timer.ring()
    assert (ran, timer.set_to) == ([], [10, 10])


def test_broken_callback_does_not_stop_the_others(timer: FakeTimer, clock: Clock) -> None:
    ran: list[str] = []
    queue = Alarm()

    def broken() -> None:
        raise ZeroDivisionError

    queue.at(10, broken)
    queue.at(11, lambda: ran.append("next"))
    clock.now_ns = 20
    with pytest.raises(ZeroDivisionError):
        timer.ring()
    assert timer.set_to[-1] == 11
    timer.ring()
    assert ran == ["next"]


def test_cleared_queue_forgets_and_goes_on(timer: FakeTimer, clock: Clock) -> None:
    ran: list[str] = []
    queue = Alarm()
    queue.at(10, lambda: ran.append("forgotten"))
    queue.clear()
    queue.at(20, lambda: ran.append("kept"))
    clock.now_ns = 10
    timer.ring()  # the timer was still set to it
    assert (ran, timer.set_to[-1]) == ([], 20)
    clock.now_ns = 20
    timer.ring()
    assert ran == ["kept"]


def test_closed_alarm_gives_its_timer_back(timer: FakeTimer) -> None:
    Alarm().close()
    assert timer.closed
