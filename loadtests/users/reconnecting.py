"""When a client that has lost its session tries again. Pure but for chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

# The defaults of socket.io-client 4 (Manager: reconnectionDelay, reconnectionDelayMax,
# randomizationFactor; it tries for ever).
_FIRST_S = 1.0
_LONGEST_S = 5.0
_SPREAD = 0.5


def delays_s(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """How long to wait before each attempt: doubled each time, spread at random, 5 s at most.

    Source: Backoff.duration, socket.io-client/lib/contrib/backo2.ts (4.8).
    """
    base_s = _FIRST_S
    while True:
        yield min(_LONGEST_S, base_s * (1 + _SPREAD * (2 * chance() - 1)))
        base_s = min(base_s * 2, 1024.0)
