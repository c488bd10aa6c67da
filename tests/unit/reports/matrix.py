"""A whole run: numbers from a seeded generator, shaped like what the harness measures.

``python -m tests.unit.reports.matrix FOLDER`` writes one to look at; ``quick()`` is stored as
tests/data/result-quick.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Detection, Measurement, PlannedTrial, Result, Trial, write
from loadtests.record.words import Status
from tests.unit.reports.builder import (
    CAUSES,
    ENVIRONMENT,
    MODES,
    TRANSPORTS,
    encoded,
    failed,
    numbers_of,
    planned,
    result,
    with_trial,
)

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
        found = [_echo(random, shape, messages, every)]
    elif scenario == "broadcast":
        found = [_broadcast(random, shape, messages, every)]
    else:
        found = [_disconnect(random, cause, transport, every) for cause in CAUSES]
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
        generator=GeneratorFacts(
            arrival_clock="kernel", open_loop_server_busy=30.0, yardstick_ms=2.0
        ),
        measurements=found,
    )


def _spread(random: numpy.random.Generator, middle: float, count: int) -> numpy.ndarray:
    """Latencies in ms: a narrow body and a tail of about one in thirty."""
    body = middle * random.lognormal(0, 0.16, count)
    slow = random.random(count) < 0.03
    return body + slow * random.gamma(2.0, middle * 0.35 + 0.6, count)


def _quantiles(values: numpy.ndarray, *quantiles: int) -> list[float]:
    return [float(numpy.percentile(values, quantile)) for quantile in quantiles]


def _echo(
    random: numpy.random.Generator,
    shape: tuple[float, float, float, float],
    messages: int,
    every: dict[str, float],
) -> Measurement:
    middle, throughput, cpu, busy = shape
    latency = _spread(random, middle * random.normal(1, 0.03), messages)
    service = latency * 0.97
    p50, p90, p99, slowest = _quantiles(latency, 50, 90, 99, 100)
    s50, s99 = _quantiles(service, 50, 99)
    throughput *= random.normal(1, 0.02)
    return Measurement(
        row="echo",
        metrics={
            "latency_p50": p50,
            "latency_p90": p90,
            "latency_p99": p99,
            "latency_max": slowest,
            "service_p50": s50,
            "service_p99": s99,
            "throughput": throughput,
            "lost": 0.0,
            "server_cpu": cpu * random.normal(1, 0.015),
            "server_busy": min(100.0, busy * random.normal(1, 0.004)),
            "server_busy_open": 30.0,
            **every,
        },
        samples={"latency": messages, "service": messages, "throughput": round(throughput * 2)},
        distributions={"latency": encoded(latency)},
    )


def _broadcast(
    random: numpy.random.Generator,
    shape: tuple[float, float, float, float],
    messages: int,
    every: dict[str, float],
) -> Measurement:
    middle = shape[0] * random.normal(1.6, 0.04)
    rounds = messages // 10
    delivery = _spread(random, middle, rounds * 30).reshape(rounds, 30)
    last = delivery.max(axis=1)
    d50, d99 = _quantiles(delivery, 50, 99)
    l50, l99 = _quantiles(last, 50, 99)
    cost = {"server_cpu": shape[2] / 8, "server_busy": 31.0} | every
    return Measurement(
        row="broadcast",
        metrics={
            "delivery_p50": d50,
            "delivery_p99": d99,
            "last_recipient_p50": l50,
            "last_recipient_p99": l99,
            "deliveries": 600 * random.normal(1, 0.001),
            "missing": 0.0,
            "duplicate": 0.0,
            "reordered": 0.0,
            **{metric: value * random.normal(1, 0.02) for metric, value in cost.items()},
            "generator_cpu": 14.5 * random.normal(1, 0.04),
        },
        samples={"delivery": delivery.size, "last_recipient": rounds},
        distributions={"delivery": encoded(delivery.ravel()), "last_recipient": encoded(last)},
    )


def _disconnect(
    random: numpy.random.Generator, cause: str, transport: str, every: dict[str, float]
) -> Measurement:
    silent = cause == "freeze" or (cause == "kill" and transport == "polling")
    detections = []
    for client in range(20):
        seconds = random.uniform(1.0, 3.0) if silent else random.gamma(4.0, 0.0006)
        seen = not (cause == "freeze" and transport == "polling" and client < 2)
        detections.append(
            Detection(
                gone_s=0.05 * client,
                detected_s=float(seconds) if seen else None,
                reason=("ping timeout" if silent else "transport close") if seen else None,
            )
        )
    times = [one.detected_s for one in detections if one.detected_s is not None]
    return Measurement(
        row=f"disconnect:{cause}",
        metrics={
            "detection_min": min(times),
            "detection_p50": float(numpy.median(times)),
            "detection_max": max(times),
            "undetected": float(len(detections) - len(times)),
            "server_cpu": 240 * random.normal(1, 0.03),
            "server_busy": 1.2 * random.normal(1, 0.03),
            **every,
        },
        samples={"detection": len(times)},
        detections=detections,
    )


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
