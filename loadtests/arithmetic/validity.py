"""When a number is not to be trusted: where the load generator could explain it.

Each function returns metric name -> reason, empty where nothing is wrong. A reason is a sentence
with this trial's figures in brackets at its end, so that reports can tell equal causes of different
trials. The thresholds stand here and in docs/method.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from loadtests.arithmetic.samples import Nanoseconds, quantile
from loadtests.arithmetic.usage import Usage
from loadtests.record.words import Metric

#: Above this share of its core a generator may be what limits.
BUSY_GENERATOR_PERCENT = 85.0
#: Above this share of its core a server is saturated.
SATURATED_SERVER_PERCENT = 90.0
#: A quantile of lateness above this share of the same quantile of latency explains too much of it.
LATE_SHARE = 0.25
#: Lateness below this is what waking up costs: some tens of microseconds.
LATE_FLOOR_NS = 100_000
#: Lateness from here on is the generator's or the machine's, whatever the latency is: on a virtual
#: machine of two cores the p99 of a trial is 0.02 to 0.15 ms, of few broadcasts up to 0.46 ms.
SURELY_LATE_NS = 500_000
#: Waiting to be read for more than this share of a round trip slows a closed loop down.
LAG_SHARE = 0.25
#: The second half of an open loop taking so many times as long as the first, and so much longer.
GROWTH_RATIO, GROWTH_FLOOR_NS = 2.0, 5_000_000
#: Replies to the open loop, among so many of the closed loop's, are a backlog that slows it down.
BACKLOG_SHARE = 0.05


#: Why latency is not to be trusted where the generator was late.
LATE = "sends went out late: the load generator could not keep its schedule"


def names_of(metrics: Mapping[str, Metric], *families: str) -> list[str]:
    """The quantiles of these families, by their names."""
    return [
        name
        for name, metric in metrics.items()
        if metric.family in families and metric.quantile is not None
    ]


def busy_generator(names: Iterable[str], usage: Usage) -> dict[str, str]:
    """The generator's core was nearly full, so it may have been the bottleneck."""
    percent = usage.working_percent
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


def growing_queue(
    names: Iterable[str], *, second_half: NDArray[np.bool_], latency_ns: Nanoseconds
) -> dict[str, str]:
    """Latency grows while the load stays: more is offered than is served, whatever limits it.

    Args:
        names: of the metrics.
        second_half: which messages were due in the second half of their slice of load: between
            slices a server has time to clear its queue.
        latency_ns: of the same messages.
    """
    early = quantile(latency_ns[~second_half], 0.5)
    late = quantile(latency_ns[second_half], 0.5)
    if early is None or not second_half.any():
        return {}
    if late is not None and late < GROWTH_RATIO * early + GROWTH_FLOOR_NS:
        return {}
    # Where most of the second half never came back, its median is longer than was waited for.
    second = "no median" if late is None else f"{late / 1e6:.3g} ms"
    reason = (
        "latency grew while the load stayed the same: more is offered than is served; offer less "
        f"(median {early / 1e6:.3g} ms in the first half, {second} in the second)"
    )
    return dict.fromkeys(names, reason)


def silent_loop(names: Iterable[str], *, answered: int, clients: int) -> dict[str, str]:
    """Nothing came back in a closed loop: that is no rate of zero, it was not measured."""
    if answered:
        return {}
    reason = f"no reply came while this was measured (to any of {clients} clients)"
    return dict.fromkeys(names, reason)


def lost_in_loop(names: Iterable[str], *, lost: int, answered: int) -> dict[str, str]:
    """A client of a closed loop waits for its reply: while one is lost, it sends nothing."""
    if not lost:
        return {}
    reason = (
        "replies were lost, and their clients waited for them instead of sending "
        f"({lost} lost beside {answered} that came)"
    )
    return dict.fromkeys(names, reason)


def backlog(names: Iterable[str], *, stragglers: int, answered: int) -> dict[str, str]:
    """The server still answered the open loop while the closed loop was measured."""
    if stragglers <= BACKLOG_SHARE * answered:
        return {}
    reason = (
        "the server was still busy with the open loop's messages; offer less "
        f"({stragglers} of them came back beside {answered} replies)"
    )
    return dict.fromkeys(names, reason)


def slow_reading(
    names: Iterable[str], *, receive_lag_ns: Nanoseconds, round_trip_ns: float
) -> dict[str, str]:
    """In a closed loop, time that a reply waits to be read is time in which nothing is sent."""
    lag_ns = quantile(receive_lag_ns, 0.5)
    if lag_ns is None or lag_ns <= LAG_SHARE * round_trip_ns:
        return {}
    reason = (
        "replies waited for the load generator to read them "
        f"(the median {lag_ns / 1e6:.2g} ms, {lag_ns / round_trip_ns:.0%} of a round trip)"
    )
    return dict.fromkeys(names, reason)


def late_sends(
    metrics: Mapping[str, Metric],
    family: str,
    *,
    latency_ns: Nanoseconds,
    lateness_ns: Nanoseconds,
) -> dict[str, str]:
    """Sends went out late, and latency, counted from the due time, is partly that."""
    reasons = {}
    for name in names_of(metrics, family):
        q = metrics[name].quantile or 0.0
        latency, late = quantile(latency_ns, q), quantile(lateness_ns, q)
        if latency is None or late is None:
            continue
        if late > max(LATE_FLOOR_NS, LATE_SHARE * latency):
            # A server may send before it was asked.
            share = f", {late / latency:.0%} of this number" if latency > 0 else ""
            reasons[name] = f"{LATE} ({late / 1e6:.2g} ms{share})"
    return reasons


def surely_late(
    metrics: Mapping[str, Metric],
    *families: str,
    invalid: Mapping[str, str],
    late: Mapping[str, str],
    lateness_ns: Nanoseconds,
) -> list[str]:
    """The quantiles for which a report may leave a trial out because of late sends.

    By lateness alone, held against a fixed time: those whose number stands, since it is the longer
    one, are among them. Of two trials that are as late a report would else do without the quicker.

    Args:
        metrics: of the scenario.
        families: of the quantiles.
        invalid: metric -> why its number is not to be trusted, in the end.
        late: what ``late_sends`` said; who has another reason is not left out for this one.
        lateness_ns: of all sends.
    """
    return [
        name
        for name in names_of(metrics, *families)
        if invalid.get(name) == late.get(name)
        and (quantile(lateness_ns, metrics[name].quantile or 0.0) or 0) > SURELY_LATE_NS
    ]


def lost_quantiles(
    metrics: Mapping[str, Metric], values: Mapping[str, float | None], lost: int, total: int
) -> dict[str, str]:
    """A quantile falls among messages that never came back: it is longer than was waited."""
    if not lost:
        return {}
    reason = f"longer than was waited for: messages never arrived ({lost} of {total})"
    return {
        name: reason
        for name, value in values.items()
        if value is None and metrics[name].quantile is not None
    }
