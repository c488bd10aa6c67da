"""From the events of clients to what each made of its server's going away. Pure.

All times are nanoseconds of the monotonic clock, which all processes of a host share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from loadtests.arithmetic.samples import NEVER, quantiles_ms
from loadtests.arithmetic.validity import names_of
from loadtests.record.results import Measurement, Reconnection, Window
from loadtests.record.words import Metric
from loadtests.scenarios.disconnect.rows import OUTAGE_METRICS, OutageRow
from loadtests.scenarios.disconnect.windows import is_outside
from loadtests.scenarios.scenario import without_numbers


class What(StrEnum):
    """What happens to a client."""

    CONNECT = "connect"  #: it is connected to the namespace
    DISCONNECT = "disconnect"
    FAILED = "failed"  #: its first connect did
    ANSWERED = "answered"  #: it is back, and what it sent at once was answered
    REFUSED = "refused"  #: an attempt to come back failed that began at this moment
    CRASH = "crash"  #: an exception ended a thread, or the process, of the clients


@dataclass(frozen=True, slots=True)
class Event:
    """A line that a process of clients wrote.

    Attributes:
        client: its number; None where nothing tells whose thread crashed.
        reason: in the library's words, where there is one.
    """

    client: int | None
    what: What
    at_ns: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One outage, as it went.

    Attributes:
        gone_ns: when the server was killed, stopped, or asked to stop.
        back_ns: when a server answered a request again, or went on.
        until_ns: when the waiting for the clients was over.
    """

    gone_ns: int
    back_ns: int
    until_ns: int

    @property
    def away_s(self) -> float:
        """How long no server could be reached."""
        return (self.back_ns - self.gone_ns) / 1e9


def connected(events: Sequence[Event], at_ns: int) -> set[int]:
    """The clients that are connected at a moment."""
    found: set[int] = set()
    for event in sorted(events, key=lambda each: each.at_ns):
        if event.client is None or event.at_ns > at_ns:
            continue
        if event.what is What.CONNECT:
            found.add(event.client)
        elif event.what is What.DISCONNECT:
            found.discard(event.client)
    return found


def reconnections(events: Sequence[Event], outage: Happening) -> dict[int, Reconnection]:
    """What each client that was connected made of an outage.

    Later than the waiting was over is never. Who was not connected when the server went is not in
    the result.
    """
    own: dict[int, list[Event]] = {
        client: [] for client in sorted(connected(events, outage.gone_ns))
    }
    for event in sorted(events, key=lambda each: each.at_ns):
        if event.client in own and outage.gone_ns < event.at_ns <= outage.until_ns:
            own[event.client].append(event)
    return {client: _reconnection(heard, outage) for client, heard in own.items()}


def _reconnection(heard: Sequence[Event], outage: Happening) -> Reconnection:
    """Of one client, by what it said during the outage, in order."""
    left = next((each for each in heard if each.what is What.DISCONNECT), None)
    since_ns = outage.gone_ns if left is None else left.at_ns
    joined = next(
        (each for each in heard if each.what is What.CONNECT and each.at_ns >= since_ns), None
    )
    return Reconnection(
        noticed_s=None if left is None else (left.at_ns - outage.gone_ns) / 1e9,
        reason=None if left is None else left.reason,
        reconnected_s=None if joined is None else (joined.at_ns - outage.back_ns) / 1e9,
    )


def settled(events: Sequence[Event], outage: Happening) -> bool:
    """Whether every client has noticed, and is connected again."""
    found = reconnections(events, outage).values()
    return all(each.noticed_s is not None and each.reconnected_s is not None for each in found)


def repeated(events: Sequence[Event], outage: Happening) -> int:
    """How many clients were connected again more than once: the first time did not last."""
    taking_part = connected(events, outage.gone_ns)
    times = dict.fromkeys(taking_part, 0)
    for event in events:
        during = outage.gone_ns < event.at_ns <= outage.until_ns
        if event.client in times and event.what is What.CONNECT and during:
            times[event.client] += 1
    return sum(number > 1 for number in times.values())


def summarise(
    row: OutageRow, found: Sequence[Reconnection], expected: Window, observed_s: Mapping[str, float]
) -> Measurement:
    """The metrics of one row (``METRICS`` of an outage).

    Quantiles count those that never noticed, or never came back, as later than all others; the
    maximum is over those that did, and is marked where some did not.

    Args:
        row: of which outage and client.
        found: one per client that was connected when the server went.
        expected: when they were to notice.
        observed_s: ``noticed`` and ``reconnected`` -> how long each was waited for.
    """
    if not found:
        return without_numbers(
            OUTAGE_METRICS, str(row), "no client was connected when the server went"
        )
    times = {
        "noticed": [each.noticed_s for each in found],
        "reconnected": [each.reconnected_s for each in found],
    }
    values: dict[str, float | None] = {}
    invalid: dict[str, str] = {}
    for family, seconds in times.items():
        values |= spread(OUTAGE_METRICS, family, seconds)
        invalid |= unknown(OUTAGE_METRICS, family, seconds, values, observed_s[family])
    values["unnoticed"] = times["noticed"].count(None)
    values["not_reconnected"] = times["reconnected"].count(None)
    values["outside"] = sum(
        each.noticed_s is not None and is_outside(each.noticed_s, each.reason, expected)
        for each in found
    )
    return Measurement(
        row=str(row),
        metrics={name: values[name] for name in OUTAGE_METRICS},
        invalid=invalid,
        samples={family: len(found) for family in times},
        reconnections=list(found),
        expected=expected,
    )


def unknown(
    metrics: Mapping[str, Metric],
    family: str,
    seconds: Sequence[float | None],
    values: Mapping[str, float | None],
    observed_s: float,
) -> dict[str, str]:
    """Which numbers of a family are not to be trusted since some clients never did, and why.

    Args:
        metrics: that hold the family's quantiles.
        family: ``noticed``, or what being connected again is called.
        seconds: of each client; None for never.
        values: of the family's quantiles.
        observed_s: how long they were waited for.
    """
    missing = seconds.count(None)
    if not missing:
        return {}
    did_not = "did not notice" if family == "noticed" else "were not connected again"
    reason = (
        f"clients {did_not} as long as they were waited for "
        f"({missing} of {len(seconds)}, {observed_s:.0f} s)"
    )
    longest = f"{family}_max"
    names = (*names_of(metrics, family), longest)
    return {name: reason for name in names if values[name] is None} | {longest: reason}


def spread(
    metrics: Mapping[str, Metric], family: str, seconds: Sequence[float | None]
) -> dict[str, float | None]:
    """A family's quantiles in seconds, never later than all, and the longest of those that did."""
    times_ns = np.asarray(
        [NEVER if each is None else round(each * 1e9) for each in seconds], dtype=np.int64
    )
    found = {
        name: None if value is None else value / 1000
        for name, value in quantiles_ms(metrics, family, times_ns).items()
    }
    known = [each for each in seconds if each is not None]
    return found | {f"{family}_max": max(known, default=None)}
