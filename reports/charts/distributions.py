"""Where times lie: the distribution per cell with its percentiles, and the percentile curve."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from loadtests.record.words import Status
from reports.charts import legends, scales, style, whiskers
from reports.charts.style import Look
from reports.facts.distributions import (
    Floats,
    Shape,
    density,
    distribution_of,
    trial_distributions,
)
from reports.facts.numbers import short
from reports.facts.rows import Cell, Row, RowTrial, cells_of
from reports.facts.run import Facts

_BINS = 160
#: Inches of a cell's place.
_PLACE = 0.72
#: How high a hill is, of its place; on a narrow chart its name and numbers stand above it.
_HIGH, _LOW = 0.58, 0.4
_MEDIAN = 0.5
#: Where, below the middle of a cell's place, the hill stands and each mark has its line, so that
#: wide intervals do not run into each other.
_LANES = (0.14, 0.27, 0.40)


@dataclass(frozen=True, slots=True)
class Mark:
    """A metric that is marked on a distribution.

    Attributes:
        metric: its name.
        title: as the column of numbers calls it.
        name: as the legend calls it.
        shape: a matplotlib marker; None for the mode's own.
        fill: its colour; None for the mode's own.
    """

    metric: str
    title: str
    name: str
    shape: str | None = None
    fill: str | None = None


def strips(facts: Facts, row_name: str, family: str, marks: Sequence[Mark], axis: str) -> Figure:
    """The distribution of a family per cell, with the metrics that are marked on it."""
    rows = {(row.cell, row.metric.name): row for row in facts.rows if row.row == row_name}
    groups = style.by_transport(cells_of(rows.values()))
    shapes = _distributions(facts, row_name, family)
    looks = style.looks(cell.mode for group in groups.values() for cell in group)
    figure = style.new_figure(1.5 + sum(0.42 + _PLACE * len(group) for group in groups.values()))
    heights = [len(group) for group in groups.values()]
    panels = style.panels(figure, len(groups), 1, heights=heights)[:, 0]
    limits = _limits(shapes.values(), _drawn(rows, marks))
    for axes, (transport, cells) in zip(panels, groups.items(), strict=True):
        scales.log_x(axes, *limits)
        style.cell_rows(axes, cells)
        axes.set_title(style.TRANSPORT_TITLES[transport])
        for place, cell in enumerate(cells):
            marked = [rows[cell, mark.metric] for mark in marks]
            _strip(axes, place, shapes.get(cell), marked, marks, looks[cell.mode])
        _columns(axes, cells, rows, marks)
    panels[-1].set_xlabel(f"{axis} (log scale; further left is better)")
    legends.legend_above(figure, whiskers.legend(_keys(marks), _drawn(rows, marks)))
    return figure


def _drawn(rows: Mapping[tuple[Cell, str], Row], marks: Sequence[Mark]) -> list[Row]:
    marked = {mark.metric for mark in marks}
    return [row for (_, metric), row in rows.items() if metric in marked]


def _distributions(facts: Facts, row_name: str, family: str) -> dict[Cell, Shape]:
    found = {
        cell: distribution_of(_counted(facts, row_name, cell, family), family)
        for (name, cell) in facts.outcomes
        if name == row_name
    }
    return {cell: one for cell, one in found.items() if one is not None}


def _counted(facts: Facts, row_name: str, cell: Cell, family: str) -> Sequence[RowTrial]:
    """The trials of a cell without those that its median does without."""
    trials = facts.outcomes[row_name, cell]
    for row in facts.rows:
        median = row.metric.family == family and row.metric.quantile == _MEDIAN
        if median and row.left_out and (row.row, row.cell) == (row_name, cell):
            pairs = zip(trials, row.values, strict=True)
            return [trial for trial, value in pairs if value is not None]
    return trials


def _limits(shapes: Collection[Shape], rows: Sequence[Row]) -> tuple[float, float]:
    """Everything marked, and the distributions but for their utmost thousandths."""
    edges = [
        float(edge)
        for shape in shapes
        for edge in shape.at(numpy.array([0.001, 0.999]) * shape.arrived)
    ]
    marked = [row.value for row in rows if row.value is not None]
    return scales.log_limits([*edges, *marked, *whiskers.ends(rows)], room=0.03)


def _strip(
    axes: Axes,
    place: int,
    shape: Shape | None,
    rows: Sequence[Row],
    marks: Sequence[Mark],
    look: Look,
) -> None:
    status = style.worth(rows)
    if all(row.estimate is None for row in rows):
        style.place_note(axes, place, style.place_name(status))
        return
    # The body of a hill is what its first marker, the median, says; a tail can be invalid alone.
    doubtful = rows[0].status is not Status.OK
    base = place + _LANES[0]
    if shape is not None:
        _hill(axes, base, shape, look, doubtful)
    for row, mark, lane in zip(rows, marks, _LANES, strict=True):
        if row.value is None:
            continue
        alpha = 1.0 if row.status is Status.OK else style.FADED
        whiskers.whiskers(axes, row, place + lane, alpha=alpha, cap=0.05)
        axes.plot(
            [scales.on_axis(axes, row.value)],
            [place + lane],
            marker=mark.shape or look.marker,
            markersize=7.5,
            markeredgewidth=1.2,
            markerfacecolor=mark.fill or look.colour,
            markeredgecolor=style.INK,
            alpha=alpha,
            zorder=6,
            clip_on=False,
        )


def _hill(axes: Axes, base: float, shape: Shape, look: Look, doubtful: bool) -> None:
    edges = numpy.geomspace(*axes.get_xlim(), _BINS + 1)
    middles = numpy.sqrt(edges[1:] * edges[:-1])
    heights = (_LOW if style.is_narrow() else _HIGH) * density(shape, edges)
    axes.fill_between(
        middles,
        base - heights,
        base,
        where=(heights > 0.0015).tolist(),
        facecolor=look.colour,
        alpha=style.FADED if doubtful else 0.75,
        hatch="////" if doubtful else None,
        edgecolor="white" if doubtful else look.line,
        linewidth=0.8,
        zorder=2,
    )


def _columns(
    axes: Axes, cells: Sequence[Cell], rows: Mapping[tuple[Cell, str], Row], marks: Sequence[Mark]
) -> None:
    """The marked numbers themselves, in columns at the right."""
    for column, mark in enumerate(marks):
        points = 40 * (column - len(marks)) + 20 if style.is_narrow() else 34 + 56 * column
        axes.annotate(
            mark.title,
            (1, 1),
            xycoords="axes fraction",
            xytext=(points, 2),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
            color=style.QUIET,
        )
        for place, cell in enumerate(cells):
            row = rows[cell, mark.metric]
            doubtful = row.status is not Status.OK
            number = "–" if row.value is None else short(row.value)
            style.beside(axes, place, points, number, doubtful=doubtful)
            if row.status is Status.INVALID:
                style.beside(axes, place + 0.3, points, "invalid", doubtful=True)


def _keys(marks: Sequence[Mark]) -> list[Line2D]:
    return [
        legends.key(mark.shape or "o", mark.name, fill=mark.fill or style.QUIET) for mark in marks
    ]


def curves(facts: Facts, row_name: str, family: str, axis: str) -> Figure:
    """A family's times over the percentile, one panel per transport."""
    rows = {row.cell: row for row in facts.rows if row.row == row_name}
    groups = style.by_transport(rows)
    looks = style.looks(cell.mode for cell in rows)
    figure = style.new_figure(5.8, columns=len(groups))
    panels = style.panels(figure, 1, len(groups), sharey=True)[0]
    shapes = _distributions(facts, row_name, family)
    deepest = max((shape.expected for shape in shapes.values()), default=1000.0)
    # The slowest of n samples stands at 1 - 1/n; beyond it there is nothing to draw.
    odds = numpy.geomspace(1, max(deepest, 10.0), 150)
    seen = [float(value) for shape in shapes.values() for value in shape.at(1 - 1 / odds)]
    for axes, (transport, cells) in zip(panels, groups.items(), strict=True):
        axes.set_title(style.TRANSPORT_TITLES[transport])
        for cell in cells:
            trials = trial_distributions(_counted(facts, row_name, cell, family), family)
            doubt = _doubt(facts, row_name, family, cell)
            _curve(axes, cell, shapes.get(cell), trials, looks[cell.mode], doubt, odds)
        scales.log_y(axes, *scales.log_limits(seen))
        _percentile_axis(axes, deepest)
        axes.grid(visible=True)
        labels = [str(label) for label in axes.get_legend_handles_labels()[1]]
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(-0.02, -0.24 if style.is_narrow() else -0.17),
            ncols=legends.columns_for(labels, style.panel_points(len(groups))),
            columnspacing=1.2,
        )
    panels[0].set_ylabel(f"{axis} (log; lower is better)")
    return figure


def _doubt(facts: Facts, row_name: str, family: str, cell: Cell) -> str:
    """What is not to be trusted of a cell's times: ``invalid``, ``tail invalid`` or nothing."""
    doubtful = {
        row.metric.quantile
        for row in facts.rows
        if (row.row, row.cell) == (row_name, cell)
        and row.metric.family == family
        and row.status is not Status.OK
    }
    if _MEDIAN in doubtful:
        return "invalid"
    return "tail invalid" if doubtful else ""


def _curve(
    axes: Axes,
    cell: Cell,
    shape: Shape | None,
    trials: Sequence[Shape],
    look: Look,
    doubt: str,
    odds: Floats,
) -> None:
    name = style.shortened(cell.mode)
    if shape is None:
        axes.plot([], [], color=look.line, marker="x", label=f"{name}: failed")
        return
    for trial in trials if len(trials) > 1 else ():
        axes.plot(*_points(trial, odds), color=look.line, linewidth=0.9, alpha=0.4)
    axes.plot(
        *_points(shape, odds),
        color=look.line,
        linewidth=2.4,
        alpha=style.FADED + 0.15 if doubt == "invalid" else 1,
        linestyle=(0, (4, 2)) if doubt == "invalid" else "-",
        label=f"{name} ({doubt})" if doubt else name,
    )
    axes.plot(
        *_points(shape, numpy.array([2.0, 10.0, 100.0, 1000.0])),
        linestyle="none",
        marker=look.marker,
        markersize=7,
        color=look.line,
        markeredgecolor="white",
        zorder=5,
    )


def _points(shape: Shape, odds: Floats) -> tuple[Floats, Floats]:
    """A curve at these odds, 1/(1-q), as far as there are samples: it ends where the lost begin."""
    reach = odds[odds <= shape.expected]
    heights = shape.at(1 - 1 / reach)
    drawn = ~numpy.isnan(heights)
    return reach[drawn], heights[drawn]


def _percentile_axis(axes: Axes, deepest: float) -> None:
    """HdrHistogram's axis: 1/(1-q) on a log scale, so that each nine has the same room."""
    ticks = {1.0: "0", 2.0: "50", 10.0: "90", 100.0: "99", 1e3: "99.9", 1e4: "99.99", 1e5: "99.999"}
    shown = {odds: name for odds, name in ticks.items() if odds <= max(deepest, 10.0)}
    axes.set_xscale("log")
    axes.set_xlim(1, max(deepest, 10.0) * 1.15)
    axes.xaxis.set_major_locator(FixedLocator(list(shown)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(shown.values())))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("percentile of messages, %\n(each nine has the same room)")
