"""When a number is not to be trusted: where the load generator could explain it.

Each function returns metric name -> reason, empty where nothing is wrong. A reason is a sentence
with this trial's figures in brackets at its end, so that reports can tell equal causes of different
trials. The thresholds stand here and in docs/method.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loadtests.meter import Usage
from loadtests.samples import Nanoseconds, quantile

#: Above this share of its core a generator may be what limits.
BUSY_GENERATOR_PERCENT = 85.0
#: Above this share of its core a server is saturated.
SATURATED_SERVER_PERCENT = 90.0
#: A quantile of lateness above this share of the same quantile of latency explains too much of it.
LATE_SHARE = 0.25
#: Lateness below this explains nothing: it is what waking up costs on a busy machine.
LATE_FLOOR_NS = 500_000


_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def busy_generator(names: Iterable[str], usage: Usage) -> dict[str, str]:
    """The generator's core was nearly full, so it may have been the bottleneck."""
    percent = usage.generator_percent
    if percent <= BUSY_GENERATOR_PERCENT:
        return {}
    reason = f"the load generator may be what limits here ({percent:.0f} % of its core used)"
    return dict.fromkeys(names, reason)


def saturated_server(names: Iterable[str], usage: Usage) -> dict[str, str]:
    """The open loop offered more than the server can serve: this is a queue, not a latency."""
    percent = usage.server_percent
    if percent is None or percent <= SATURATED_SERVER_PERCENT:
        return {}
    reason = (
        "the offered load saturates the server, so these are the times of a growing queue; "
        f"offer less ({percent:.0f} % of its core used)"
    )
    return dict.fromkeys(names, reason)


def late_sends(
    names: Iterable[str], *, latency_ns: Nanoseconds, lateness_ns: Nanoseconds
) -> dict[str, str]:
    """Sends went out late, and latency, counted from the due time, is partly that."""
    reasons = {}
    for name in names:
        q = _QUANTILES[name.rpartition("_")[2]]
        latency, late = quantile(latency_ns, q), quantile(lateness_ns, q)
        if latency is None or late is None:
            continue
        if late > max(LATE_FLOOR_NS, LATE_SHARE * latency):
            reasons[name] = (
                "sends went out late: the load generator could not keep its schedule "
                f"({late / 1e6:.2g} ms, {late / latency:.0%} of this number)"
            )
    return reasons


def lost_quantiles(values: Mapping[str, float | None], lost: int, total: int) -> dict[str, str]:
    """A quantile falls among messages that never came back: it is longer than was waited."""
    if not lost:
        return {}
    reason = f"longer than was waited for: messages never arrived ({lost} of {total})"
    return {
        name: reason
        for name, value in values.items()
        if value is None and name.rpartition("_")[2] in _QUANTILES
    }
