"""From the events of clients that lost their server to the numbers of an avalanche. Pure.

All times are nanoseconds of the monotonic clock, which all processes of a host share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.arithmetic import usage, validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import NEVER, Nanoseconds, milliseconds, quantiles_ms
from loadtests.arithmetic.usage import Reading, Usage, between
from loadtests.record.results import Measurement, Reconnection
from loadtests.record.words import Better, Metric, Unit
from loadtests.scenarios.disconnect.outage.summary import (
    Event,
    Happening,
    What,
    reconnections,
    spread,
    unknown,
)
from loadtests.scenarios.scenario import EVERY_TRIAL, table, without_numbers

NAME = "avalanche"
_SECOND_NS = 1_000_000_000

METRICS = table(
    Metric("back_p50", Unit.SECONDS, Better.LOWER, "back p50", "half of the clients were connected again within this, counted from when a server answered again", "back", 0.5),
    Metric("back_p95", Unit.SECONDS, Better.LOWER, "back p95", "19 of 20 clients were connected again within this", "back", 0.95),
    Metric("back_max", Unit.SECONDS, Better.LOWER, "back max", "the last client that was connected again"),
    Metric("not_back", Unit.CLIENTS, Better.LOWER, "not back", "clients that were not connected again as long as they were waited for"),
    Metric("returns", Unit.PER_SECOND, Better.NEITHER, "returns", "the most clients that came back within one second; their own delays spread them"),
    Metric("refused", Unit.ATTEMPTS, Better.LOWER, "refused", "attempts to come back that failed although a server answered"),
    Metric("answer_p50", Unit.MILLISECONDS, Better.LOWER, "answer p50", "half of the clients that were back had the answer to their first message within this, while others still came", "answer", 0.5),
    Metric("answer_max", Unit.MILLISECONDS, Better.LOWER, "answer max", "the longest that a client that was back waited for the answer to its first message"),
    # Of the time in which clients came back; a message is a client that is back.
    *(metric for metric in EVERY_TRIAL.values() if not metric.family),
)  # fmt: skip

_BACK = ("back_p50", "back_p95", "back_max")
_ANSWERS = ("answer_p50", "answer_max")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a trial has seen.

    Attributes:
        happening: when the server went, when the next one answered, when waiting was over.
        events: of all clients.
        readings: the clocks of clients and of the new server, from when it was ready until waiting
            was over, two at least.
        server_mib: resident memory of the new server in the end.
    """

    happening: Happening
    events: Sequence[Event]
    readings: Sequence[Reading]
    server_mib: float | None


def most_in_a_second(times_s: Sequence[float]) -> int:
    """The most of these times that lie within one second, wherever it begins."""
    ordered = np.sort(np.asarray(times_s, dtype=float))
    ends = np.searchsorted(ordered, ordered + 1, side="left")
    return int((ends - np.arange(len(ordered))).max(initial=0))


def answers_ns(
    events: Sequence[Event], outage: Happening, found: Mapping[int, Reconnection]
) -> Nanoseconds:
    """How long each client that was back waited for its answer; NEVER where none came."""
    arrived: dict[int, list[int]] = {}
    for event in events:
        answered = event.what is What.ANSWERED and event.at_ns <= outage.until_ns
        if answered and event.client is not None:
            arrived.setdefault(event.client, []).append(event.at_ns)
    took = []
    for client, each in found.items():
        if each.reconnected_s is not None:
            joined_ns = outage.back_ns + round(each.reconnected_s * _SECOND_NS)
            later = [at_ns - joined_ns for at_ns in arrived.get(client, ()) if at_ns >= joined_ns]
            took.append(min(later, default=NEVER))
    return np.asarray(took, dtype=np.int64)


def refusals(events: Sequence[Event], outage: Happening) -> list[str]:
    """Why attempts failed that began while a server answered, in the order of the file."""
    return [
        event.reason or "no reason was given"
        for event in events
        if event.what is What.REFUSED and outage.back_ns <= event.at_ns <= outage.until_ns
    ]


def while_returning(readings: Sequence[Reading], last_ns: int) -> Usage:
    """What was used until the last client was back, to the next reading.

    Args:
        readings: two at least, in order.
        last_ns: when the last client was back.
    """
    end = next((each for each in readings[1:] if each.at_ns >= last_ns), readings[-1])
    return between(readings[0], end)


def busiest(readings: Sequence[Reading]) -> Usage:
    """The second, or a little longer, in which the clients' process had the most to do.

    A crowd comes back in a second or two, and the mean over the whole time would hide that.

    Args:
        readings: two at least, in order; of less than a second all is taken.
    """
    spans = [between(readings[0], readings[-1])]
    for number, begin in enumerate(readings):
        later = (each for each in readings[number:] if each.at_ns - begin.at_ns >= _SECOND_NS)
        end = next(later, None)
        if end is None:
            break
        spans.append(between(begin, end))
    return max(spans, key=lambda span: span.working_percent)


def summarise(seen: Seen) -> Measurement:
    """The row.

    Quantiles count clients that never came back as later than all others; the longest is that of
    those that did, and is marked where some did not.
    """
    outage = seen.happening
    found = reconnections(seen.events, outage)
    if not found:
        return without_numbers(METRICS, NAME, "no client was connected when the server went")
    seconds = [each.reconnected_s for each in found.values()]
    back_s = [each for each in seconds if each is not None]
    answers = answers_ns(seen.events, outage, found)
    refused = refusals(seen.events, outage)
    last_ns = outage.back_ns + round(max(back_s, default=0.0) * _SECOND_NS)
    common, unavailable = usage.metrics(
        while_returning(seen.readings, last_ns), len(back_s), seen.server_mib
    )
    values: dict[str, float | None] = {
        **spread(METRICS, "back", seconds),
        "not_back": float(seconds.count(None)),
        "returns": float(most_in_a_second(back_s)),
        "refused": float(len(refused)),
        **_answered(answers),
        **common,
    }
    waited_s = (outage.until_ns - outage.back_ns) / _SECOND_NS
    invalid = unknown(METRICS, "back", seconds, values, waited_s)
    if back_s:
        invalid |= _unanswered(answers, values)
    else:
        unavailable = unavailable | dict.fromkeys(_ANSWERS, "no client came back")
    invalid |= validity.busy_generator(
        [name for name in (*_BACK, "returns", *_ANSWERS) if values[name] is not None],
        busiest(seen.readings),
    )
    return Measurement(
        row=NAME,
        metrics={name: values[name] for name in METRICS},
        invalid=invalid,
        unavailable=unavailable,
        samples={"back": len(found), "answer": len(answers)},
        distributions={"answer": histogram(answers)},
        reconnections=list(found.values()),
        notes={"refused": _most_often(refused)} if refused else {},
    )


def _answered(answers: Nanoseconds) -> dict[str, float | None]:
    known = answers[answers != NEVER]
    longest = int(known.max()) if len(known) else None
    return {**quantiles_ms(METRICS, "answer", answers), "answer_max": milliseconds(longest)}


def _unanswered(answers: Nanoseconds, values: Mapping[str, float | None]) -> dict[str, str]:
    """Which times of answers are longer than was waited for."""
    lost = int((answers == NEVER).sum())
    if not lost:
        return {}
    reason = f"longer than was waited for: answers never arrived ({lost} of {len(answers)})"
    return {name: reason for name in _ANSWERS if name == "answer_max" or values[name] is None}


def _most_often(reasons: Sequence[str]) -> str:
    reason, times = Counter(reasons).most_common(1)[0]
    return f"most often: {reason} ({times} of {len(reasons)})"
