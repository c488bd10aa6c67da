"""Gates made by hand: a few comparisons, or as many as anybody has.

``python -m tests.unit.reports.gate_builder FOLDER [COUNT]`` writes one to look at.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy

from loadtests.record.gate import (
    FORMAT,
    ArmFacts,
    Comparison,
    Contrast,
    Counted,
    Evidence,
    Gate,
    Limited,
    write,
)
from loadtests.record.words import Better, Kept, Transport, Verdict
from loadtests.scenarios.registry import SCENARIOS, metrics_of
from tests.unit.reports.builder import ENVIRONMENT

WEBSOCKET, POLLING = Transport.WEBSOCKET, Transport.POLLING
MODES = (
    "eventlet",
    "gevent",
    "threading",
    "gunicorn-gevent",
    "gunicorn-threads",
    "gevent-websocket",
    "uwsgi-gevent",
)
BASE = ArmFacts(
    "base",
    ref="main",
    commit="c723390a" * 5,
    versions={"python": "3.11.7", "python-engineio": "4.12.1", "gevent": "26.9.0"},
)
HEAD = ArmFacts(
    "head",
    commit="0123abcd" * 5,
    dirty=True,
    requires=["python-engineio==4.15.1"],
    versions={"python": "3.11.7", "python-engineio": "4.15.1", "gevent": "26.9.0"},
)


def evidence(ratio: float, width: float = 0.03, pairs: int = 12) -> Evidence:
    return Evidence(pairs, ratio, ratio / (1 + width), ratio * (1 + width), 0.01, 0.99)


def compared(
    verdict: Verdict = Verdict.EXCLUDED,
    ratio: float = 1.01,
    *,
    row: str = "echo",
    metric: str = "server_cpu",
    mode: str = "gevent",
    transport: Transport = WEBSOCKET,
    gated: bool = True,
    **more: Any,
) -> Comparison:
    found = evidence(ratio)
    if verdict is Verdict.SLOWER:
        more.setdefault("fresh", found)
    if verdict is Verdict.EXCLUDED:
        more.setdefault("excluded", 0.08)
    more.setdefault("screen", found)
    return Comparison(row, metric, mode, transport, gated, verdict, **more)


def counted(head: float, *, regression: bool, mode: str = "gevent") -> Counted:
    trials = 2 if head else 0
    return Counted("echo", "lost", mode, WEBSOCKET, 0, head, 0, trials, regression)


def limited(kept: Kept, note: str = "", mode: str = "gevent") -> Limited:
    limit = "echo.latency_p99 <= 50 ms"
    return Limited(limit, mode, WEBSOCKET, kept, "ms", 61.2, 58.0, 64.1, note)


def gate(*comparisons: Comparison, code: int = 0, **changes: Any) -> Gate:
    """A gate that was finished."""
    found = Gate(
        format=FORMAT,
        version="0.1.0",
        started="2025-01-02T03:04:05Z",
        seconds=540.0,
        ended="complete",
        experiment="ci",
        detect=0.10,
        level=0.05,
        arms=[BASE, HEAD],
        comparisons=list(comparisons),
        exit_code=code,
        environment=ENVIRONMENT,
    )
    return msgspec.structs.replace(found, **changes)


def regression() -> Gate:
    """One that found something, with a bit of everything."""
    return gate(
        compared(Verdict.SLOWER, 1.12, base=152.0, head=170.2),
        compared(Verdict.SLOWER, 0.88, metric="throughput", base=6500.0, head=5720.0),
        compared(Verdict.FASTER, 0.91, mode="threading", base=371.0, head=338.0),
        compared(Verdict.SLOWER, 1.2, metric="latency_p90", gated=False, base=0.65, head=0.78),
        compared(Verdict.EXCLUDED, mode="eventlet", base=185.0, head=187.0),
        compared(
            Verdict.INCONCLUSIVE, 1.06, mode="eventlet", metric="latency_p50", wanted_pairs=18,
            dropped=2, base=0.61, head=0.65,
        ),
        compared(Verdict.INCONCLUSIVE, mode="threading", transport=POLLING, screen=None),
        code=99,
        counts=[counted(12, regression=True), counted(0, regression=False, mode="eventlet")],
        limits=[
            limited(Kept.BROKEN),
            limited(Kept.KEPT, mode="eventlet"),
            limited(Kept.UNDECIDED, "fewer than 1,000 samples", mode="threading"),
        ],
        contrasts=[Contrast("echo", "server_cpu", 4, 1.001, 0.99, 1.012, 0.62, False)],
        notes=["head is a working tree with changes that no commit holds"],
    )  # fmt: skip


def many(count: int, seed: int = 1) -> Gate:
    """One with so many comparisons, over all modes, transports and metrics."""
    random = numpy.random.default_rng(seed)
    names = [
        (row, metric.name)
        for row in SCENARIOS
        for metric in metrics_of(row).values()
        if metric.better is not Better.NEITHER
    ]
    cells = [(mode, transport) for mode in MODES for transport in (POLLING, WEBSOCKET)]
    verdicts = list(Verdict)
    found = []
    for place in range(count):
        (row, metric) = names[place // len(cells) % len(names)]
        mode, transport = cells[place % len(cells)]
        verdict = verdicts[int(random.choice(4, p=[0.05, 0.05, 0.6, 0.3]))]
        ratio = float(numpy.exp(random.normal(0, 0.03)))
        worse = metrics_of(row)[metric].better is Better.LOWER
        if verdict in (Verdict.SLOWER, Verdict.FASTER):
            ratio = 1.15 if worse is (verdict is Verdict.SLOWER) else 1 / 1.15
        found.append(
            compared(verdict, ratio, row=row, metric=metric, mode=mode, transport=transport)
        )
    return gate(*found, code=99)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(many(int(sys.argv[2])) if len(sys.argv) > 2 else regression(), folder)


if __name__ == "__main__":
    main()
