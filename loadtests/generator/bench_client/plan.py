"""Which trials a run consists of, and in which order. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from loadtests.generator.bench_client.measured import (
    OURS,
    ContenderTrial,
    Offered,
    Setup,
    Spending,
    Workload,
)
from loadtests.generator.bench_client.rows import BenchRow, Reference
from loadtests.record.words import Transport

#: Echoes per second of the open loop that a capture watches.
OPEN_LOOP_HZ = 1000.0

#: How many times that rate a server must give in a closed loop. Where it does not, the queue in the
#: server is the larger part of every latency, and nothing could be seen of the generator's error.
#: On two cores a server shares one with the peer that keeps the generator busy, so it has half.
_QUICK_ENOUGH = {Workload.LATENCY: 2, Workload.BUSY_LATENCY: 4}

#: Times the least cost in the pilot. A second of a pilot errs by some ten per cent, so what costs
#: half as much again is not the cheapest mode and is not measured further.
_NEAR = 1.5


def pilot(rows: Sequence[BenchRow], modes: Sequence[str]) -> list[Setup]:
    """What has to be measured first: us against every mode, under every load that rows need."""
    loads = {row.pilot for row in rows if row.pilot is not None}
    return [
        Setup(load.workload, load.transport, OURS, mode) for load in sorted(loads) for mode in modes
    ]


def reference(piloted: Sequence[ContenderTrial]) -> Reference:
    """Which modes may be the cheapest under each load, by the server's CPU per message."""
    found: dict[Offered, dict[str, Spending]] = {}
    for trial in piloted:
        if trial.cost is not None and trial.setup.mode is not None:
            found.setdefault(trial.setup.load, {})[trial.setup.mode] = trial.cost
    cheapest = {
        load: _near_the_least({mode: cost.server_us for mode, cost in costs.items()})
        for load, costs in found.items()
    }
    load = Offered(Workload.ECHO, Transport.WEBSOCKET)
    open_loop = {
        workload: mode
        for mode in cheapest.get(load, ())[:1]
        for workload, times in _QUICK_ENOUGH.items()
        if found[load][mode].rate_hz >= times * OPEN_LOOP_HZ
    }
    return Reference(cheapest, open_loop)


def _near_the_least(costs_us: Mapping[str, float]) -> tuple[str, ...]:
    """Those that the rounds may yet find to be the cheapest, in the order of their costs."""
    ordered = sorted(costs_us, key=lambda mode: costs_us[mode])
    least_us = costs_us[ordered[0]]
    return tuple(mode for mode in ordered if costs_us[mode] <= _NEAR * least_us)


def order(
    rows: Sequence[BenchRow], against: Reference, rounds: int, seed: int
) -> list[tuple[int, Setup]]:
    """Every trial with its round: each round has all setups once, in a random order of its own.

    Args:
        rows: that are wanted; a setup that several need is measured once.
        against: see Reference.
        rounds: how many.
        seed: the same one gives the same order.
    """
    setups = list(dict.fromkeys(each for row in rows for each in row.setups(against)))
    generator = random.Random(seed)
    return [
        (number, setup)
        for number in range(rounds)
        for setup in generator.sample(setups, len(setups))
    ]
