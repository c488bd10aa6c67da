"""Disconnect: clients go away; how long until the server's disconnect handler runs?

Each client goes at a random phase of its heartbeat. The moment of detection is the server's own
(its journal has the monotonic time at which the handler began); both clocks are the same host's.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from loadtests.client.session import Session
from loadtests.journal import entries
from loadtests.meter import Usage, between, metrics
from loadtests.model import Cause
from loadtests.options import Disconnect
from loadtests.results import Detection, Measurement
from loadtests.samples import NEVER, milliseconds, quantile
from loadtests.scenarios.bench import LEAD_NS, Bench, TrialFailed

_monotonic_ns = time.monotonic_ns


@dataclass(frozen=True, slots=True)
class Departure:
    """One client that went: when it was due to, when it did, how, and its session id."""

    sid: str
    cause: Cause
    due_ns: int
    gone_ns: int


def measure(bench: Bench, options: Disconnect) -> list[Measurement]:
    """One trial: heartbeats alone for an interval, then departures over an interval, then waiting.

    Raises:
        TrialFailed: there is no journal, or a client was lost before it was to go.
    """
    if bench.journal is None:
        raise TrialFailed("the server keeps no journal that could be read")
    beats_before = sum(len(session.heartbeats) for session in bench.sessions)
    begin = bench.meter.read()
    # Longer than one interval, so that every client's ping falls into it at least once.
    bench.sleep_until(_monotonic_ns() + round(1.25 * options.ping_interval_s * 1e9))
    end = bench.meter.read()
    heartbeats = sum(len(session.heartbeats) for session in bench.sessions) - beats_before
    lag_ns = [lag for session in bench.sessions for lag in session.heartbeats]

    start_ns = _monotonic_ns() + LEAD_NS
    departures = _send_away(bench, options, start_ns)
    window_ns = round(options.observed_s * 1e9)
    noticed = _wait(bench, departures, options, start_ns, window_ns)
    return [
        summarise(
            cause,
            [each for each in departures if each.cause is cause],
            noticed,
            start_ns=start_ns,
            window_ns=window_ns,
            heartbeats=heartbeats,
            usage=between(begin, end),
            server_mib=bench.meter.server_mib(),
            receive_lag_ns=lag_ns,
        )
        for cause in options.causes
    ]


def _send_away(bench: Bench, options: Disconnect, start_ns: int) -> list[Departure]:
    """Schedule every departure; the list fills as they happen."""
    chooser = random.Random(bench.seed)
    causes = [cause for cause in options.causes for _ in range(options.clients)]
    chooser.shuffle(causes)
    departures: list[Departure] = []

    def go(session: Session, cause: Cause, due_ns: int) -> None:
        if session.ended is None:
            gone_ns = _monotonic_ns()
            session.depart(cause)
            departures.append(Departure(session.sid, cause, due_ns, gone_ns))

    for session, cause in zip(bench.sessions, causes, strict=True):
        due_ns = start_ns + round(chooser.random() * options.ping_interval_s * 1e9)
        bench.alarm.at(due_ns, partial(go, session, cause, due_ns))
    return departures


def _wait(
    bench: Bench,
    departures: Sequence[Departure],
    options: Disconnect,
    start_ns: int,
    window_ns: int,
) -> dict[str, tuple[int, str]]:
    """Wait until every client's departure was noticed, or its window is over."""
    assert bench.journal is not None
    last_ns = start_ns + round(options.ping_interval_s * 1e9)
    bench.sleep_until(last_ns)
    if len(departures) < len(bench.sessions):
        raise TrialFailed(
            f"{len(bench.sessions) - len(departures)} clients lost their connection "
            "before they were to go"
        )
    while True:
        noticed = read_journal(bench.journal)
        if all(each.sid in noticed for each in departures):
            break
        if _monotonic_ns() > last_ns + window_ns:
            break
        bench.sleep_until(_monotonic_ns() + 50_000_000)
    return noticed


def read_journal(path: Path) -> dict[str, tuple[int, str]]:
    """Session id -> when its disconnect handler first ran (monotonic ns), and the reason given."""
    noticed: dict[str, tuple[int, str]] = {}
    for entry in entries(path):
        if entry["event"] == "disconnect":
            noticed.setdefault(entry["sid"], (entry["at_ns"], entry["reason"]))
    return noticed


def detections(
    departures: Sequence[Departure],
    noticed: Mapping[str, tuple[int, str]],
    *,
    start_ns: int,
    window_ns: int,
) -> list[Detection]:
    """What became of each departed client; later than its window is not detected."""
    result = []
    for each in sorted(departures, key=lambda departure: departure.gone_ns):
        at_ns, reason = noticed.get(each.sid, (NEVER, None))
        took_ns = at_ns - each.gone_ns
        detected = took_ns <= window_ns
        result.append(
            Detection(
                gone_s=(each.gone_ns - start_ns) / 1e9,
                detected_s=took_ns / 1e9 if detected else None,
                reason=reason if detected else None,
            )
        )
    return result


def summarise(
    cause: Cause,
    departures: Sequence[Departure],
    noticed: Mapping[str, tuple[int, str]],
    *,
    start_ns: int,
    window_ns: int,
    heartbeats: int,
    usage: Usage,
    server_mib: float | None,
    receive_lag_ns: Sequence[int],
) -> Measurement:
    """The metrics of one cause (``METRICS["disconnect"]``).

    The median counts those not detected as later than all others; minimum and maximum are over the
    detected ones. CPU is per heartbeat, from the time before the first departure.
    """
    found = detections(departures, noticed, start_ns=start_ns, window_ns=window_ns)
    times_ns = np.asarray(
        [NEVER if d.detected_s is None else round(d.detected_s * 1e9) for d in found],
        dtype=np.int64,
    )
    seen = [d.detected_s for d in found if d.detected_s is not None]
    undetected = len(found) - len(seen)
    median = quantile(times_ns, 0.5)
    lateness = np.asarray([each.gone_ns - each.due_ns for each in departures], dtype=np.int64)
    common, unavailable = metrics(usage, heartbeats, server_mib)
    values: dict[str, float | None] = {
        "detection_min": min(seen, default=None),
        "detection_p50": None if median is None else median / 1e9,
        "detection_max": max(seen, default=None),
        "undetected": undetected,
        "lateness_p99": milliseconds(quantile(lateness, 0.99)),
        "receive_lag_p99": milliseconds(quantile(np.asarray(receive_lag_ns, dtype=np.int64), 0.99)),
        **common,
    }
    invalid = {}
    if undetected:
        reason = (
            f"clients were not noticed within {window_ns / 1e9:g} s ({undetected} of {len(found)})"
        )
        timed = ("detection_min", "detection_p50", "detection_max")
        invalid = {name: reason for name in timed if values[name] is None}
        invalid["detection_max"] = reason
    early = [seconds for seconds in seen if seconds < 0]
    if early:
        reason = f"the server gave clients up before they went ({len(early)} of {len(found)})"
        invalid |= dict.fromkeys(("detection_min", "detection_p50", "detection_max"), reason)
    if values["receive_lag_p99"] is None:
        unavailable["receive_lag_p99"] = "no heartbeat was received before the departures"
    return Measurement(
        scenario=f"disconnect:{cause}",
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={"detection": len(found)},
        detections=found,
    )
