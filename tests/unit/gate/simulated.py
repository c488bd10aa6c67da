"""Trials of a comparison that nobody carried out: numbers with a known difference and noise."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from loadtests.arithmetic.screening import Rule
from loadtests.gate.pairs import arm_of
from loadtests.gate.schedule import Pairing
from loadtests.record.results import Measurement, PlannedTrial, Trial
from loadtests.record.words import Better, Status, Unit
from loadtests.run.experiment import Experiment, parse
from loadtests.scenarios.registry import metrics_of

EXPERIMENT = parse(
    """\
name = "two"
modes = ["gevent", "threading"]
transports = ["websocket"]
[echo]
clients = 10
rate_hz = 100
latency_s = 1
throughput_s = 1
[broadcast]
recipients = 10
publishers = 1
rate_hz = 10
measure_s = 1
""",
    "two.toml",
)


@dataclass
class Machine:
    """What trials would be on it.

    Attributes:
        cost: of a trial beside base's, as a factor; of a rate, its inverse.
        noise: standard deviation of a number's logarithm.
        lost: messages that a trial loses.
        failing: why a trial fails; None where it does not.
        invalid: metrics that a trial's generator doubts.
        pair_s: how long a pair takes.
    """

    cost: Callable[[PlannedTrial], float] = lambda _planned: 1.0
    noise: float = 0.01
    lost: Callable[[PlannedTrial], float] = lambda _planned: 0.0
    failing: Callable[[PlannedTrial], str | None] = lambda _planned: None
    invalid: Callable[[PlannedTrial], Collection[str]] = lambda _planned: ()
    pair_s: float = 10.0
    now_s: float = 0.0
    seed: int = 1
    order: list[PlannedTrial] = field(default_factory=list)

    def run(
        self, experiment: Experiment = EXPERIMENT, *, limit_s: float | None = None, **rule: float
    ) -> tuple[Pairing, Rule]:
        """Have it carry out what a schedule asks for, to its end."""
        chosen = Rule(**rule)  # type: ignore[arg-type]  # whole numbers among them
        pairing = Pairing(experiment, chosen, now_s=lambda: self.now_s, limit_s=limit_s)
        noise = random.Random(self.seed)
        for together in pairing.groups():
            self.now_s += self.pair_s * len(together) / 2
            for planned in together:
                self.order.append(planned)
                pairing.came(planned, self._trial(planned, noise))
        return pairing, chosen

    def _trial(self, planned: PlannedTrial, noise: random.Random) -> Trial:
        if (why := self.failing(planned)) is not None:
            return Trial(planned.number, Status.FAILED, why)
        measurements = [self._measurement(planned, row, noise) for row in planned.rows]
        return Trial(planned.number, Status.OK, measurements=measurements)

    def _measurement(self, planned: PlannedTrial, row: str, noise: random.Random) -> Measurement:
        numbers: dict[str, float | None] = {}
        for name, metric in metrics_of(row).items():
            cost = self.cost(planned) * noise.lognormvariate(0, self.noise)
            numbers[name] = 100 / cost if metric.better is Better.HIGHER else 100 * cost
            if metric.unit in (Unit.MESSAGES, Unit.CLIENTS):
                numbers[name] = self.lost(planned) if name == "lost" else 0.0
        doubts = dict.fromkeys(self.invalid(planned), "the server cannot keep up")
        return Measurement(row=row, metrics=numbers, invalid=doubts)


def is_head(planned: PlannedTrial, mode: str = "gevent") -> bool:
    """Whether it is a trial of head in a mode."""
    return arm_of(planned.mode) == (mode, "head")
