"""A metric over a number that rows are named by: a load, a size, how many of something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loadtests.record.words import Status
from reports.charts import legends, scales, style
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts

#: Row's name -> the number; None for a row of another shape.
NumberOf = Callable[[str], int | None]
#: Cell -> number -> the row of a metric.
Lines = Mapping[Cell, Mapping[int, Row]]

_DOTTED: tuple[float, tuple[float, float]] = (0, (1, 1.5))
_HEIGHT = 5.2


@dataclass(frozen=True, slots=True)
class Series:
    """A metric that is drawn.

    Attributes:
        metric: its name.
        label: a few words for the legend.
        dotted: whether its lines are thin and dotted; one series of a chart is not.
    """

    metric: str
    label: str
    dotted: bool = False


def lines_of(facts: Facts, metric: str, number_of: NumberOf) -> Lines:
    """A metric of every cell, by the rows' numbers, in order."""
    found: dict[Cell, dict[int, Row]] = {}
    for row in facts.own_rows:
        number = number_of(row.row)
        if number is not None and row.metric.name == metric:
            found.setdefault(row.cell, {})[number] = row
    return {cell: dict(sorted(rows.items())) for cell, rows in found.items()}


def over(
    facts: Facts, number_of: NumberOf, series: Sequence[Series], x_label: str, y_label: str
) -> Figure:
    """A panel per transport, a line per mode and series.

    Logarithmic, but for numbers that may be 0.

    Args:
        facts: of a run.
        number_of: what stands on the x axis.
        series: what stands on the y axis.
        x_label: what the numbers are.
        y_label: what the metrics are.
    """
    drawn = {each: lines_of(facts, each.metric, number_of) for each in series}
    cells = list(dict.fromkeys(cell for lines in drawn.values() for cell in lines))
    rows = [row for lines in drawn.values() for line in lines.values() for row in line.values()]
    groups, looks = style.by_transport(cells), style.looks(cell.mode for cell in cells)
    figure = style.new_figure(_HEIGHT, columns=len(groups))
    panels = style.panels(figure, 1, len(groups), sharex=True, sharey=True)[0]
    numbers = {number for lines in drawn.values() for line in lines.values() for number in line}
    for axes, (transport, group) in zip(panels, groups.items(), strict=True):
        scales.log_y(axes, *scales.log_limits([row.value for row in rows if row.value]))
        if min(numbers) > 0:
            scales.log_x(axes, *scales.log_limits(numbers))
        else:
            scales.linear_x(axes, max(numbers))
        axes.set_title(style.TRANSPORT_TITLES[transport])
        axes.set_xlabel(f"{x_label} (log scale)" if min(numbers) > 0 else x_label)
        axes.grid(visible=True)
        for each, lines in drawn.items():
            for cell in group:
                _line(axes, lines.get(cell, {}), looks[cell.mode], each)
    panels[0].set_ylabel(f"{y_label} (log scale)")
    legends.legend_above(figure, _legend(series, cells, looks, rows))
    return figure


def _line(axes: Axes, rows: Mapping[int, Row], look: style.Look, series: Series) -> None:
    drawn = [(number, row.value, row.status) for number, row in rows.items() if row.value]
    axes.plot(
        [number for number, _, _ in drawn],
        [value for _, value, _ in drawn],
        color=look.line,
        linestyle=_DOTTED if series.dotted else "-",
        marker=look.marker,
        markersize=4 if series.dotted else 6.5,
        markerfacecolor="white" if series.dotted else look.colour,
        markeredgecolor=look.line,
    )
    for number, value, status in drawn:
        if status is not Status.OK:
            axes.plot([number], [value], "x", color=style.INK, zorder=6)


def _legend(
    series: Sequence[Series],
    cells: Iterable[Cell],
    looks: Mapping[str, style.Look],
    rows: Iterable[Row],
) -> list[Line2D]:
    handles = [
        Line2D(
            [],
            [],
            color=looks[mode].line,
            marker=looks[mode].marker,
            label=style.shortened(mode),
        )
        for mode in dict.fromkeys(cell.mode for cell in cells)
    ]
    if len(series) > 1:
        handles += [
            Line2D(
                [],
                [],
                color=style.QUIET,
                linestyle=_DOTTED if each.dotted else "-",
                label=each.label,
            )
            for each in series
        ]
    if any(row.value is not None and row.status is not Status.OK for row in rows):
        handles.append(legends.key("x", "invalid"))
    return handles
