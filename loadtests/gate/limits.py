"""Limits of an experiment, held against head: ``"echo.latency_p99" = "<= 50 ms"``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.arithmetic.estimates import Estimate, estimate
from loadtests.gate.pairs import Done, arm_of
from loadtests.record.gate import Limited
from loadtests.record.results import Measurement, PlannedTrial
from loadtests.record.words import Kept, Metric, Status, Transport
from loadtests.run.experiment import Experiment, ExperimentError, known
from loadtests.scenarios.registry import metrics_of

_BOUND = re.compile(r"(<=|>=)\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*(\S.*)")
_NAME = re.compile(r"([^.@]+(?:\.\d[^.@]*)?)\.(\w+)(?:@([^/@]+)/([^/@]+))?")


@dataclass(frozen=True, slots=True)
class Limit:
    """One of them.

    Attributes:
        written: as in the experiment.
        row: of the summary.
        metric: its entry in the registry.
        cell: mode and transport; None for every cell.
        at_most: whether the number may be up to the bound; else it may be from there on.
        bound: in the metric's unit.
    """

    written: str
    row: str
    metric: Metric
    cell: tuple[str, Transport] | None
    at_most: bool
    bound: float

    def kept_by(self, found: Estimate) -> Kept:
        """What an interval says: it lies on one side, or it decides nothing."""
        if found.low is None or found.high is None:
            return Kept.UNDECIDED
        below, above = found.high <= self.bound, found.low >= self.bound
        if self.at_most:
            return Kept.KEPT if below else Kept.BROKEN if found.low > self.bound else Kept.UNDECIDED
        return Kept.KEPT if above else Kept.BROKEN if found.high < self.bound else Kept.UNDECIDED


def limits_of(experiment: Experiment) -> list[Limit]:
    """The limits of an experiment.

    Raises:
        ExperimentError: one names what is not measured, or a unit that is not the metric's.
    """
    return [_limit(experiment, name, bound) for name, bound in experiment.limits.items()]


def held(limits: Sequence[Limit], alone: Sequence[Done], modes: Sequence[str]) -> list[Limited]:
    """Every limit against head's trials in each cell that it is for.

    Args:
        limits: of the experiment.
        alone: trials of head with the core for itself: figures of two that share one are nobody's.
        modes: the cells', beside the transports.
    """
    return [
        _held(limit, mode, transport, list(_measured(limit, mode, transport, alone)))
        for limit in limits
        for mode in modes
        for transport in Transport
        if (limit.cell is None and _is_planned(mode, transport, alone))
        or limit.cell == (mode, transport)
    ]


def _is_planned(mode: str, transport: Transport, alone: Sequence[Done]) -> bool:
    return any(_is_of(planned, mode, transport) for planned, _ in alone)


def _is_of(planned: PlannedTrial, mode: str, transport: Transport) -> bool:
    return (arm_of(planned.mode)[0], planned.transport) == (mode, transport)


def _measured(
    limit: Limit, mode: str, transport: Transport, alone: Sequence[Done]
) -> Iterator[Measurement]:
    for planned, trial in alone:
        if _is_of(planned, mode, transport) and trial.status is Status.OK:
            yield from (each for each in trial.measurements if each.row == limit.row)


def _held(
    limit: Limit, mode: str, transport: Transport, measured: Sequence[Measurement]
) -> Limited:
    name = limit.metric.name
    numbers, few, doubts = [], False, []
    for found in measured:
        if (value := found.metrics.get(name)) is None:
            continue
        if name in found.invalid:
            doubts.append(found.invalid[name])
            continue
        wanted = limit.metric.samples_wanted
        few |= wanted is not None and found.samples.get(limit.metric.family, 0) < wanted
        numbers.append(value)
    told = estimate(numbers) if numbers else None
    kept, note = Kept.UNDECIDED, ""
    if told is None:
        note = doubts[-1] if doubts else "no trial of head has this number"
    elif few:
        note = f"a trial has fewer than the {limit.metric.samples_wanted:,} samples that this wants"
    else:
        kept = limit.kept_by(told)
        note = "" if kept is not Kept.UNDECIDED else "the interval lies on both sides of it"
    return Limited(
        limit=limit.written,
        mode=mode,
        transport=transport,
        kept=kept,
        unit=limit.metric.unit,
        estimate=told.value if told else None,
        low=told.low if told else None,
        high=told.high if told else None,
        note=note,
    )


def _limit(experiment: Experiment, name: str, bound: str) -> Limit:
    where = f"[limits] {name!r}"
    named, bounded = _NAME.fullmatch(name.strip()), _BOUND.fullmatch(bound.strip())
    if named is None:
        raise ExperimentError(
            f"{where}: a limit is named like 'echo.latency_p99', or for one cell "
            "'echo.latency_p99@gevent/websocket'"
        )
    if bounded is None:
        raise ExperimentError(f"{where} = {bound!r}: a limit is like '<= 50 ms' or '>= 900 1/s'")
    row, metric_name, mode, transport = named.groups()
    rows = [
        each
        for scenario in experiment.scenarios
        for variant in experiment.variants(scenario)
        for each in variant.rows()
    ]
    known("row", [row], rows, where)
    metrics = metrics_of(row)
    known("metric", [metric_name], metrics, where)
    cell = None
    if mode is not None:
        known("mode", [mode], experiment.modes, where)
        known("transport", [transport], experiment.transports, where)
        cell = mode, Transport(transport)
        if experiment.gate.is_removed(*cell):
            raise ExperimentError(f"{where}: [gate] removed says that head has no such cell")
    metric = metrics[metric_name]
    sense, number, unit = bounded.groups()
    if unit != metric.unit:
        raise ExperimentError(f"{where} = {bound!r}: {row}.{metric_name} is in {metric.unit}")
    try:
        value = float(number)
    except ValueError:
        raise ExperimentError(f"{where} = {bound!r}: {number} is no number") from None
    return Limit(f"{name} {bound}", row, metric, cell, sense == "<=", value)
