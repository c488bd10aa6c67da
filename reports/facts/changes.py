"""What became of one number between a base and a head: of two stored runs, or of a gate's arms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.arithmetic.estimates import Estimate
from loadtests.record.words import Metric, Status, Verdict
from reports.facts.numbers import readable, short, times
from reports.facts.rows import Cell
from reports.facts.stats import NOTHING, Ratio
from reports.facts.tables import Entry, Table, metric_label

#: What both are called.
BASE, HEAD = "base", "head"

#: How much a verdict wants to be seen; None where nothing may be said.
_URGENT: dict[Verdict | None, int] = {
    Verdict.SLOWER: 0,
    Verdict.FASTER: 1,
    Verdict.INCONCLUSIVE: 2,
    None: 2,
    Verdict.EXCLUDED: 3,
}
_WORTH = {
    Verdict.SLOWER: Status.FAILED,
    Verdict.INCONCLUSIVE: Status.INVALID,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One metric of one cell of one row, in head against base.

    Attributes:
        row: its name.
        ratio: head by base, in the metric's own direction; None where there is none.
        verdict: None where the two may not be told apart, or the metric has no better and worse.
        words: the verdict's, or why there is none.
        base, head: both numbers.
        basis: how many measurements the ratio rests on, in words; empty where the page says it.
        decides: whether it can make a gate fail.
        moved: whether a reader is to see it first.
    """

    row: str
    cell: Cell
    metric: Metric
    ratio: Ratio | None
    verdict: Verdict | None
    words: str
    base: Entry
    head: Entry
    basis: str = ""
    decides: bool = True
    moved: bool = False

    @property
    def label(self) -> str:
        """``echo latency p50, ms``."""
        return f"{self.row} {metric_label(self.metric)}"

    @property
    def name(self) -> str:
        """As an experiment names it: ``echo.latency_p50``."""
        return f"{self.row}.{self.metric.name}"

    @property
    def size(self) -> float:
        """How much it moved, either way: the logarithm of the ratio, without its sign."""
        if self.ratio is None:  # what base never had is any number of times as much
            return math.inf if self.moved else 0.0
        return abs(math.log(self.ratio.value))


def usable(value: float, low: float | None, high: float | None) -> Ratio | None:
    """A ratio that somebody else has written; None where it is none."""
    if value <= NOTHING:
        return None
    if low is None or high is None or not NOTHING < low <= high:
        return Ratio(value, None, None)
    return Ratio(value, low, high)


def number(value: float | None, metric: Metric) -> Entry:
    """A number in the metric's unit, which the label beside it says; empty where there is none."""
    if value is None:
        return Entry("")
    estimate, unit = readable(Estimate(value, None, None, 1), metric.unit)
    text = short(estimate.value)
    return Entry(text if unit is metric.unit else f"{text} {unit}")


def in_order(changes: Iterable[Change]) -> list[Change]:
    """What moved first, slower before faster, those that decide before others, by size."""
    return sorted(
        changes,
        key=lambda one: (
            not one.moved,
            0 if one.moved and one.verdict is None else _URGENT[one.verdict],
            not one.decides,
            -one.size,
            one.name,
            str(one.cell),
        ),
    )


def table(caption: str, changes: Sequence[Change]) -> Table:
    """A line for each, with both numbers where there are any."""
    numbers = any(str(change.base) or str(change.head) for change in changes)
    basis = any(change.basis for change in changes)
    head = (
        "metric",
        "cell",
        *((BASE, HEAD) if numbers else ()),
        "head / base",
        *(("from",) if basis else ()),
        "verdict",
    )
    lines = (_line(change, numbers=numbers, basis=basis) for change in changes)
    return Table(caption, head, tuple(lines))


def _line(change: Change, *, numbers: bool, basis: bool) -> tuple[Entry, ...]:
    ratio = "" if change.ratio is None else times(change.ratio)
    # The ratio stands beside it.
    words = change.words.removeprefix(f"{ratio}, ") if ratio else change.words
    return (
        Entry(change.label),
        Entry(str(change.cell)),
        *((change.base, change.head) if numbers else ()),
        Entry(ratio),
        *((Entry(change.basis),) if basis else ()),
        said(change, words),
    )


def said(change: Change, words: str) -> Entry:
    """Words of a verdict, in its colour."""
    status = Status.OK if change.verdict is None else _WORTH.get(change.verdict, Status.OK)
    text = words if change.decides else f"{words} (advisory)"
    return Entry(text, status=status, strong=change.verdict is Verdict.FASTER)
