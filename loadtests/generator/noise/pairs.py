"""Runs pairs of identical servers, in turns and one after the other, and compares them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from loadtests.arithmetic.pairs import LogRatios, log_ratios
from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Status, Transport
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import Experiment, experiment_of
from loadtests.run.plan import plan
from loadtests.run.runner import Run
from loadtests.run.schedule import Fixed
from loadtests.run.subjects import Subject
from loadtests.scenarios import broadcast, echo
from loadtests.scenarios.broadcast import Broadcast
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.turns import fitting

#: What is compared, of each scenario.
METRICS = {
    echo.SCENARIO.name: ("server_cpu", "throughput", "latency_p50", "latency_p99"),
    broadcast.SCENARIO.name: ("server_cpu", "last_recipient_p50"),
}
#: The two of a pair.
ARMS = ("A", "B")
#: Of each loop, unless more is asked for: a core's speed changes within a tenth of a second, and
#: each slice with it; only many slices say more.
USUAL_S = 2.0
_SLICE_S = 0.2


@dataclass(frozen=True, slots=True)
class Noise:
    """What the pairs say of one metric in one cell.

    Attributes:
        in_turns: where both servers were alive and took turns.
        apart: where one was measured after the other; None where that was not done.
        left_out: pairs that have no number that is to be trusted on both sides.
    """

    scenario: str
    metric: str
    mode: str
    transport: Transport
    in_turns: LogRatios
    apart: LogRatios | None
    left_out: int


def experiment(
    modes: Sequence[str], transports: Sequence[Transport], blocks: int, seconds: float = USUAL_S
) -> Experiment:
    """Every mode twice, under two names, with a load like that of ``default``.

    Args:
        modes: which to pair.
        transports: over which.
        blocks: how many pairs of each.
        seconds: of each loop, and of broadcasts.
    """
    rounds = fitting(seconds, _SLICE_S)
    return experiment_of(
        "noise",
        {
            echo.SCENARIO.name: Echo(
                clients=40,
                rate_hz=200,
                warmup_s=0.5,
                latency_s=seconds,
                throughput_s=seconds,
                rounds=rounds,
            ),
            broadcast.SCENARIO.name: Broadcast(
                recipients=40,
                publishers=2,
                rate_hz=20,
                warmup_s=0.5,
                measure_s=seconds,
                rounds=rounds,
            ),
        },
        description="Identical servers against each other.",
        modes=[f"{mode}-{arm}" for mode in modes for arm in ARMS],
        transports=list(transports),
        blocks=blocks,
    )


def measure(
    wanted: Experiment, folder: Path, *, in_turns: bool, tell: Callable[[str], None]
) -> Result:
    """Run it.

    Args:
        wanted: from :func:`experiment`.
        folder: for the result and the logs; exists.
        in_turns: whether the servers of a block take turns; else each trial runs alone.
        tell: what has been done.
    """
    subjects = {name: Subject(name.rpartition("-")[0]) for name in wanted.modes}
    planned = plan(wanted)
    if not in_turns:
        planned = [msgspec.structs.replace(each, group=None) for each in planned]
    executor = ProcessExecutor(wanted, folder, subjects=subjects)

    @contextmanager
    def reporter(trials: int) -> Iterator[_Lines]:
        yield _Lines(trials, tell)

    return Run(wanted, folder, executor, Fixed(wanted, planned)).run(reporter)


class _Lines:
    """Says how far it is, in a line for each trial or group."""

    def __init__(self, trials: int, tell: Callable[[str], None]) -> None:
        self._trials = trials
        self._tell = tell

    def began(self, together: Sequence[PlannedTrial], left_s: float) -> None:
        first = together[0]
        where = f"{first.mode} × {first.transport}" if len(together) == 1 else "in turns"
        self._tell(
            f"{first.number + 1}/{self._trials} {first.scenario} {where}, about {left_s:.0f} s left"
        )

    def ended(self, planned: PlannedTrial, trial: Trial) -> None:
        if trial.status is not Status.OK:
            name = f"{planned.scenario} {planned.mode} × {planned.transport}"
            self._tell(f"{name} {trial.status}: {trial.reason}")


def compare(in_turns: Result, apart: Result | None) -> list[Noise]:
    """The pairs of each metric in each cell, in the order of tables.

    What has fewer than two pairs is left out.
    """
    found = []
    modes = dict.fromkeys(name.rpartition("-")[0] for name in in_turns.experiment["modes"])
    for scenario, names in METRICS.items():
        for metric in names:
            for transport in Transport:
                for mode in modes:
                    pairs, left_out = pairs_of(in_turns, scenario, metric, mode, transport)
                    if len(pairs) < 2:
                        continue
                    other = pairs_of(apart, scenario, metric, mode, transport)[0] if apart else []
                    spread = log_ratios(other) if len(other) > 1 else None
                    found.append(
                        Noise(
                            scenario,
                            metric,
                            mode,
                            transport,
                            log_ratios(pairs),
                            spread,
                            left_out,
                        )
                    )
    return found


def pairs_of(
    result: Result, scenario: str, metric: str, mode: str, transport: Transport
) -> tuple[list[tuple[float, float]], int]:
    """The two numbers of each block that has both, and how many blocks have not."""
    numbers: dict[tuple[int, str], float] = {}
    trials = {trial.number: trial for trial in result.trials}
    blocks = set()
    for planned in result.plan:
        name, _, arm = planned.mode.rpartition("-")
        if (planned.scenario, name, planned.transport) != (scenario, mode, transport):
            continue
        blocks.add(planned.block)
        trial = trials.get(planned.number)
        for measurement in trial.measurements if trial else ():
            value = measurement.metrics.get(metric)
            if measurement.row == scenario and value and metric not in measurement.invalid:
                numbers[planned.block, arm] = value
    first, second = ARMS
    pairs = [
        (numbers[block, first], numbers[block, second])
        for block in sorted(blocks)
        if (block, first) in numbers and (block, second) in numbers
    ]
    return pairs, len(blocks) - len(pairs)
