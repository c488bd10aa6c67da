"""Waiting in tests: for what will be so, and never for a fixed time instead."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

import gevent

T = TypeVar("T")

#: How many times as long as usual everything may take; ``TESTS_SLOWNESS=5`` on a slow machine.
SLOWNESS = float(os.environ.get("TESTS_SLOWNESS", "1"))

#: What a process or a connection takes at most when all is well, with plenty to spare.
PATIENCE_S = 10 * SLOWNESS


def until(condition: Callable[[], T], what: str = "it", patience_s: float = PATIENCE_S) -> T:
    """Wait for a true answer while gevent's loop runs, and give it.

    Args:
        condition: asked after a millisecond, and then less and less often, since it may cost much.
        what: was waited for; completes "not within 10 s: ".
        patience_s: after which the test fails.
    """
    give_up_s, pause_s = monotonic() + patience_s, 0.001
    while not (found := condition()):
        assert monotonic() < give_up_s, f"not within {patience_s:g} s: {what}"
        gevent.sleep(pause_s)
        pause_s = min(1.2 * pause_s, 0.02)
    return found
