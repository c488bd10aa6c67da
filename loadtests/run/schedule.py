"""What is carried out next: a plan that was made beforehand, or one that goes by what has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Protocol

from loadtests.record.results import PlannedTrial, Trial
from loadtests.run.experiment import Experiment
from loadtests.run.progress import TimeLeft


class Schedule(Protocol):
    """The trials of a run, in groups that are carried out together.

    Attributes:
        planned: all that is known so far, in order.
    """

    planned: list[PlannedTrial]

    def groups(self) -> Iterator[list[PlannedTrial]]:
        """One group after the other; what came of a group is told before the next is asked for."""

    def came(self, planned: PlannedTrial, trial: Trial) -> None:
        """A trial has ended, however."""

    def left_s(self) -> float:
        """About how many seconds of the run are left."""


class Fixed:
    """A plan that was made beforehand; see Schedule."""

    def __init__(self, experiment: Experiment, planned: Sequence[PlannedTrial]) -> None:
        self.planned = list(planned)
        self._done = 0
        self._estimate = TimeLeft(
            [experiment.variant(each.scenario, each.variant).expected_s for each in planned]
        )

    def groups(self) -> Iterator[list[PlannedTrial]]:
        """See Schedule."""
        yield from in_groups(self.planned)

    def came(self, planned: PlannedTrial, trial: Trial) -> None:  # noqa: ARG002  # nothing depends on it
        """See Schedule."""
        self._done += 1

    def left_s(self) -> float:
        """See Schedule."""
        return self._estimate.left_s(self._done)


def in_groups(plan: Sequence[PlannedTrial]) -> Iterator[list[PlannedTrial]]:
    """The trials that are carried out together, and those alone, in order."""
    for _, together in groupby(plan, lambda each: (each.group is None and each.number, each.group)):
        yield list(together)
