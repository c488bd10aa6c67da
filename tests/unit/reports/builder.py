"""Results made by hand: a few trials with the numbers that a test is about."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy
from hdrh.histogram import HdrHistogram

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import FORMAT, Measurement, PlannedTrial, Result, Trial
from loadtests.record.words import Status, Transport
from loadtests.scenarios.registry import metrics_of

MODES = ("eventlet", "gevent", "threading")
TRANSPORTS = (Transport.POLLING, Transport.WEBSOCKET)
CAUSES = ("close", "kill", "freeze")
#: What the generator says of a trial that is as it should be.
SOUND = GeneratorFacts(arrival_clock="kernel")

#: As a run has it that was measured on a machine that is enough for it.
ENVIRONMENT: dict[str, Any] = {
    "cpu": "AMD EPYC 7R13 Processor",
    "cores": 2,
    "kernel": "Linux 6.1.0",
    "python": "3.11.7",
    "memory_mib": 7951,
    "packages": {
        "flask-socketio": "5.7.0",
        "python-engineio": "4.15.1",
        "gevent": "26.9.0",
        "eventlet": "0.41.3",
        "locust": "2.47.0",
    },
    "pinning": {"server": [1], "generator": [0], "note": None},
    "open_files": 20000,
}


def encoded(milliseconds: numpy.ndarray) -> str:
    """An HdrHistogram of nanoseconds as the harness stores it."""
    histogram = HdrHistogram(1, 3_600_000_000_000, 3)
    for value in milliseconds:
        histogram.record_value(max(1, round(value * 1e6)))
    return str(histogram.encode().decode())


def metrics(scenario: str, **numbers: float | None) -> dict[str, float | None]:
    """Every metric of a row name: 1.0 where nothing else is said."""
    return dict.fromkeys(metrics_of(scenario), 1.0) | numbers


def measurement(scenario: str, **numbers: float | None) -> Measurement:
    return Measurement(row=scenario, metrics=metrics(scenario, **numbers))


def planned(
    number: int,
    scenario: str = "echo",
    mode: str = "gevent",
    transport: str = "websocket",
    block: int | None = None,
) -> PlannedTrial:
    rows = [f"disconnect:{cause}" for cause in CAUSES] if scenario == "disconnect" else [scenario]
    return PlannedTrial(
        number=number,
        block=number if block is None else block,
        scenario=scenario.partition(":")[0],
        mode=mode,
        transport=Transport(transport),
        rows=rows,
    )


def ran(number: int, *measurements: Measurement, **changes: Any) -> Trial:
    """A trial that went well."""
    return msgspec.structs.replace(
        Trial(
            number=number,
            status=Status.OK,
            server_log=f"logs/{number}.log",
            generator=SOUND,
            measurements=list(measurements),
        ),
        **changes,
    )


def failed(number: int, reason: str = "server not ready after 10 s") -> Trial:
    return Trial(
        number=number, status=Status.FAILED, reason=reason, server_log=f"logs/{number}.log"
    )


def result(plan: list[PlannedTrial], trials: list[Trial], **changes: Any) -> Result:
    """A complete run on a pinned machine."""
    return msgspec.structs.replace(
        Result(
            format=FORMAT,
            version="0.1.0",
            started="2025-01-02T03:04:05Z",
            ended="complete",
            seconds=61.0,
            experiment={"name": "test", "seed": 1},
            environment={"pinning": {"server": [1], "generator": [0], "note": None}},
            plan=plan,
            trials=trials,
        ),
        **changes,
    )


def echo_trials(*values: float, metric: str = "latency_p50", **cell: Any) -> Result:
    """One cell of echo with one trial per number given."""
    plan = [planned(number, **cell) for number in range(len(values))]
    trials = [
        ran(number, measurement("echo", **{metric: value})) for number, value in enumerate(values)
    ]
    return result(plan, trials)


def cells(metric: str, scenario: str = "echo", /, **values: tuple[float, ...]) -> Result:
    """Several modes over WebSocket, each with its trials' numbers for one metric."""
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    row = f"{scenario}:kill" if scenario == "disconnect" else scenario
    for mode, numbers in values.items():
        for block, number in enumerate(numbers):
            plan.append(planned(len(plan), row, mode, block=block))
            trials.append(ran(len(trials), measurement(row, **{metric: number})))
    return result(plan, trials)


def with_trial(base: Result, number: int, trial: Trial) -> Result:
    """The same run with another outcome of one trial."""
    trials = [trial if one.number == number else one for one in base.trials]
    return msgspec.structs.replace(base, trials=trials)


def numbers_of(base: Result, scenario: str, mode: str, transport: str) -> list[int]:
    """The planned trials of one cell."""
    return [
        one.number
        for one in base.plan
        if (one.scenario, one.mode, str(one.transport)) == (scenario, mode, transport)
    ]
