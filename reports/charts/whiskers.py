"""The two 95 % intervals of a mean: within blocks, to compare cells by, and of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.charts.style import FAINT, INK
from reports.facts.rows import Row

#: What a reader is to see first is dark and broad.
_WITHIN: Mapping[str, Any] = {"color": INK, "linewidth": 1.8, "zorder": 5.5}
_ITSELF: Mapping[str, Any] = {"color": FAINT, "linewidth": 0.9, "zorder": 5.4}

#: How charts with whiskers are read.
READING = (
    "Dark whiskers are 95 % intervals within blocks, free of what the machine did to all cells "
    "alike: compare cells by them. Light ones are those of the figures themselves."
)


def whiskers(axes: Axes, row: Row, y: float, *, alpha: float = 1.0, cap: float = 0.1) -> None:
    """Both intervals of a row, as lines with caps; nothing where it has none."""
    itself, within = _itself(row), _within(row)
    if itself is not None:
        _line(axes, itself, y, 0.7 * cap, {**_ITSELF, "alpha": alpha})
    if within is not None:
        _line(axes, within, y, cap, {**_WITHIN, "alpha": alpha})


def ends(rows: Iterable[Row]) -> list[float]:
    """The upper ends of all intervals, which an axis must have room for."""
    found = (interval for row in rows for interval in (_itself(row), _within(row)))
    return [interval[1] for interval in found if interval is not None]


def legend(marks: Sequence[Line2D], rows: Iterable[Row]) -> list[Line2D]:
    """Entries of a legend: these marks, and the intervals that these rows have."""
    found = keys(rows)
    # In two lines, both intervals stand in the last column.
    gap = [Line2D([], [], linestyle="none", label=" ")] if found and len(marks) % 2 else []
    return [*marks, *gap, *found]


def keys(rows: Iterable[Row]) -> list[Line2D]:
    """Entries of a legend for the intervals that these rows have."""
    listed = list(rows)
    found = []
    if any(_within(row) for row in listed):
        found.append(_key(_WITHIN, "95 % interval within blocks: compare cells by it"))
    if any(_itself(row) for row in listed):
        found.append(_key(_ITSELF, "95 % interval of the figure itself"))
    return found


def _key(look: Mapping[str, Any], label: str) -> Line2D:
    return Line2D([], [], color=look["color"], linewidth=look["linewidth"], label=label)


def _itself(row: Row) -> tuple[float, float] | None:
    found = row.estimate
    if found is None or found.low is None or found.high is None:
        return None
    return found.low, found.high


def _within(row: Row) -> tuple[float, float] | None:
    if row.value is None or row.within is None:
        return None
    return row.value / row.within, row.value * row.within


def _line(
    axes: Axes, interval: tuple[float, float], y: float, cap: float, look: Mapping[str, Any]
) -> None:
    low, high = interval
    # A log axis has no 0: an interval cut there runs to the edge of the axes.
    left = max(low, axes.get_xlim()[0])
    axes.plot([left, high], [y, y], solid_capstyle="butt", **look)
    for end in [high] if left > low else [left, high]:
        axes.plot([end, end], [y - cap, y + cap], **{**look, "linewidth": 0.75 * look["linewidth"]})
