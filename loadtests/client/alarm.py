"""Calling back at a due time, to some tens of microseconds.

gevent's own timers round up to whole milliseconds, since epoll_wait(2) counts in those: at a
latency of one millisecond that would be the larger half of the measurement. A timerfd
(timerfd_create(2)) wakes the same loop without that rounding. What then remains is the time that a
sleeping core takes to wake; see ``spinning``.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import gevent

from loadtests.client.spinning import SpinningTimer, Timer

_TFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
_TFD_TIMER_ABSTIME = 1

_monotonic_ns = time.monotonic_ns


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Alarm:
    """A queue of callbacks in the order of their due times, on this thread's gevent loop.

    Callbacks run in the loop itself and must not block. ``close`` it when done.

    Args:
        spin_ns: for how long before a due time the loop does not sleep, so that no core has to
            wake first; what arrives is read all the same. Costs that much of a core each time.
    """

    def __init__(self, spin_ns: int = 0) -> None:
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._ties = count()
        self._armed_ns = 0  # 0: not armed
        self._closed = False
        timer: Timer = _timerfd() if sys.platform == "linux" else _LoopTimer()
        self._spinning = None
        if spin_ns:
            timer = self._spinning = SpinningTimer(timer, spin_ns, gevent.get_hub().loop)
        self._timer = timer
        self._timer.start(self._ring)

    @property
    def spun_ns(self) -> int:
        """CPU time that went into spinning and nothing else; see SpinningTimer."""
        return self._spinning.spun_ns if self._spinning else 0

    def at(self, due_ns: int, callback: Callable[[], None]) -> None:
        """Call back at a moment of ``time.monotonic_ns``; at once if it has passed."""
        if self._closed:
            return
        heapq.heappush(self._queue, (due_ns, next(self._ties), callback))
        if not self._armed_ns or due_ns < self._armed_ns:
            self._arm(due_ns)

    def shortly_before(self, due_ns: int, callback: Callable[[], None]) -> None:
        """Call back in time to get ready for a moment, which is then to be waited for.

        Where the loop sleeps until what is due, that moment itself.
        """
        self.at(due_ns - self._spinning.lead_ns if self._spinning else due_ns, callback)

    def wait_until(self, due_ns: int) -> None:
        """Wait on the spot for the moment that a callback was told of shortly before.

        Returns at once where nothing spins: there the callback came at that moment.
        """
        if self._spinning:
            self._spinning.wait_until(due_ns)

    def clear(self) -> None:
        """Forget every callback that is still to come."""
        self._queue.clear()
        if self._spinning:
            self._arm(_monotonic_ns())  # rings in the next turn, finds nothing, and spins no more

    def close(self) -> None:
        """Forget every callback, also those to come, and give the timer back."""
        self._closed = True
        self._queue.clear()
        self._timer.close()

    def _arm(self, due_ns: int) -> None:
        self._armed_ns = due_ns
        self._timer.set(due_ns)

    def _ring(self) -> None:
        # While callbacks run, `at` must not arm: it is done once, at the end.
        self._armed_ns = 1
        queue = self._queue
        # Only what is due by now: a schedule that cannot be kept would otherwise never let the loop
        # read, and heartbeats would go unanswered.
        now_ns = _monotonic_ns()
        try:
            while queue and queue[0][0] <= now_ns:
                heapq.heappop(queue)[2]()
        finally:
            self._armed_ns = 0
            if queue:
                self._arm(queue[0][0])


class _TimerFd:
    """A Linux timerfd on the loop (os.timerfd_create is there only from Python 3.13 on)."""

    def __init__(self, libc: ctypes.CDLL, fd: int) -> None:
        self._libc = libc
        self._fd = fd
        self._spec = _Itimerspec()
        self._spec_pointer = ctypes.byref(self._spec)
        self._watcher: Any = gevent.get_hub().loop.io(fd, 1)

    def start(self, callback: Callable[[], None]) -> None:
        def ring() -> None:
            try:
                os.read(self._fd, 8)
            except BlockingIOError:  # set anew since it woke the loop
                return
            try:
                callback()
            except Exception:
                # gevent stops a descriptor's watcher whose callback fails (gevent_callback in its
                # callbacks.c), and nothing would ever be due again: so it is not to see that.
                gevent.get_hub().handle_error(self._watcher, *sys.exc_info())

        self._watcher.start(ring)

    def set(self, due_ns: int) -> None:
        # A value of zero would disarm it, and one below is refused.
        due_s, rest_ns = divmod(max(due_ns, 1), 1_000_000_000)
        self._spec.value.seconds, self._spec.value.nanoseconds = due_s, rest_ns
        self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, self._spec_pointer, None)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        os.close(self._fd)


class _LoopTimer:
    """gevent's own timer, for systems without timerfd: late by up to a millisecond."""

    def __init__(self) -> None:
        self._callback: Callable[[], None] = lambda: None
        self._watcher: Any = None

    def start(self, callback: Callable[[], None]) -> None:
        self._callback = callback

    def set(self, due_ns: int) -> None:
        self._stop()
        delay_s = max(0.0, (due_ns - _monotonic_ns()) / 1e9)
        self._watcher = gevent.get_hub().loop.timer(delay_s)
        self._watcher.start(self._callback, update=True)

    def close(self) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None


def _timerfd() -> _TimerFd | _LoopTimer:
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.timerfd_create(time.CLOCK_MONOTONIC, _TFD_NONBLOCK_CLOEXEC)
    return _TimerFd(libc, fd) if fd >= 0 else _LoopTimer()
