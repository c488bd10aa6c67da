"""The axes of charts: linear from 0, logarithmic where numbers differ by a decade, plain ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from reports.charts import style
from reports.facts.numbers import short
from reports.facts.stats import NOTHING


def spans_a_decade(numbers: Iterable[float]) -> bool:
    """Whether numbers differ by a factor of ten, so that a linear axis would hide the small."""
    positive = [number for number in numbers if number > NOTHING]
    return bool(positive) and max(positive) >= 10 * min(positive)


def log_limits(numbers: Iterable[float], *, room: float = 0.06) -> tuple[float, float]:
    """Limits of a log axis around positive numbers, a little air on both sides.

    Args:
        numbers: those that have to fit; what is not positive, or next to nothing, is passed over.
        room: share of the span, in decades, that is left free at each end.
    """
    positive = [number for number in numbers if number > NOTHING] or [1.0]
    low, high = math.log10(min(positive)), math.log10(max(positive))
    if high - low < 0.5:  # a narrow log axis has no ticks to read
        middle = (low + high) / 2
        low, high = middle - 0.25, middle + 0.25
    air = room * (high - low)
    return 10 ** (low - air), 10 ** (high + air)


def on_axis(axes: Axes, number: float) -> float:
    """Where a marker stands that is not cut off: below the axis's first number, at that."""
    return max(number, axes.get_xlim()[0])


def log_x(axes: Axes, low: float, high: float, *, last_tick: float = math.inf) -> None:
    """A log x axis with plain numbers at 1, 2 and 5 of each decade, fewer over many decades."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    plain_log_ticks(axes.xaxis, low, min(high, last_tick))


def log_y(axes: Axes, low: float, high: float) -> None:
    """The same for y."""
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    plain_log_ticks(axes.yaxis, low, high)


def linear_x(axes: Axes, high: float) -> None:
    """A linear x axis from 0, with plain numbers."""
    axes.set_xlim(0, high * 1.06 if high > 0 else 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def plain_log_ticks(axis: Any, low: float, high: float) -> None:
    """Plain numbers at 1, 2 and 5 of each decade between two ends, fewer over many decades."""
    axis.set_major_locator(FixedLocator(_log_ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _tick(value: float) -> str:
    return f"{value:,.6g}" if value < 1e6 else short(value)


def _log_ticks(low: float, high: float) -> list[float]:
    decades = math.log10(high / low) * (1.5 if style.is_narrow() else 1)
    steps: tuple[int, ...] = (1,)
    if decades <= 3:
        steps = (1, 2, 5)
    elif decades <= 4.4:
        steps = (1, 3)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    return [tick for tick in ticks if low <= tick <= high]
