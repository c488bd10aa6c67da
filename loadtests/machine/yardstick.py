"""How fast a core is at this moment: the time that a fixed piece of Python takes on it.

Virtual machines share their cores with others, and the same work can take twice as long a minute
later without any CPU time being reported as stolen (a neighbour on the core's other thread, a lower
clock). Measured before every trial, the yardstick tells such a machine from a slow server.
"""

from __future__ import annotations

import time

from loadtests.machine.cores import staying_on

_ROUNDS = 7
_STEPS = 20_000  # one to three milliseconds on today's machines


def measure_ms(core: int | None) -> float:
    """The quickest of several rounds, in milliseconds.

    Args:
        core: to measure; this process moves there for it, and back. None measures where it is.
    """
    with staying_on(core):
        return _quickest_ms()


def _quickest_ms() -> float:
    # The quickest: what interrupts a round only ever adds to it.
    return min(_round_ns() for _ in range(_ROUNDS)) / 1e6


def _round_ns() -> int:
    begin_ns = time.perf_counter_ns()
    words: dict[int, str] = {}
    for step in range(_STEPS):
        words[step & 255] = str(step)
    return time.perf_counter_ns() - begin_ns
