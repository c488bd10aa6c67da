"""The measurements of a synthetic result: random numbers around the shape of what is measured."""

from __future__ import annotations

import numpy
from hdrh.histogram import HdrHistogram

from loadtests.record.results import Detection, Measurement


def encoded(milliseconds: numpy.ndarray) -> str:
    """An HdrHistogram of nanoseconds as the harness stores it."""
    histogram = HdrHistogram(1, 3_600_000_000_000, 3)
    for value in milliseconds:
        histogram.record_value(max(1, round(value * 1e6)))
    return str(histogram.encode().decode())


def _spread(random: numpy.random.Generator, middle: float, count: int) -> numpy.ndarray:
    """Latencies in ms: a narrow body and a tail of about one in thirty."""
    body = middle * random.lognormal(0, 0.16, count)
    slow = random.random(count) < 0.03
    return body + slow * random.gamma(2.0, middle * 0.35 + 0.6, count)


def _quantiles(values: numpy.ndarray, *quantiles: int) -> list[float]:
    return [float(numpy.percentile(values, quantile)) for quantile in quantiles]


def echo(
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


def broadcast(
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


def disconnect(
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
