"""The machine's speed over a run, as the servers' CPU time per message shows it.

A server that does the same work takes longer where the machine is slower. Each cell is held against
its own median, so that cells of any cost lie on one axis: a drift of the machine moves all of them,
and one that a single cell has is the server's own.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.facts.stats import NOTHING


@dataclass(frozen=True, slots=True)
class Moment:
    """One slice of load.

    Attributes:
        trial: its number.
        at_s: its middle, since the start of the run.
        slowness: CPU time per message, as so many times the cell's median over the run.
        counted: whether it is in the trial's numbers.
    """

    cell: Cell
    trial: int
    at_s: float
    slowness: float
    counted: bool


def moments(facts: Facts) -> list[Moment]:
    """Every slice whose CPU time is known, in the order of trials and time."""
    planned = {each.number: each for each in facts.result.plan}
    alike: dict[tuple[str, str, str, Cell], list[tuple[int, float, float, bool]]]
    alike = defaultdict(list)
    for trial in facts.result.trials:
        plan = planned.get(trial.number)
        for each in trial.generator.slices if plan else ():
            if plan is not None and each.server_cpu_us is not None and each.server_cpu_us > NOTHING:
                kind = (plan.scenario, plan.variant, plan.client, Cell(plan.mode, plan.transport))
                at_s = each.begun_s + each.seconds / 2
                alike[kind].append((trial.number, at_s, each.server_cpu_us, not each.left_out))
    found = []
    for (*_, cell), slices in alike.items():
        counted = [cpu_us for _, _, cpu_us, counts in slices if counts]
        if counted:
            median = statistics.median(counted)
            found += [
                Moment(cell, trial, at_s, cpu_us / median, counts)
                for trial, at_s, cpu_us, counts in slices
            ]
    return sorted(found, key=lambda one: (one.trial, one.at_s))


def together(found: Sequence[Moment], stretches: int = 40) -> list[tuple[float, float]]:
    """All cells together: the median slowness in each equal stretch of the run that has slices.

    Returns:
        The middle of the stretch, seconds, and the median.
    """
    counted = [one for one in found if one.counted]
    if not counted:
        return []
    begin, end = min(one.at_s for one in counted), max(one.at_s for one in counted)
    length = (end - begin) / stretches or 1.0
    within: dict[int, list[float]] = defaultdict(list)
    for one in counted:
        within[min(int((one.at_s - begin) / length), stretches - 1)].append(one.slowness)
    return [
        (begin + (place + 0.5) * length, statistics.median(values))
        for place, values in sorted(within.items())
    ]
