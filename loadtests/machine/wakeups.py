"""How late a sleeping core wakes, and how long before a due time one had better stay awake.

A core with nothing to do is put into a sleep that takes some time to leave (cpuidle), and on a
virtual machine the hypervisor may have to bring it back first.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np

from loadtests.machine import scheduling
from loadtests.machine.cores import Pinning, staying_on

_PR_SET_TIMERSLACK, _PR_GET_TIMERSLACK = 29, 30  # prctl(2)

#: As far apart as sends are that a core sleeps between; all different, to be in step with nothing.
_SLEEPS, _SHORTEST_NS, _LONGEST_NS = 200, 3_000_000, 5_000_000
#: However late the wake-ups of a busy machine are, measuring ends.
_LONGEST_ALTOGETHER_NS = 1_150_000_000

#: What a loop needs longer, from its timer to its first look at the clock, with cold caches: an
#: alarm alone on its loop rang late at p99 by 40 to 90 µs with 30 µs, by 15 to 20 µs with 100, at
#: times by 90 still.
_LOOP_NS = 150_000
_MOST_MARGIN_NS = 1_000_000

_monotonic_ns = time.monotonic_ns


@dataclass(frozen=True, slots=True)
class WakeUps:
    """How long after its time a sleep ended, and what follows.

    Attributes:
        p50_ns, p99_ns: quantiles of that.
        margin_ns: how long before a due time to stop sleeping.
        ahead: whether others on that core are not waited for; see scheduling.
    """

    p50_ns: int
    p99_ns: int
    margin_ns: int
    ahead: bool = False


def measure(core: int | None) -> WakeUps:
    """Sleep a couple of hundred times, in about a second.

    Args:
        core: to measure; this process moves there for it, and back. None measures where it is.
    """
    with staying_on(core), _no_timer_slack(), scheduling.ahead() as ahead:
        lateness_ns = list(_lateness_ns())
    p50_ns, p99_ns = (
        int(each) for each in np.quantile(lateness_ns, (0.5, 0.99), method="inverted_cdf")
    )
    return WakeUps(p50_ns, p99_ns, bounded(p99_ns), ahead)


@cache
def of_generator(pins: Pinning) -> WakeUps | None:
    """Those of the load generator's core, measured once; None where it must not spin.

    Where it may share its core with a server, it would take from that what it saves.
    """
    if pins.server is None or pins.generator in (None, pins.server):
        return None
    return measure(pins.generator)


def spin_ns(pins: Pinning) -> int:
    """How long before a due time the load generator stops sleeping."""
    found = of_generator(pins)
    return 0 if found is None else found.margin_ns


def bounded(lateness_ns: int) -> int:
    """The margin for wake-ups that are rarely later than this.

    At most a millisecond: what wakes even later was kept from its core by others, and to spin for
    that would take more of it than it saves.
    """
    return min(lateness_ns + _LOOP_NS, _MOST_MARGIN_NS)


def least_timer_slack() -> None:
    """Have this thread's sleeps end when they should, where the system is Linux.

    It lets them be late by up to 50 µs, so as to wake for several at once (PR_SET_TIMERSLACK in
    prctl(2)). What the thread starts inherits this: it is not for one that starts servers. A
    timerfd has no slack in any case.
    """
    if sys.platform == "linux":
        _set_timer_slack(1)


@contextmanager
def _no_timer_slack() -> Iterator[None]:
    if sys.platform != "linux":
        yield
        return
    before_ns = ctypes.CDLL(None).prctl(_PR_GET_TIMERSLACK, 0, 0, 0, 0)
    _set_timer_slack(1)
    try:
        yield
    finally:
        _set_timer_slack(before_ns)


def _set_timer_slack(slack_ns: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(slack_ns), 0, 0, 0)


def _lateness_ns() -> Iterator[int]:
    give_up_ns = _monotonic_ns() + _LONGEST_ALTOGETHER_NS
    for sleep_ns in np.linspace(_SHORTEST_NS, _LONGEST_NS, _SLEEPS).astype(int).tolist():
        begin_ns = _monotonic_ns()
        _sleep(sleep_ns / 1e9)
        end_ns = _monotonic_ns()
        yield max(0, end_ns - begin_ns - sleep_ns)
        if end_ns > give_up_ns:
            return


def _sleep(seconds: float) -> None:
    if sys.platform == "linux":
        # Waits for none of all signals. Under Locust, time.sleep is gevent's, in milliseconds.
        signal.sigtimedwait((), seconds)
    else:
        time.sleep(seconds)
