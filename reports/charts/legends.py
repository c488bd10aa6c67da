"""Legends: entries in neutral ink, over the panels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.charts import style

#: So many letters of a legend have room in one line.
_LEGEND_LETTERS = 90


def key(marker: str, label: str, *, fill: str = style.QUIET, size: float = 7.5) -> Line2D:
    """An entry of a legend: a marker in neutral ink."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=size,
        color=style.QUIET,
        markerfacecolor=fill,
        markeredgecolor=style.QUIET,
        label=label,
    )


def columns_for(labels: Iterable[str], points: float) -> int:
    """How many columns of a legend fit into a width.

    Args:
        labels: its entries.
        points: the width.
    """
    longest = max((len(label) for label in labels), default=1)
    # DejaVu Sans at 9.5 points, plus the line and the gap.
    return max(1, int(points // (5.9 * longest + 46)))


def legend_above(figure: Figure, handles: Sequence[Any], *, columns: int | None = None) -> None:
    """One legend for the whole figure, over the panels; as wide as it fits if columns is None."""
    if columns is None:
        labels = [str(handle.get_label()) for handle in handles]
        # Each column is as wide as its own longest label.
        columns = len(handles) if sum(map(len, labels)) < _LEGEND_LETTERS else -(-len(handles) // 2)
    if style.is_narrow():
        columns = columns_for(
            [str(handle.get_label()) for handle in handles], style.panel_points(1)
        )
    where: Any = f"outside upper {'left' if style.is_narrow() else 'right'}"
    figure.legend(handles=handles, loc=where, ncols=columns)
