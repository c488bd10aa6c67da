"""Connections: what it takes to have many, and what is left of them when they have gone.

Clients connect in steps; then they are idle, and then all of them leave and come back, several
times. What a connection takes is a slope over the steps, which needs no guess of what a server
takes for itself. What is left of one is read from the memory after each time that all have left: a
server fills up to what it needs, quickly at first and ever more slowly, which is no leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import Nanoseconds, quantiles_ms
from loadtests.arithmetic.usage import Usage, between, metrics
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.crowd import Arrived, Crowd
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    Heartbeat,
    Positive,
    Scenario,
    Speaks,
    table,
)
from loadtests.scenarios.turns import Interrupted
from loadtests.scenarios.upgrading import upgrades_ns

NAME = "connections"
#: For a server to have done what a step set off, before its memory is read.
_SETTLE_S = 0.4
#: Of a slope, behind the point: less is nothing that was measured.
_DIGITS = 9
#: Before the first step: what a server needs once, for its first connection, is nobody's.
_FIRST = 5
#: After so many waves what dies away can be told from what goes on.
_FEWEST_WAVES = 6
#: What is known only where all clients of a step could connect.
_CONNECTING = ("connect_p50", "connect_p99", "join_p50", "connects")
#: By how much the part that dies away is less after each wave.
_RATIOS = np.linspace(0.2, 0.9, 71)
_Step = Annotated[int, Meta(ge=1, le=100_000)]


class Connections(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Clients that connect in steps, are idle, and leave and come back.

    Attributes:
        steps: how many are connected, one step after the other.
        idle_s: that all of the last step are idle, in which heartbeats are counted.
        upgrades: clients that begin with long-polling and are upgraded, in cells of WebSocket.
        waves: how often clients leave, all of them, and come back.
        wave: how many come back each time, at the most.
        ping_interval_s, ping_timeout_s: of the server's heartbeat, so that there are some to count.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    steps: Annotated[list[_Step], Meta(min_length=3)] = msgspec.field(
        default_factory=lambda: [50, 150, 300, 500]
    )
    idle_s: Positive = 4.0
    upgrades: Count = 20
    waves: Annotated[int, Meta(ge=6, le=1000)] = 12
    wave: Count = 150
    ping_interval_s: Positive = 2
    ping_timeout_s: Positive = 20
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if sorted(set(self.steps)) != self.steps:
            raise ValueError("steps must go up: each is above the one before")
        if self.idle_s < self.ping_interval_s:
            raise ValueError(
                "idle_s is below ping_interval_s: some clients have no heartbeat in it"
            )


METRICS = table(
    Metric("connect_p50", Unit.MILLISECONDS, Better.LOWER, "connect p50", "half of the clients were in their namespace within this, while so many connected at the same time", "connect", 0.5),
    Metric("connect_p99", Unit.MILLISECONDS, Better.LOWER, "connect p99", "99 of 100 clients were in their namespace within this", "connect", 0.99),
    Metric("join_p50", Unit.MILLISECONDS, Better.LOWER, "join p50", "the part of it from the server's handshake to the namespace's answer, half of the clients", "join", 0.5),
    Metric("upgrade_p50", Unit.MILLISECONDS, Better.LOWER, "upgrade p50", "half of the clients that began with long-polling were carried by WebSocket within this, from the server's handshake", "upgrade", 0.5),
    Metric("connects", Unit.PER_SECOND, Better.HIGHER, "connects", "clients that connected per second, sixteen at a time"),
    Metric("connected", Unit.CLIENTS, Better.HIGHER, "connected", "the most that were connected at the same time"),
    Metric("connection_rss", Unit.KIBIBYTES_PER_CONNECTION, Better.LOWER, "memory per connection", "resident memory that the server took for each further connection, a slope over the steps"),
    Metric("connection_threads", Unit.PER_CONNECTION, Better.LOWER, "threads per connection", "the same of its threads"),
    Metric("connection_files", Unit.PER_CONNECTION, Better.LOWER, "descriptors per connection", "the same of its open descriptors"),
    Metric("left_behind", Unit.KIBIBYTES_PER_CONNECTION, Better.LOWER, "left behind", "resident memory that goes on growing for each client that came and went, beside what a server fills once"),
    # Of the time in which all are idle; a message is a heartbeat.
    *(metric for metric in EVERY_TRIAL.values() if not metric.family),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """What a server has at one number of connections; None where it is not known."""

    connections: int
    mib: float | None
    threads: int | None
    files: int | None


@dataclass(slots=True)
class Seen:
    """What a trial has seen.

    Attributes:
        points: after each step.
        left_mib: after each time that all had left.
        arrived: of every client of the steps.
        upgraded_ns: of clients that were upgraded, one after the other.
        not_upgraded: why some were not; empty where all were.
        connecting: over all steps, in which clients connected.
        heartbeats: while all were idle; ``idle`` is over that time.
        refused: why not all of a step could connect; empty where all could.
        not_back: the same of a wave that had left.
    """

    points: list[Point] = field(default_factory=list)
    left_mib: list[float] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    upgraded_ns: list[int] = field(default_factory=list)
    not_upgraded: str = ""
    connecting: list[Usage] = field(default_factory=list)
    heartbeats: int = 0
    idle: Usage = field(default_factory=lambda: Usage(1, 0, None))
    refused: str = ""
    not_back: str = ""


def measure(bench: Bench, options: Connections) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: nobody could connect.
        Unfinished: the run was interrupted.
    """
    bench.judged = ()  # a server that has no room for all is measured with those it has
    crowd, seen = Crowd(bench), Seen()
    try:
        with bench.turns.turn() as turn:
            _grow(bench, options, crowd, seen)
            _be_idle(bench, options, crowd, seen)
            seen.upgraded_ns, seen.not_upgraded = upgrades_ns(bench, options.upgrades)
            most = len(crowd.sessions)
            _come_and_go(bench, options, crowd, seen)
    except Interrupted:
        raise Unfinished from None
    finally:
        bench.turns.rest()
        crowd.leave()
    reason = turn.disturbance.reason if turn.disturbance is not None else None
    found = summarise(seen, most, min(most, options.wave))
    return [found.disturbed_by(reason, list(METRICS), lost=0)]


def _come_and_go(bench: Bench, options: Connections, crowd: Crowd, seen: Seen) -> None:
    """Have a wave of clients come and go, and look at what the server has when all have left."""
    wave = min(options.wave, len(crowd.sessions))
    crowd.become(wave)  # what the many had is no part of what a wave leaves behind
    for _ in range(options.waves):
        crowd.become(0)
        bench.sleep(_SETTLE_S)
        if (mib := bench.meter.server_mib()) is not None:
            seen.left_mib.append(mib)
        seen.not_back = crowd.become(wave)
        if seen.not_back:  # the rest would be of fewer
            break
        bench.sleep(_SETTLE_S)


def _grow(bench: Bench, options: Connections, crowd: Crowd, seen: Seen) -> None:
    first = min(_FIRST, options.steps[0])
    if refused := crowd.become(first):
        raise TrialFailed(f"nobody could connect: {refused}")
    bench.sleep(_SETTLE_S)
    _point(bench, crowd, seen)
    crowd.arrived.clear()
    for step in options.steps:
        begin = bench.meter.read()
        before = len(crowd.arrived)
        seen.refused = crowd.become(step)
        if seen.refused:  # that is how long nobody answered, not how long connecting takes
            del crowd.arrived[before:]
        else:
            seen.connecting.append(between(begin, bench.meter.read()))
        bench.sleep(_SETTLE_S)
        _point(bench, crowd, seen)
        if seen.refused:
            break
    seen.arrived = list(crowd.arrived)


def _point(bench: Bench, crowd: Crowd, seen: Seen) -> None:
    meter = bench.meter
    seen.points.append(
        Point(len(crowd.sessions), meter.server_mib(), meter.server_threads(), meter.server_files())
    )


def _be_idle(bench: Bench, options: Connections, crowd: Crowd, seen: Seen) -> None:
    before = sum(len(session.heartbeats) for session in crowd.sessions)
    begin = bench.meter.read()
    bench.sleep(options.idle_s)
    seen.idle = between(begin, bench.meter.read())
    seen.heartbeats = sum(len(session.heartbeats) for session in crowd.sessions) - before


def slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """The least-squares slope; None where there is none."""
    if len(x) < 2 or max(x) == min(x):
        return None
    found = np.polyfit(np.asarray(x, dtype=float), np.asarray(y, dtype=float), 1)[0]
    return round(float(found), _DIGITS) + 0.0  # of values that are equal it is some 1e-19


def _over_steps(points: Sequence[Point], values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < len(points):
        return None
    return slope([each.connections for each in points], known)


def lasting_growth(values: Sequence[float]) -> float | None:
    """What a series goes on growing by from one value to the next, in the end.

    By least squares, as a line and a part that dies away geometrically.

    Returns:
        None where there are too few values to tell the two apart.
    """
    if len(values) < _FEWEST_WAVES:
        return None
    y, number = np.asarray(values, dtype=float), np.arange(len(values))
    best, growth = np.inf, 0.0
    for ratio in _RATIOS:
        parts = np.column_stack([np.ones_like(number), number, ratio**number])
        found = np.linalg.lstsq(parts, y, rcond=None)[0]
        error = float(((parts @ found - y) ** 2).sum())
        if error < best:
            best, growth = error, float(found[1])
    return growth


def _left_behind(seen: Seen, wave: int) -> float | None:
    """KiB per client that came and went."""
    found = lasting_growth(seen.left_mib)
    return None if found is None or not wave else found * 1024 / wave


def summarise(seen: Seen, most: int, wave: int) -> Measurement:
    """The row.

    Args:
        seen: of the trial.
        most: how many were connected at the same time.
        wave: how many came and went each time.
    """
    took, joined = _times(seen.arrived)
    upgraded = np.asarray(seen.upgraded_ns, dtype=np.int64)
    wall_s = sum(each.wall_ns for each in seen.connecting) / 1e9
    rss_mib = _over_steps(seen.points, [each.mib for each in seen.points])
    common, unavailable = metrics(seen.idle, seen.heartbeats, seen.points[-1].mib)
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "connect", took),
        **quantiles_ms(METRICS, "join", joined),
        **quantiles_ms(METRICS, "upgrade", upgraded),
        "connects": len(seen.arrived) / wall_s if wall_s else None,
        "connected": float(most),
        "connection_rss": None if rss_mib is None else rss_mib * 1024,
        "connection_threads": _over_steps(seen.points, [each.threads for each in seen.points]),
        "connection_files": _over_steps(seen.points, [each.files for each in seen.points]),
        "left_behind": _left_behind(seen, wave),
        **common,
    }
    why = "the server was not started by this run, so its memory is not known"
    none_came = f"no step was whole: {seen.refused}"
    unavailable = {
        name: none_came if name in _CONNECTING else why
        for name, value in values.items()
        if value is None
    } | unavailable
    if seen.not_upgraded and not seen.upgraded_ns:
        unavailable["upgrade_p50"] = seen.not_upgraded
    invalid = _doubts(seen)
    for usage in seen.connecting:
        invalid |= validity.busy_generator(("connect_p50", "connect_p99", "connects"), usage)
    times = {"connect": took, "join": joined, "upgrade": upgraded}
    return Measurement(
        row=NAME,
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={family: len(each) for family, each in times.items()},
        distributions={family: histogram(each) for family, each in times.items()},
        notes={"connected": f"no more could connect: {seen.refused}"} if seen.refused else {},
    )


def _doubts(seen: Seen) -> dict[str, str]:
    """What is not to be trusted since not all could do as they should."""
    found = {}
    if seen.upgraded_ns and seen.not_upgraded:
        found["upgrade_p50"] = f"not all clients were upgraded: {seen.not_upgraded}"
    if seen.not_back:
        found["left_behind"] = f"a wave did not come back whole: {seen.not_back}"
    return found


def _times(arrived: Sequence[Arrived]) -> tuple[Nanoseconds, Nanoseconds]:
    """How long connecting took, and joining within it."""
    took = [each.joined_ns - each.began_ns for each in arrived]
    joined = [each.joined_ns - each.opened_ns for each in arrived]
    return np.asarray(took, dtype=np.int64), np.asarray(joined, dtype=np.int64)


SCENARIO = Scenario(
    name=NAME,
    rank=40,
    options=Connections,
    metrics=METRICS,
    clients=lambda options: options.steps[0],
    in_generator=lambda _options: 0,  # it connects them itself, more and more
    expected_s=lambda options: (
        options.idle_s
        + 0.05 * options.upgrades
        + _SETTLE_S * (len(options.steps) + 2 * options.waves)
        + (options.steps[-1] + options.waves * min(options.steps[-1], options.wave)) / 150
    ),
    longest_wait_s=lambda options: 120 + options.steps[-1] * (1 + options.waves) / 20,
    heartbeat=lambda options: Heartbeat(options.ping_interval_s, options.ping_timeout_s),
    with_clients=(Client.TRANSPORT_BENCH,),
    reaches_all=True,
    speaks=Speaks.NOTHING,
    measure=measure,
)
