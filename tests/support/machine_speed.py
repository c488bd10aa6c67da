"""A machine whose speed changes with the time, and cells that take turns on it; virtual time.

Work is done at ``speed`` times the usual pace, so that what costs 100 µs costs 125 µs of CPU time
while the speed is 0.8. Nothing sleeps here and nothing is measured: the truth is put in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from loadtests.arithmetic.usage import Usage, metrics, together

Floats = NDArray[np.float64]
#: Moments in seconds -> how fast the machine is then; 1.0 is usual.
Shape = Callable[[Floats], Floats]
#: (labels in the order in which they started, round, seed) -> the order of a round.
Order = Callable[[list[str], int, int], list[str]]

#: How finely the speed is known.
_STEP_S = 0.01
#: Offered by every open loop; low enough for each.
_RATE_HZ = 200.0


def drift(per_s: float) -> Shape:
    """Ever slower, as a machine that grows warm; never below a fifth."""
    return lambda t: np.maximum(0.2, 1 - per_s * t)


def step(at_s: float, to: float) -> Shape:
    """Another speed from one moment on."""
    return lambda t: np.where(t < at_s, 1.0, to)


def wave(period_s: float, depth: float, phase: float = 0.0) -> Shape:
    """Up and down without end."""
    return lambda t: 1 + depth * np.sin(2 * np.pi * (t / period_s + phase))


def throttle(period_s: float, depth: float, phase: float = 0.0) -> Shape:
    """Fast for a while, slow for as long, without end."""
    return lambda t: np.where((t / period_s + phase) % 1 < 0.5, 1 - depth, 1.0)


def both(one: Shape, other: Shape) -> Shape:
    """One on top of the other."""
    return lambda t: one(t) * other(t)


@dataclass
class Machine:
    """Computes for whoever is on turn, and moves its clock on.

    Attributes:
        shape: of its speed.
        lasts_s: for how long the speed is known.
        noise: what two equal slices differ by all the same, as a share.
        rng: of that noise.
        now_s: its clock.
    """

    shape: Shape
    lasts_s: float
    noise: float
    rng: np.random.Generator
    now_s: float = 0.0
    _times: Floats = field(init=False)
    _done: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._times = np.arange(0, self.lasts_s + _STEP_S, _STEP_S)
        speed = self.shape(self._times + _STEP_S / 2)
        self._done = np.concatenate([[0.0], np.cumsum(speed)[:-1] * _STEP_S])

    def pass_time(self, seconds: float) -> None:
        """Nothing that counts is done."""
        self.now_s += seconds

    def saturate(self, cost_us: float, seconds: float) -> tuple[Usage, int]:
        """A closed loop: the server computes all the time; how much that was, and messages."""
        work_s = self._work_s(seconds)
        return self._used(seconds, seconds), round(work_s * 1e6 / cost_us)

    def offer(self, cost_us: float, seconds: float) -> tuple[Usage, int]:
        """An open loop: so many messages come, however long each takes."""
        messages = round(_RATE_HZ * seconds)
        mean_speed = self._work_s(seconds) / seconds
        return self._used(seconds, messages * cost_us / 1e6 / mean_speed), messages

    def _work_s(self, seconds: float) -> float:
        begin_s, self.now_s = self.now_s, self.now_s + seconds
        assert self.now_s <= self.lasts_s, "the speed is not known for so long"
        done = np.interp([begin_s, self.now_s], self._times, self._done)
        return float(done[1] - done[0]) * math.exp(self.rng.normal(0, self.noise))

    def _used(self, wall_s: float, server_s: float) -> Usage:
        return Usage(round(wall_s * 1e9), 0, round(server_s * 1e9))


#: What a cell does in its slice: ``Machine.saturate`` or ``Machine.offer``.
Load = Callable[[Machine, float, float], tuple[Usage, int]]


@dataclass(frozen=True)
class Block:
    """One trial of every cell.

    Attributes:
        costs_us: label -> true CPU time per message, in the order in which the servers started.
        rounds: how many turns each has.
        slice_s: of load that is measured, in each turn.
        warmup_s: before it in the first turn.
        settle_s: before it in the others.
        load: what is done in a slice.
        drains_s: label -> what its turn takes beyond that, where it does.
    """

    costs_us: Mapping[str, float]
    rounds: int = 10
    slice_s: float = 0.5
    warmup_s: float = 1.0
    settle_s: float = 0.1
    load: Load = Machine.saturate
    drains_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def round_s(self) -> float:
        """How long a round is, after the first."""
        drains_s = sum(self.drains_s.values())
        return len(self.costs_us) * (self.slice_s + self.settle_s) + drains_s

    @property
    def lasts_s(self) -> float:
        """How long all of it is."""
        cells = len(self.costs_us)
        return self.rounds * self.round_s + cells * max(0.0, self.warmup_s - self.settle_s)

    def in_turns(self, machine: Machine, order: Order, seed: int) -> dict[str, float]:
        """Slices of all cells, round after round: the CPU time per message of each."""
        pieces: dict[str, list[tuple[Usage, int]]] = {label: [] for label in self.costs_us}
        for number in range(self.rounds):
            for label in order(list(self.costs_us), number, seed):
                machine.pass_time(self.settle_s if number else self.warmup_s)
                pieces[label].append(self.load(machine, self.costs_us[label], self.slice_s))
                machine.pass_time(self.drains_s.get(label, 0.0))
        return {label: server_cpu_us(each) for label, each in pieces.items()}

    def one_after_the_other(self, machine: Machine, order: Sequence[str]) -> dict[str, float]:
        """All of a cell's load, then all of the next one's."""
        found = {}
        for label in order:
            machine.pass_time(self.warmup_s + (self.rounds - 1) * self.settle_s)
            cost_us = self.costs_us[label]
            pieces = [self.load(machine, cost_us, self.slice_s) for _ in range(self.rounds)]
            found[label] = server_cpu_us(pieces)
        return found


def server_cpu_us(pieces: Sequence[tuple[Usage, int]]) -> float:
    """A trial's number, as the scenarios make it: all CPU time over all messages."""
    usage = together([usage for usage, _ in pieces])
    values, _ = metrics(usage, sum(messages for _, messages in pieces), None)
    found = values["server_cpu"]
    assert found is not None
    return found
