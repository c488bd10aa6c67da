"""Which trials are a pair, and how much worse head's numbers are than base's. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loadtests.record.gate import BASE, HEAD
from loadtests.record.results import Measurement, PlannedTrial, Trial
from loadtests.record.words import (
    Better,
    Metric,
    Purpose,
    Status,
    Transport,
    Unit,
    scenario_of,
)
from loadtests.scenarios.registry import metrics_of

#: A second base, made separately: what is compared with base to see what the run makes of two
#: that are alike.
TWIN = "twin"

#: Metrics in these units count what should never happen: they are compared as counts.
_COUNTED = (Unit.MESSAGES, Unit.CLIENTS, Unit.ATTEMPTS)

#: A trial that was asked for, and what came of it.
Done = tuple[PlannedTrial, Trial]


class Kind(NamedTuple):
    """What is measured in one pair: a scenario's trial in a cell."""

    scenario: str
    variant: str
    mode: str
    transport: Transport

    def __str__(self) -> str:
        """``echo gevent × websocket``."""
        name = f"{self.scenario}:{self.variant}" if self.variant else self.scenario
        return f"{name} {self.mode} × {self.transport}"


class Question(NamedTuple):
    """One metric of one cell."""

    row: str
    metric: str
    mode: str
    transport: Transport

    @property
    def is_count(self) -> bool:
        """Whether it counts what should never happen."""
        return self.definition.unit in _COUNTED

    @property
    def definition(self) -> Metric:
        """The metric's entry in its scenario's table."""
        return metrics_of(self.row)[self.metric]

    def is_gated(self, names: Sequence[str]) -> bool:
        """Whether it is among these, ``scenario.metric`` or ``row.metric``."""
        return any(f"{of}.{self.metric}" in names for of in (self.row, scenario_of(self.row)))

    def __str__(self) -> str:
        """``echo.server_cpu gevent × websocket``."""
        return f"{self.row}.{self.metric} {self.mode} × {self.transport}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two trials that were loaded at the same time, or ran one after the other.

    Attributes:
        trials: arm -> its trial; ``base`` with ``head`` or, in a contrast, with ``twin``.
    """

    kind: Kind
    purpose: Purpose
    trials: Mapping[str, Done]

    @property
    def other(self) -> str:
        """The arm beside base."""
        return HEAD if HEAD in self.trials else TWIN

    @property
    def failed(self) -> Iterator[tuple[str, Trial]]:
        """Arms whose trial brought nothing."""
        for arm, (_, trial) in self.trials.items():
            if trial.status is not Status.OK:
                yield arm, trial

    def answers(self, question: Question) -> bool:
        """Whether it was measured in the question's cell, in its scenario."""
        cell = self.kind.mode, self.kind.transport
        return cell == (question.mode, question.transport) and question.row in self.rows

    @property
    def rows(self) -> Sequence[str]:
        """Of its trials."""
        return self.trials[BASE][0].rows

    def worse(self, question: Question) -> float | None:
        """The logarithm of the other arm's number by base's, above 0 where it is worse.

        Returns:
            None where one of the two is not there, not to be trusted, or not above 0.
        """
        numbers = [self.number(arm, question) for arm in (BASE, self.other)]
        if None in numbers:
            return None
        base, other = numbers
        return sign(question.definition) * math.log(other / base)  # type: ignore[operator]

    def number(self, arm: str, question: Question) -> float | None:
        """An arm's number, if it is to be trusted and above 0."""
        found = self.measurement(arm, question.row)
        if found is None or question.metric in found.invalid:
            return None
        value = found.metrics.get(question.metric)
        return value if value is not None and value > 0 else None

    def invalid(self, arm: str, question: Question) -> str | None:
        """Why an arm's number is not to be trusted, where that is not the machine's doing."""
        found = self.measurement(arm, question.row)
        if found is None or question.metric in found.disturbed:
            return None
        return self.doubt(arm, question)

    def doubt(self, arm: str, question: Question) -> str | None:
        """Why an arm's number is not to be trusted."""
        found = self.measurement(arm, question.row)
        return None if found is None else found.invalid.get(question.metric)

    def measurement(self, arm: str, row: str) -> Measurement | None:
        """What an arm's trial brought for a row."""
        _, trial = self.trials[arm]
        if trial.status is not Status.OK:
            return None
        return next((each for each in trial.measurements if each.row == row), None)


def labelled(mode: str, arm: str) -> str:
    """What stands for a mode of an arm in a plan, in files and on pages."""
    return f"{mode}-{arm}"


def arm_of(label: str) -> tuple[str, str]:
    """The mode and the arm that a label stands for."""
    mode, _, arm = label.rpartition("-")
    return mode, arm


def sign(metric: Metric) -> int:
    """Of the logarithm of a ratio of its numbers, so that above 0 is worse."""
    return -1 if metric.better is Better.HIGHER else 1


def kind_of(planned: PlannedTrial) -> Kind:
    """Of the pair that a trial belongs to."""
    return Kind(planned.scenario, planned.variant, arm_of(planned.mode)[0], planned.transport)


def pairs_in(done: Iterable[Done]) -> list[Pair]:
    """The whole pairs among trials, in their order; of a pair both have the same block."""
    blocks: dict[int, list[Done]] = {}
    for planned, trial in done:
        blocks.setdefault(planned.block, []).append((planned, trial))
    return [
        Pair(
            kind_of(trials[0][0]),
            trials[0][0].purpose or Purpose.SCREEN,
            {arm_of(planned.mode)[1]: (planned, trial) for planned, trial in trials},
        )
        for trials in blocks.values()
        if len(trials) == 2
    ]


def questions_of(kind: Kind, rows: Sequence[str]) -> list[Question]:
    """What pairs of a kind answer; a metric that has no better and worse asks nothing."""
    return [
        Question(row, metric.name, kind.mode, kind.transport)
        for row in rows
        for metric in metrics_of(row).values()
        if metric.better is not Better.NEITHER
    ]


def values(pairs: Iterable[Pair], question: Question) -> list[float]:
    """How much worse the other arm was, pair by pair; those without two numbers are left out."""
    found = (pair.worse(question) for pair in pairs if pair.answers(question))
    return [each for each in found if each is not None]
