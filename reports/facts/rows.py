"""Result -> one row per number, each with what it is worth.

Rows are made from the plan, not from what ran: a trial that failed or never ran has its rows, since
a gap in a table reads like a zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loadtests.arithmetic.estimates import Estimate, estimate
from loadtests.record.results import Measurement, PlannedTrial, Result, Trial
from loadtests.record.words import Client, Metric, Status, Transport, client_of, scenario_of
from loadtests.scenarios.registry import SCENARIOS, metrics_of
from reports.facts.errors import ReportError
from reports.facts.stats import Ratio
from reports.facts.worth import Worth, can_spare, left_out, together, trial_worth


@dataclass(frozen=True, slots=True)
class Cell:
    """One mode × transport."""

    mode: str
    transport: Transport

    def __str__(self) -> str:
        """As tables and findings name it."""
        return f"{self.mode} × {self.transport}"


class Place(NamedTuple):
    """Where in a run a trial stood: only those of one block saw the same machine.

    Attributes:
        group: of the trials that were carried out together; None where it ran alone.
    """

    block: int
    group: int | None


class Standing(NamedTuple):
    """A number beside that of the best cell of the same row name.

    Attributes:
        reference: the best cell; the row's own where it is that.
        ratio: how many times the best's it is, with both ends of its interval.
    """

    reference: Cell
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of one cell in one row: a line of ``summary.csv``.

    Attributes:
        row: its name, e.g. ``disconnect:kill``; the file's column ``scenario``.
        metric: its entry in the registry (name, unit, which way is better).
        estimate: mean over trials and interval, in the metric's unit; None where there is none.
        reasons: why the status is not ``ok``, or why trials are left out; empty where neither is.
        values: one per planned trial in the order of blocks; None where that trial has no number,
            or is left out.
        places: of the same trials.
        undersampled: whether it is a p99 or beyond, with too few samples in one of its trials.
        left_out: how many trials the row does without, since what disturbed them was not the
            server.
        standing: beside the best; None where nothing can be said (``ratios`` finds it).
        within: its interval within blocks is ``value / within`` to ``value * within``; None where
            there is none.
    """

    row: str
    cell: Cell
    metric: Metric
    estimate: Estimate | None
    status: Status
    reasons: tuple[str, ...]
    values: tuple[float | None, ...]
    places: tuple[Place, ...]
    undersampled: bool
    left_out: int = 0
    standing: Standing | None = None
    within: float | None = None

    @property
    def client(self) -> Client:
        """Whose client measured it."""
        return client_of(self.row)

    @property
    def trials(self) -> int:
        """How many trials stand behind the estimate."""
        return self.estimate.trials if self.estimate else 0

    @property
    def value(self) -> float | None:
        """The estimate alone."""
        return self.estimate.value if self.estimate else None


@dataclass(frozen=True, slots=True)
class RowTrial:
    """A planned trial, what came of it, and its measurement for one row name."""

    planned: PlannedTrial
    trial: Trial | None
    measurement: Measurement | None


#: (row name, cell) -> its trials in the order of blocks.
Outcomes = Mapping[tuple[str, Cell], Sequence[RowTrial]]


def outcomes_of(result: Result) -> Outcomes:
    """Every planned cell of every row name, in the order of tables, with what came of its trials.

    Raises:
        ReportError: the plan is empty, or names a scenario that this version does not know.
    """
    if not result.plan:
        raise ReportError("the result plans no trial: nothing to report; run the experiment again")
    trials = {trial.number: trial for trial in result.trials}
    found: dict[tuple[str, Cell], list[RowTrial]] = {}
    for planned in sorted(result.plan, key=lambda entry: (entry.block, entry.number)):
        trial = trials.get(planned.number)
        for name in planned.rows:
            measurement = _measurement(trial, name)
            key = (name, Cell(planned.mode, planned.transport))
            found.setdefault(key, []).append(RowTrial(planned, trial, measurement))
    return dict(sorted(found.items(), key=lambda item: _order(*item[0])))


def rows_of(outcomes: Outcomes, *, interrupted: bool) -> list[Row]:
    """One row for every metric of every planned cell.

    Args:
        outcomes: from :func:`outcomes_of`.
        interrupted: whether the run ended early, which explains trials that never ran.
    """
    return [
        _row(name, cell, metric, trials, interrupted)
        for (name, cell), trials in outcomes.items()
        for metric in metrics_of(name).values()
    ]


def fewest_samples(metric: Metric, trials: Iterable[RowTrial]) -> int | None:
    """How many samples stand behind a tail's quantile in the trial that has the fewest.

    Returns:
        None where the metric is no tail, or no trial has its number and tells its samples.
    """
    if metric.samples_wanted is None:
        return None
    counts = [
        outcome.measurement.samples[metric.family]
        for outcome in trials
        if outcome.measurement
        and metric.family in outcome.measurement.samples
        and outcome.measurement.metrics.get(metric.name) is not None
    ]
    return min(counts, default=None)


def cells_of(rows: Iterable[Row]) -> list[Cell]:
    """The cells of these rows, each once, in their order."""
    return list(dict.fromkeys(row.cell for row in rows))


def row_names(rows: Iterable[Row]) -> list[str]:
    """The row names (``disconnect:kill``) of these rows, each once, in their order."""
    return list(dict.fromkeys(row.row for row in rows))


def scenarios_in(rows: Iterable[Row]) -> list[str]:
    """The scenarios of these rows, each once, in their order."""
    return list(dict.fromkeys(scenario_of(row.row) for row in rows))


def _measurement(trial: Trial | None, name: str) -> Measurement | None:
    if trial is None or trial.status is not Status.OK:
        return None
    return next((found for found in trial.measurements if found.row == name), None)


def _order(name: str, cell: Cell) -> tuple[int, bool, tuple[float, ...], float, str, int, str]:
    scenario, _, parameter = name.partition(":")
    if scenario not in SCENARIOS:
        raise ReportError(
            f"the result plans the scenario {scenario!r}, this version knows "
            f"{', '.join(SCENARIOS)}; report it with the version that wrote it"
        )
    order = SCENARIOS[scenario].order
    return (
        list(SCENARIOS).index(scenario),
        client_of(name) is not Client.TRANSPORT_BENCH,
        order(name) if order is not None else (),
        float(parameter) if parameter.isdecimal() else math.inf,
        parameter,
        list(Transport).index(cell.transport),
        cell.mode,
    )


def _row(
    name: str, cell: Cell, metric: Metric, trials: Sequence[RowTrial], interrupted: bool
) -> Row:
    worths = [
        trial_worth(metric, outcome.trial, outcome.measurement, interrupted) for outcome in trials
    ]
    counting = _counting(trials, worths, interrupted)
    spared = [worth for worth in counting if worth.disturbed] if can_spare(counting) else []
    kept = [not (spared and worth.disturbed) for worth in worths]
    values = tuple(
        outcome.measurement.metrics.get(metric.name) if outcome.measurement and keep else None
        for outcome, keep in zip(trials, kept, strict=True)
    )
    numbers = [value for value in values if value is not None]
    status, reasons = (Status.OK, tuple(left_out(counting))) if spared else together(counting)
    fewest = fewest_samples(
        metric, (outcome for outcome, keep in zip(trials, kept, strict=True) if keep)
    )
    return Row(
        row=name,
        cell=cell,
        metric=metric,
        estimate=estimate(numbers) if numbers else None,
        status=status,
        reasons=reasons,
        values=values,
        places=tuple(Place(each.planned.block, each.planned.group) for each in trials),
        undersampled=fewest is not None and fewest < (metric.samples_wanted or 0),
        left_out=len(spared),
    )


def _counting(
    trials: Sequence[RowTrial], worths: Sequence[Worth], interrupted: bool
) -> Sequence[Worth]:
    """Those that say what a row is worth.

    Trials that an interrupted run never came to make a cell's numbers fewer, not wrong: those that
    ran say what it is worth, and a finding says that the run ended early.
    """
    if not interrupted:
        return worths
    return [worth for outcome, worth in zip(trials, worths, strict=True) if outcome.trial] or worths
