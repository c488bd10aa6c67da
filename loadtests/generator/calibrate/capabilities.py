"""What the generator can do: figures of several rounds, and what they mean. Pure.

The vocabulary of ``calibration.json``; docs/result-format.md describes it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loadtests.arithmetic.validity import BUSY_GENERATOR_PERCENT
from loadtests.generator.calibrate.plan import BROADCAST, ECHO
from loadtests.record.calibration import Capability, Gauged, Limit
from loadtests.record.words import Transport
from loadtests.scenarios.bench import Outcome
from loadtests.scenarios.registry import SCENARIOS

#: Facts that the generator's process tells beside its measurements.
LATENESS_P50, RECEIVE_LAG_P50, RESIDENT = "lateness_p50_ms", "receive_lag_p50_ms", "resident_kib"

_KIB = "KiB"
#: What ``Bench.distrust`` says of numbers that were measured with fewer clients than planned.
_LOST_CLIENTS = "clients lost their connection"


class CalibrationError(Exception):
    """A round did not give a number that a calibration needs."""


def figure(name: str, title: str, unit: str, rounds: Sequence[float]) -> Gauged:
    """Median, least and greatest of what the rounds gave; there is at least one."""
    return Gauged(
        name=name,
        title=title,
        unit=unit,
        median=statistics.median(rounds),
        low=min(rounds),
        high=max(rounds),
        rounds=list(rounds),
    )


def limit_of(generator_percent: float, responder_percent: float) -> Limit:
    """Which of the two was the busier one, if any was busy enough to be the limit."""
    if max(generator_percent, responder_percent) <= BUSY_GENERATOR_PERCENT:
        return Limit.NEITHER
    return Limit.GENERATOR if generator_percent >= responder_percent else Limit.RESPONDER


def check_clients(outcome: Outcome) -> None:
    """A trial goes on without the clients that it loses; what it finds then is no capability.

    Raises:
        CalibrationError: clients were lost; in the trial's own words.
    """
    for measurement in outcome.measurements:
        for reason in measurement.invalid.values():
            if reason.startswith(_LOST_CLIENTS):
                raise CalibrationError(reason)


def ceiling(
    scenario: str,
    transport: Transport,
    load: str,
    rounds: Sequence[Outcome],
    usual: str = "",
) -> Capability:
    """The closed loop of echo, or the fan-out.

    Args:
        scenario: see Capability.
        transport: see Capability.
        load: see Capability.
        rounds: what each round gave.
        usual: the load of trials that this one differs from in one thing; empty for that itself.
    """
    name = "throughput" if scenario == ECHO else "deliveries"
    figures = [
        _metric(scenario, each, rounds)
        for each in (name, "generator_cpu", "generator_busy", "server_busy", "server_cpu")
    ]
    busy = {each.name: each.median for each in figures}
    limit = limit_of(busy["generator_busy"], busy["server_busy"])
    what = "echoes" if scenario == ECHO else "copies of broadcasts"
    shares = f"generator {busy['generator_busy']:.0f} % busy, responder {busy['server_busy']:.0f} %"
    meaning = {
        Limit.GENERATOR: f"One core of the load generator handles at most so many {what} a second; "
        f"it was the limit here ({shares}).",
        Limit.RESPONDER: f"One core of the load generator handles more {what} than this: the "
        f"responder was the limit ({shares}).",
        Limit.NEITHER: f"One core of the load generator handles more {what} than this: neither was "
        f"the limit ({shares}), so calibrate again when nothing else runs.",
    }[limit]
    if usual:
        meaning += f" Beside “{scenario}, {usual}”: what that one thing costs the generator."
    return Capability(scenario, load, transport, None, limit, meaning, figures)


def noise_floor(transport: Transport, rate_hz: float, rounds: Sequence[Outcome]) -> Capability:
    """The open loop of echo at a rate."""
    meaning = (
        "An echo takes this long when the peer does next to nothing: so much of every latency is "
        "the kernel, the harness and waking up, not the server."
    )
    figures = [
        _metric(ECHO, "latency_p50", rounds),
        _metric(ECHO, "latency_p99", rounds),
        _fact("lateness_p50", "lateness p50", LATENESS_P50, rounds),
        _metric(ECHO, "lateness_p99", rounds),
        _fact("receive_lag_p50", "receive lag p50", RECEIVE_LAG_P50, rounds),
        _metric(ECHO, "receive_lag_p99", rounds),
    ]
    return Capability(ECHO, f"{rate_hz:,g}/s", transport, rate_hz, None, meaning, figures)


def idle_sessions(count: int, kib: float) -> Capability:
    """Memory of that many sessions, KiB per connection; of one round, so without a spread."""
    return _idle(
        f"{count:,} sessions",
        "Memory that each idle connection takes in the generator's process, without Locust; "
        "the kernel's buffers come on top.",
        kib,
    )


def idle_users(count: int, kib: float) -> Capability:
    """Memory of that many Locust users, KiB per user; of one run, so without a spread."""
    return _idle(
        f"{count:,} Locust users",
        "The same with a Locust user and its greenlet around each session, as trials have them.",
        kib,
    )


def _idle(load: str, meaning: str, kib: float) -> Capability:
    resident = figure("resident", "resident per connection", _KIB, [kib])
    return Capability("idle", load, Transport.WEBSOCKET, None, None, meaning, [resident])


def _metric(scenario: str, name: str, rounds: Sequence[Outcome]) -> Gauged:
    metric = SCENARIOS[scenario].metrics[name]
    # What serves is no server here, and nobody should take it for one.
    title = metric.title.replace("server", "responder")
    unit = str(metric.unit)
    if scenario == BROADCAST:  # whose messages are copies; 1/s alone says nothing in a sentence
        unit = {"1/s": "deliveries/s"}.get(unit, unit.replace("message", "delivery"))
    values = [outcome.measurements[0].metrics.get(name) for outcome in rounds]
    return figure(name, title, unit, _all(name, values))


def _fact(name: str, title: str, key: str, rounds: Sequence[Outcome]) -> Gauged:
    values = [outcome.generator.numbers.get(key) for outcome in rounds]
    return figure(name, title, "ms", _all(name, values))


def _all(name: str, values: Sequence[float | None]) -> list[float]:
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        raise CalibrationError(
            f"{len(values) - len(found)} of {len(values)} rounds gave no {name}: "
            "too many messages were lost; calibrate again when nothing else runs"
        )
    return found
