"""The highest load that still passes: up in steps, then halved; and what many steps near it say.

Whether a load passes comes out by chance near the limit: a short look at a queue that is mostly too
short and sometimes far too long sees it too short more often than not. So the halving is only where
to look. What is looked for is the load at which a stated share of messages exceeds the limit, by a
line through what all steps near it have counted: a share's mean is without bias however short a
look is, where the median of its quantiles is not (here by 9 % of the load). Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

#: A first failure may be a hiccup: so often a load has to fail to end the way up.
_FAILURES = 2
#: How steeply the logarithm of a share may rise with that of the load.
_SLOPES = np.geomspace(1.0, 100.0, 60)


class Bound(StrEnum):
    """Why there is no end to be found between both ends of a search."""

    LEAST = "least"  #: not even the least load passes
    MOST = "most"  #: the highest load that may be tried passes


@dataclass(frozen=True, slots=True)
class Range:
    """Where a search looks, and how closely.

    Attributes:
        start: the first load.
        least, most: no load below or above these is tried.
        growth: from one load to the next on the way up; above 1.
        resolution: a bracket is close enough when its ends are apart by twice this share.
        whole: whether loads are whole numbers.
    """

    start: float
    least: float
    most: float
    growth: float = 1.5
    resolution: float = 0.05
    whole: bool = False

    def within(self, load: float) -> float:
        """The load that is tried in place of one: within both ends."""
        load = min(max(load, self.least), self.most)
        return float(round(load)) if self.whole else load


class Search:
    """Tells which load to try next, until it is known between which two the limit lies.

    Attributes:
        low: the highest load that passed; None so far.
        high: the lowest that failed; None so far.
        bound: which end was reached; None if neither.
    """

    def __init__(self, within: Range) -> None:
        self.within = within
        self.low: float | None = None
        self.high: float | None = None
        self.bound: Bound | None = None
        self._failed = 0
        self._next: float | None = within.within(within.start)

    @property
    def next(self) -> float | None:
        """The load to try; None when there is nothing more to try."""
        return self._next

    @property
    def middle(self) -> float | None:
        """Between both ends of the bracket; the end that was reached, or None below the least."""
        if self.bound is Bound.LEAST:
            return None
        if self.low is None or self.high is None:
            return self.low
        return math.sqrt(self.low * self.high)

    def saw(self, *, passed: bool) -> None:
        """What came of the load that was to be tried."""
        load = self._next
        assert load is not None
        if passed:
            self._failed = 0
            self._passed(load)
            return
        self._failed += 1
        # Halving is not the last word, and the way up is.
        if self.low is not None and self.high is not None:
            self._between(self.low, load)
        elif self._failed >= _FAILURES:
            self._failed_for_sure(load)

    def stop(self) -> None:
        """End it: there is nobody left to try anything with."""
        self._next = None

    def _passed(self, load: float) -> None:
        if self.high is not None:
            self._between(load, self.high)
            return
        self.low = load
        if load >= self.within.most:
            self.bound, self._next = Bound.MOST, None
        else:
            self._next = self.within.within(load * self.within.growth)

    def _failed_for_sure(self, load: float) -> None:
        self.high = load
        if self.low is not None:
            self._between(self.low, load)
        elif load <= self.within.least:
            self.bound, self._next = Bound.LEAST, None
        else:
            self._failed = 0
            self._next = self.within.within(load / self.within.growth)

    def _between(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        middle = self.within.within(math.sqrt(low * high))
        close = high / low <= (1 + self.within.resolution) ** 2
        self._next = None if close or middle in (low, high) else middle


@dataclass(frozen=True, slots=True)
class Counted:
    """What one load came to.

    Attributes:
        load: that was offered.
        messages: that were due.
        beyond: those of them that exceeded the limit, or never came.
    """

    load: float
    messages: int
    beyond: int


def load_at(share: float, counted: Sequence[Counted]) -> float | None:
    """The load at which this share of all messages exceeds the limit.

    The logarithm of the share is taken to rise with that of the load along a line, whose slope and
    height are those of the greatest likelihood if counts were Poisson's (McCullagh and Nelder 1989,
    Generalized Linear Models, chapter 6); that they scatter more than that changes no mean.

    Args:
        share: above 0, below 1.
        counted: of loads near it, some above and some below.

    Returns:
        None where nothing exceeded the limit: the load is above all of these.
    """
    beyond = np.array([each.beyond for each in counted], dtype=float)
    if not beyond.sum():
        return None
    # By a middle load, so that no power of a load is too large for a number.
    centre = math.exp(np.mean([math.log(each.load) for each in counted]))
    x = np.log([each.load / centre for each in counted])
    messages = np.array([each.messages for each in counted], dtype=float)
    # For each slope the best height is known: as many are expected as were counted.
    heights = [math.log(beyond.sum() / (messages * np.exp(b * x)).sum()) for b in _SLOPES]
    likelihood = [
        (beyond * (a + b * x)).sum() for a, b in zip(heights, _SLOPES, strict=True)
    ]  # what is expected adds up to the same for all of them
    best = int(np.argmax(likelihood))
    found = centre * math.exp((math.log(share) - heights[best]) / _SLOPES[best])
    return float(found)
