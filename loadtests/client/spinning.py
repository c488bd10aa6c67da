"""Staying awake shortly before a due time.

A core that sleeps takes some hundred microseconds to wake, which no timer can do anything about
(measured in loadtests.machine.wakeups). So a SpinningTimer has another timer ring earlier by more
than that. From then on gevent's loop turns without sleeping and looks at the clock each time, and
goes on reading what arrives. Only the last moments, shorter than a turn, are waited for on the
spot: the kernel stamps what arrives meanwhile. What must go out at its moment gets ready
GET_READY_NS before it and waits itself, since the way there takes as long again as the timer is
late. So before a send nothing is read for up to 70 µs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

_NEVER = sys.maxsize

#: About what a turn of the loop takes whose caches are cold.
_LAST_NS = 20_000

#: What it takes to get ready for a send whose caches are cold, nearly always: 15 to 30 µs at p50
#: with 200 sends/s, by the hour. With a lead of 20 a noisy one still had a p50 of 10 µs.
GET_READY_NS = 50_000

#: Who has computed for so much of a second sleeps until what is due, for the rest of it: where the
#: load generator goes ahead of others they are not to be kept from its core.
_SECOND_NS, _MOST_NS = 1_000_000_000, 900_000_000

_monotonic_ns = time.monotonic_ns
_cpu_ns = time.thread_time_ns


class Timer(Protocol):
    """Calls back, on gevent's loop, at the moment that it was last set to."""

    def start(self, callback: Callable[[], None]) -> None:
        """What to call; before anything else."""

    def set(self, due_ns: int) -> None:
        """Call back once, at a moment of ``time.monotonic_ns``; forget any other."""

    def close(self) -> None:
        """Never call back again."""


class SpinningTimer:
    """A Timer that has another one ring early and spins for the rest.

    The loop polls without waiting while it has an active idle watcher, and calls the watcher in
    each turn; see ev_run and idle_reify in libev's ev.c. With the usual priority it would not do
    so in turns with something to read: only of the highest is it called in every turn, and first.

    Args:
        timer: rings early; closed with this one.
        spin_ns: how much earlier.
        loop: gevent's, of this thread.
    """

    def __init__(self, timer: Timer, spin_ns: int, loop: Any) -> None:
        self._timer = timer
        self._spin_ns = spin_ns
        self._loop = loop
        self._idle = loop.idle(priority=loop.MAXPRI)
        self._callback: Callable[[], None] = lambda: None
        self._due_ns = _NEVER
        self._spun_ns = 0
        self._empty_since_ns: int | None = None  # of the thread's CPU clock
        self._second = 0, 0  # when it began, and by the CPU clock

    @property
    def spun_ns(self) -> int:
        """CPU time that went into turns of the loop that did nothing but spin. Only ever grows.

        By this thread's CPU clock: ask on the loop's thread. A turn is from one look at the clock
        to the next. One that reads or rings does not count, not even for its poll and its look:
        without spinning the loop would have turned for that, too. What it waits on the spot does.
        So all CPU time minus this one is what the work costs, but for the looks of those turns and
        two readings of the CPU clock whenever work comes between, a microsecond or two together;
        and work is spared the wake-up that it would have begun with.
        """
        if self._empty_since_ns is None:
            return self._spun_ns
        return self._spun_ns + _cpu_ns() - self._empty_since_ns

    def start(self, callback: Callable[[], None]) -> None:
        """See Timer."""
        self._callback = callback
        self._timer.start(self._wake)

    def set(self, due_ns: int) -> None:
        """See Timer; what is due soon enough is spun for at once."""
        self._due_ns = due_ns
        if due_ns - _monotonic_ns() > self._spin_ns:
            self._rest()
            self._timer.set(due_ns - self._spin_ns)
        elif self._may_spin():
            self._spin()
        else:
            self._rest()
            self._timer.set(due_ns)

    @property
    def lead_ns(self) -> int:
        """How long before a due time to get ready: not at all in a second that is used up."""
        return GET_READY_NS if self._may_spin() else 0

    def wait_until(self, due_ns: int) -> None:
        """Wait on the spot for what is due within the lead, which counts as spun.

        The loop stands still meanwhile, however long that is.
        """
        if _monotonic_ns() < due_ns:
            self._wait(due_ns)

    def close(self) -> None:
        """See Timer."""
        self._due_ns = _NEVER
        self._rest()
        self._idle.close()
        self._timer.close()

    def _wake(self) -> None:
        # It may have been set before something came that was due sooner, and that is done.
        if self._due_ns == _NEVER:
            return
        if _monotonic_ns() >= self._due_ns:
            self._ring()
        elif self._may_spin():
            self._spin()
        else:
            self._timer.set(self._due_ns)

    def _may_spin(self) -> bool:
        """Whether others have had their share of this second, or are still to have it."""
        now_ns, used_ns = _monotonic_ns(), _cpu_ns()
        begun_ns, used_before_ns = self._second
        if now_ns - begun_ns >= _SECOND_NS:
            self._second = now_ns, used_ns
            return True
        return used_ns - used_before_ns < _MOST_NS

    def _spin(self) -> None:
        if not self._idle.active:
            self._idle.start(self._turn)

    def _rest(self) -> None:
        self._count_no_more()
        self._idle.stop()

    def _turn(self) -> None:
        left_ns = self._due_ns - _monotonic_ns()
        if left_ns < _LAST_NS:
            self._count_no_more()
            if left_ns > 0:
                self._wait(self._due_ns)
            self._ring()
        elif self._loop.pendingcnt:  # the rest of this turn is work
            self._count_no_more()
        elif self._empty_since_ns is None:
            self._empty_since_ns = _cpu_ns()

    def _ring(self) -> None:
        self._due_ns = _NEVER
        try:
            self._callback()
        finally:
            if self._due_ns == _NEVER:  # it was not set anew
                self._rest()

    def _wait(self, due_ns: int) -> None:
        begun_ns = _cpu_ns()
        while _monotonic_ns() < due_ns:
            pass
        self._spun_ns += _cpu_ns() - begun_ns

    def _count_no_more(self) -> None:
        self._spun_ns = self.spun_ns
        self._empty_since_ns = None
