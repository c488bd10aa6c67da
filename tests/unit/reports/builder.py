"""Synthetic results: numbers from a seeded generator, shaped like what the harness measures.

``python -m tests.unit.reports.builder FOLDER`` writes one to look at; ``quick()`` is stored as
tests/data/result-quick.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy

from loadtests.record.results import (
    FORMAT,
    Measurement,
    PlannedTrial,
    Result,
    Trial,
    write,
)
from loadtests.record.words import Status, Transport
from loadtests.scenarios.registry import metrics_of
from tests.unit.reports import measurements

MODES = ("eventlet", "gevent", "threading")
TRANSPORTS = (Transport.POLLING, Transport.WEBSOCKET)
CAUSES = ("close", "kill", "freeze")

#: (mode, transport) -> open-loop p50 ms, closed-loop echoes/s, µs of server CPU per echo, busy %.
SHAPES = {
    ("eventlet", "polling"): (1.62, 2480.0, 402.0, 99.2),
    ("gevent", "polling"): (44.1, 450.0, 631.0, 28.4),
    ("threading", "polling"): (2.31, 1054.0, 921.0, 97.1),
    ("eventlet", "websocket"): (0.61, 5360.0, 185.0, 99.3),
    ("gevent", "websocket"): (0.52, 6550.0, 152.0, 98.8),
    ("threading", "websocket"): (0.83, 2650.0, 371.0, 98.0),
}
OTHER = (1.1, 3000.0, 300.0, 97.0)


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
            generator={"arrival_clock": "kernel"},
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


def cells(metric: str, scenario: str = "echo", **values: tuple[float, ...]) -> Result:
    """Several modes over WebSocket, each with its trials' numbers for one metric."""
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    row = f"{scenario}:kill" if scenario == "disconnect" else scenario
    for mode, numbers in values.items():
        for block, number in enumerate(numbers):
            plan.append(planned(len(plan), row, mode, block=block))
            trials.append(ran(len(trials), measurement(row, **{metric: number})))
    return result(plan, trials)


def realistic(
    *,
    blocks: int = 3,
    seed: int = 1,
    modes: tuple[str, ...] = MODES,
    scenarios: tuple[str, ...] = ("echo", "broadcast", "disconnect"),
    messages: int = 1400,
    name: str = "default",
) -> Result:
    """A full matrix in which every trial went well."""
    random = numpy.random.default_rng(seed)
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for block in range(blocks):
        order = [(s, m, t) for s in scenarios for m in modes for t in TRANSPORTS]
        for index in random.permutation(len(order)):
            scenario, mode, transport = order[index]
            number = len(plan)
            plan.append(planned(number, scenario, mode, transport, block))
            shape = SHAPES.get((mode, transport), OTHER)
            trials.append(_trial(random, number, scenario, mode, transport, shape, messages))
    return result(
        plan,
        trials,
        seconds=12.5 * len(plan),
        experiment=_experiment(name, blocks, modes, scenarios),
        environment=ENVIRONMENT,
    )


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


def _experiment(
    name: str, blocks: int, modes: tuple[str, ...], scenarios: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "name": name,
        "description": "synthetic test data, measured nowhere",
        "seed": 1,
        "blocks": blocks,
        "modes": list(modes),
        "transports": [str(transport) for transport in TRANSPORTS],
        "echo": {"clients": 30, "rate_hz": 300, "payload_bytes": 32, "warmup_s": 1},
        "broadcast": {"recipients": 30, "publishers": 2, "rate_hz": 20},
        "disconnect": {"causes": list(CAUSES), "clients": 20, "ping_interval_s": 1},
        "scenarios": list(scenarios),
    }


def _trial(
    random: numpy.random.Generator,
    number: int,
    scenario: str,
    mode: str,
    transport: str,
    shape: tuple[float, float, float, float],
    messages: int,
) -> Trial:
    every = {
        "server_rss": 42 * random.normal(1, 0.02),
        "generator_cpu": 45 * random.normal(1, 0.04),
        "generator_busy": 16 * random.normal(1, 0.03),
        "lateness_p99": 0.31 * random.normal(1, 0.1),
        "receive_lag_p99": 0.12 * random.normal(1, 0.1),
    }
    if scenario == "echo":
        found = [measurements.echo(random, shape, messages, every)]
    elif scenario == "broadcast":
        found = [measurements.broadcast(random, shape, messages, every)]
    else:
        found = [measurements.disconnect(random, cause, transport, every) for cause in CAUSES]
    return Trial(
        number=number,
        status=Status.OK,
        server_log=f"logs/{number:03d}-{mode}-{transport}.log",
        started_s=12.5 * number,
        seconds=12.1,
        server={
            "mode": mode,
            "async_mode": mode,
            "websocket": "simple-websocket",
            "patched": mode != "threading",
            "versions": {"flask-socketio": "5.7.0"},
        },
        generator={
            "arrival_clock": "kernel",
            "open_loop_server_busy": 30.0,
            "yardstick_ms": 2.0,
            "stolen_percent": 0.0,
        },
        measurements=found,
    )


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


def troubled(*, blocks: int = 3, modes: tuple[str, ...] = MODES) -> Result:
    """The full matrix with what goes wrong in practice.

    A cell of echo that failed throughout, one trial of broadcast that failed, a cell whose
    generator was too busy, and a threading server that was not there for disconnect.
    """
    base = realistic(blocks=blocks, modes=modes)
    for number in numbers_of(base, "echo", "threading", "polling"):
        base = with_trial(base, number, failed(number, "server not ready after 10 s"))
    number = numbers_of(base, "broadcast", "eventlet", "polling")[-1]
    base = with_trial(base, number, failed(number, "the server ended with code 1"))
    for number in numbers_of(base, "echo", "threading", "websocket"):
        trial = next(one for one in base.trials if one.number == number)
        why = "the generator was busy 97 % of the time; it may be the bottleneck"
        spoiled = [
            msgspec.structs.replace(one, invalid={m: why for m in one.metrics if "_p" in m})
            for one in trial.measurements
        ]
        base = with_trial(base, number, msgspec.structs.replace(trial, measurements=spoiled))
    for number in numbers_of(base, "disconnect", "threading", "websocket"):
        base = with_trial(base, number, failed(number, "the server speaks polling, not websocket"))
    return base


def quick() -> Result:
    """A small run of one block, as tests/data stores it."""
    return realistic(blocks=1, messages=1050, name="quick")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(troubled() if "--troubled" in sys.argv else quick(), folder)


if __name__ == "__main__":
    main()
