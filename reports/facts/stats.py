"""Numbers of trials -> estimates, ratios and their intervals.

The unit of replication is the trial, never the message: messages of one trial share a server
process, a generator process and the machine's mood of that minute, so they are not independent
and more of them do not make n larger (A. Georges, D. Buytaert, L. Eeckhout, "Statistically
rigorous Java performance evaluation", OOPSLA 2007, section 3; T. Kalibera, R. Jones, "Rigorous
benchmarking in reasonable time", ISMM 2013).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy

from loadtests.arithmetic.estimates import CONFIDENCE, margin_of, t_quantile

#: Less than anything measured, in whatever unit: how many times as much it is says nothing.
NOTHING = 1e-15

#: An interval that reaches further than to so many times its middle says nothing.
WIDEST = 1000.0

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as much one has as another, with its 95 % interval.

    Attributes:
        value: geometric mean of the blocks' ratios, or ratio of two geometric means.
        low, high: ends of the interval; both None where there are too few numbers for one.
    """

    value: float
    low: float | None
    high: float | None

    @property
    def apart(self) -> bool | None:
        """Whether the interval leaves out 1, "the same"; None where there is no interval."""
        if self.low is None or self.high is None:
            return None
        return not self.low <= 1 <= self.high


def ratio(base: Sequence[float | None], other: Sequence[float | None]) -> Ratio | None:
    """How many times as much ``other`` has, block by block.

    A block holds one trial of every cell, close together in time, so what the machine did to one
    it did to the other as well, and their ratio is free of it. This is the paired t-interval on the
    logarithms of the ratios (G. Box, J. Hunter, W. Hunter, "Statistics for Experimenters", second
    edition, chapters 3 and 4, on blocking; logarithms since ratios multiply).

    Args:
        base: one number per block; None where a block has none.
        other: the same for the cell that is compared, in the same order of blocks.

    Returns:
        None where no block has both numbers, or one of them is not above 0.
    """
    logs = _logarithms(base, other)
    if not logs:
        return None
    mean = statistics.fmean(logs)
    if len(logs) < 2:
        return Ratio(math.exp(mean), None, None)
    margin = margin_of(logs)
    return Ratio(math.exp(mean), math.exp(mean - margin), _exp(mean + margin))


def unpaired_ratio(base: Sequence[float], other: Sequence[float]) -> Ratio | None:
    """How many times as much ``other`` has, where nothing pairs the numbers of the two.

    Welch's t-interval of the difference between the means of the logarithms: neither their numbers
    nor their spreads need be alike (B. Welch, "The generalization of 'Student's' problem when
    several different population variances are involved", Biometrika 34, 1947).

    Args:
        base: one number per trial.
        other: the same of what is compared, of another run.

    Returns:
        None where one has no number, or one that is not above 0.
    """
    if not base or not other or min(*base, *other) <= NOTHING:
        return None
    logs = [[math.log(value) for value in values] for values in (base, other)]
    middle = statistics.fmean(logs[1]) - statistics.fmean(logs[0])
    if min(map(len, logs)) < 2:
        return Ratio(math.exp(middle), None, None)
    squares = [statistics.variance(each) / len(each) for each in logs]
    total = sum(squares)
    if total == 0:
        return Ratio(math.exp(middle), math.exp(middle), math.exp(middle))
    freedom = total**2 / sum(
        square**2 / (len(each) - 1) for square, each in zip(squares, logs, strict=True)
    )
    margin = t_quantile(CONFIDENCE, freedom) * math.sqrt(total)
    return Ratio(math.exp(middle), math.exp(middle - margin), _exp(middle + margin))


def log_ratio(base: Sequence[float | None], other: Sequence[float | None]) -> float | None:
    """The logarithm of :func:`ratio`'s value alone: above 0 where ``other`` has more."""
    logs = _logarithms(base, other)
    return statistics.fmean(logs) if logs else None


def _logarithms(base: Sequence[float | None], other: Sequence[float | None]) -> list[float]:
    """Of each block's ratio; none where a number is not above 0."""
    pairs = [
        (one, two)
        for one, two in zip(base, other, strict=False)
        if one is not None and two is not None
    ]
    if any(min(pair) <= NOTHING for pair in pairs):
        return []
    return [math.log(two / one) for one, two in pairs]


def within_blocks(values_by_cell: Mapping[Key, Sequence[float | None]]) -> dict[Key, float]:
    """How far each cell's 95 % interval reaches when what the machine did to a block is taken out.

    Cells that ran in the same blocks share the blocks' good and bad moments, so an interval of a
    cell's own numbers is mostly of the machine, and two of them overlap where the cells are far
    apart in every block. Here each logarithm is freed of its block's mean over the cells, and the
    interval is Student's t of what is left (D. Cousineau, "Confidence intervals in within-subject
    designs", Tutorials in Quantitative Methods for Psychology 1(1), 2005), widened by sqrt(J/(J-1))
    for J cells since the mean holds the cell itself (R. Morey, the same journal, 4(2), 2008). Where
    numbers are missing, cells and blocks are told apart by least squares, and J is each block's own
    count; nothing missing, it is the published method.

    Args:
        values_by_cell: one number per block, in the same order of blocks for all cells; None where
            a block has none.

    Returns:
        For a cell of value v a factor f of at least 1: the interval is from v / f to v * f. Cells
        without one are absent: those with a number that is not above 0, with fewer than two blocks
        that they share with another, or with an interval beyond :data:`WIDEST`.
    """
    cells = [key for key, values in values_by_cell.items() if _has_logarithms(values)]
    if not cells:
        return {}
    logs = numpy.full((len(cells), max(len(values_by_cell[key]) for key in cells)), numpy.nan)
    for line, key in enumerate(cells):
        for block, value in enumerate(values_by_cell[key]):
            logs[line, block] = math.nan if value is None else math.log(value)
    shared = (~numpy.isnan(logs)).sum(axis=0)
    logs[:, shared < 2] = numpy.nan  # a cell alone in its block is compared with nothing there
    lines, blocks = numpy.nonzero(~numpy.isnan(logs))
    design = numpy.hstack([numpy.eye(logs.shape[0])[lines], numpy.eye(logs.shape[1])[blocks]])
    seen = logs[lines, blocks]
    left = seen - design @ numpy.linalg.lstsq(design, seen)[0] if len(seen) else seen
    left *= numpy.sqrt(shared[blocks] / (shared[blocks] - 1))
    found = {}
    for line, key in enumerate(cells):
        own = left[lines == line].tolist()
        if len(own) > 1 and (factor := _exp(margin_of(own))) <= WIDEST:
            found[key] = factor
    return found


def _has_logarithms(values: Sequence[float | None]) -> bool:
    numbers = [value for value in values if value is not None]
    return bool(numbers) and min(numbers) > NOTHING


def _exp(power: float) -> float:
    """Infinite where it is more than a float holds: two blocks that differ by many decades."""
    try:
        return math.exp(power)
    except OverflowError:
        return math.inf
