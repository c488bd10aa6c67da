"""What to set to be told within so many seconds, by the rules alone, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadtests.record.results import Window
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.rows import DepartureRow
from reports.facts.numbers import EMPTY
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.sections.disconnect.settings import HeartbeatSetting, rule

LIMITS_S = (2, 5, 10, 30, 60)
#: A limit is kept for so many clients, whose heartbeats' CPU stands beside it.
CLIENTS = 1000
#: What a timeout may be: finer where a tenth of a second is a large share.
_TIMEOUTS_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.5, 2, 2.5, 3, 4, *range(5, 60))
#: The timeout of a cheap heartbeat, as a share of the limit: the rest is left to the interval.
_CHEAP = 0.1


@dataclass(frozen=True, slots=True)
class Choice:
    """A heartbeat that has every client noticed within a limit, by the rules.

    Attributes:
        usual: the window of one client that falls silent among many.
        eventlet: the same over WebSocket under eventlet.
    """

    limit_s: float
    heartbeat: HeartbeatSetting
    usual: Window
    eventlet: Window


def choices() -> list[Choice]:
    """Two for each limit: the longest timeout that it allows, and a long interval; one if equal.

    A limit that nothing keeps has none. Each keeps it even if all clients go at the same time
    (``windows.longest_s``).
    """
    return [_choice(limit_s, heartbeat) for limit_s in LIMITS_S for heartbeat in keeping(limit_s)]


def keeping(limit_s: float) -> tuple[HeartbeatSetting, ...]:
    """The heartbeat that forgives most within a limit, and the one that costs least.

    Returns:
        One where both are the same; none where no heartbeat keeps it.
    """
    if not any(_within(limit_s)):
        return ()
    return tuple(dict.fromkeys((_forgiving(limit_s), _cheap(limit_s))))


@dataclass(frozen=True, slots=True)
class Cost:
    """The server CPU time of a heartbeat, where it was measured with the most clients.

    Attributes:
        connections: how many those were.
        cpu_us: for each heartbeat; idling and the scan are in it.
    """

    connections: int
    cpu_us: float


def costs(runs: Iterable[Facts]) -> dict[Cell, Cost]:
    """Of each cell."""
    found: dict[Cell, Cost] = {}
    for facts in runs:
        for (row, cell), outcomes in facts.outcomes.items():
            if DepartureRow.parse(row) is None:
                continue
            for outcome in outcomes:
                cpu = outcome.measurement and outcome.measurement.metrics.get("server_cpu")
                connections = outcome.trial.generator.connections if outcome.trial else 0
                if cpu and connections and connections > found.get(cell, Cost(0, 0)).connections:
                    found[cell] = Cost(connections, cpu)
    return found


def cpu_for_crowd(cpu_us: Sequence[float], heartbeat: HeartbeatSetting) -> str:
    """``1.2 to 3.4 %`` of a core for :data:`CLIENTS`, the cheapest mode and the dearest.

    Args:
        cpu_us: what a heartbeat takes of the server's CPU, of each mode.
        heartbeat: how often that is.

    Returns:
        A dash where nothing is known.
    """
    if not cpu_us:
        return EMPTY
    # µs per second and client × 1,000 clients is a 1,000th of a core, of which this is the percent.
    shares = [cost / heartbeat.interval_s / 10 for cost in (min(cpu_us), max(cpu_us))]
    low, high = (_percent(share) for share in shares)
    return low if low == high else f"{low} to {high}"


def _percent(share: float) -> str:
    # Near a whole core heartbeats wait for each other, and the rule no longer holds.
    if share >= 80:
        return "more than a process has"
    return f"{share:.0f} %" if share >= 10 else f"{share:.2g} %"


def _choice(limit_s: float, heartbeat: HeartbeatSetting) -> Choice:
    return Choice(
        limit_s,
        heartbeat,
        rule(Transport.POLLING, "simple-websocket", heartbeat),
        rule(Transport.WEBSOCKET, "eventlet", heartbeat),
    )


def _forgiving(limit_s: float) -> HeartbeatSetting:
    """The longest timeout; the interval is not below it, since a ping waits for the last pong."""
    return max(
        (one for one in _within(limit_s) if one.interval_s >= one.timeout_s),
        key=lambda one: one.timeout_s,
    )


def _cheap(limit_s: float) -> HeartbeatSetting:
    """The longest interval of those whose timeout is at least a share of the limit."""
    patient = [one for one in _within(limit_s) if one.timeout_s >= _CHEAP * limit_s - 1e-9]
    return max(patient, key=lambda one: (one.interval_s, one.timeout_s))


def _within(limit_s: float) -> Iterator[HeartbeatSetting]:
    """For every timeout the longest interval that keeps the limit.

    Whole seconds: python-engineio's server announces no others (``int(ping_interval) * 1000``).
    """
    for timeout_s in _TIMEOUTS_S:
        rest_s = limit_s - windows.longest_s(0, timeout_s, CLIENTS)
        interval_s = math.floor(rest_s + 1e-9)
        if interval_s >= 1:
            yield HeartbeatSetting(float(interval_s), float(timeout_s))
