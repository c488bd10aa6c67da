"""A metric by kinds that have names instead of numbers: a line per kind, a mark per mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.record.words import Status
from reports.charts import legends, scales, style
from reports.facts.rows import Cell, Row

Kind = TypeVar("Kind")

#: How far the marks of a kind reach, of the room between two.
_REACH = 0.8


def marks(
    found: Mapping[Cell, Mapping[Kind, Row]], labels: Mapping[Kind, str], axis: str
) -> Figure:
    """A panel per transport.

    Args:
        found: cell -> kind -> the row of a metric.
        labels: of the kinds, in their order; those that nobody has are left out.
        axis: what the metric is.
    """
    kinds = [kind for kind in labels if any(kind in rows for rows in found.values())]
    groups, looks = style.by_transport(found), style.looks(cell.mode for cell in found)
    rows = [row for own in found.values() for row in own.values()]
    figure = style.new_figure(1.4 + style.row_height() * len(kinds), columns=len(groups), stacked=1)
    panels = style.panels(figure, 1, len(groups), sharex=True)[0]
    for column, (axes, (transport, cells)) in enumerate(zip(panels, groups.items(), strict=True)):
        scales.log_x(axes, *scales.log_limits([row.value for row in rows if row.value]))
        _places(axes, [labels[kind] for kind in kinds], named=column == 0)
        axes.set_title(style.TRANSPORT_TITLES[transport])
        axes.set_xlabel(f"{axis} (log scale)")
        for place, cell in enumerate(cells):
            shift = _REACH * ((place + 1) / (len(cells) + 1) - 0.5)
            _marks(axes, [found[cell].get(kind) for kind in kinds], looks[cell.mode], shift)
    handles = [
        legends.key(looks[mode].marker, style.shortened(mode), fill=looks[mode].colour)
        for mode in dict.fromkeys(cell.mode for cell in found)
    ]
    if any(row.value and row.status is not Status.OK for row in rows):
        handles.append(legends.key("x", "invalid"))
    legends.legend_above(figure, handles)
    return figure


def _places(axes: Axes, labels: Sequence[str], *, named: bool) -> None:
    axes.set_ylim(len(labels) - 0.5, -0.5)
    if style.is_narrow():
        axes.set_yticks([])
        for place, label in enumerate(labels):
            style.over(axes, place, (0, 0), label, ha="left", fontsize=9)
    else:
        axes.set_yticks(range(len(labels)), labels if named else [""] * len(labels))
    axes.tick_params(axis="y", length=0, pad=8)
    axes.spines["left"].set_visible(False)
    for place in range(1, len(labels)):
        axes.axhline(place - 0.5, color=style.GRID, linewidth=0.8, zorder=0)
    axes.grid(axis="x")


def _marks(axes: Axes, rows: Sequence[Row | None], look: style.Look, shift: float) -> None:
    for place, row in enumerate(rows):
        if row is None or not row.value:
            continue
        axes.plot(
            [row.value],
            [place + shift],
            marker=look.marker,
            markersize=8,
            color=look.colour,
            markeredgecolor=look.line,
            linestyle="none",
            clip_on=False,
            zorder=5,
        )
        if row.status is not Status.OK:
            axes.plot([row.value], [place + shift], "x", color=style.INK, zorder=6)
