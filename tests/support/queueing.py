"""What queueing theory says of a server that takes equally long for everything, one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable


def waiting_share(load: float, waited: float) -> float:
    """Share of all that waits no longer than so long, before it is served, in M/D/1.

    Erlang 1909, The Theory of Probabilities and Telephone Conversations.

    Args:
        load: of the server, below 1.
        waited: in multiples of the service time.
    """
    terms = []
    for number in range(math.floor(waited) + 1):
        left = load * (waited - number)
        terms.append(math.exp(left) * (-left) ** number / math.factorial(number))
    return (1 - load) * math.fsum(terms)


def quantile(load: float, q: float) -> float:
    """The time from arrival to answer that a share q does not exceed, in service times."""
    return 1 + _crossing(lambda waited: waiting_share(load, waited) - q, 0.0, 20.0)


def capacity(limit: float, q: float = 0.99) -> float:
    """The load at which this quantile is as long as a limit, in service times."""
    return _crossing(lambda load: quantile(load, q) - limit, 0.01, 0.93)


def _crossing(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
