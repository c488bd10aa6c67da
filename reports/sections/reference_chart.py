"""The median of each cell with both clients: where the two dots part, a client shows."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.record.words import Client, Status, row_of
from reports.charts import legends, scales, style, whiskers
from reports.charts.style import Look
from reports.facts.rows import Row, row_names
from reports.facts.run import Facts
from reports.sections.reference import MARGIN_MS, MARGIN_SHARE
from reports.sections.registry import SECTIONS


def _medians() -> dict[str, tuple[str, str]]:
    """Row name -> the metric that is drawn of it, and its name on the axis."""
    return {
        name: section.compared.median
        for name, section in SECTIONS.items()
        if section.compared is not None and section.compared.median is not None
    }


def wanted(facts: Facts) -> bool:
    """Whether both clients measured anything that is drawn."""
    return bool(_names(facts))


def medians(facts: Facts) -> Figure:
    """Echo and delivery p50 by cell: ours filled, the reference's open, the margin behind them."""
    names = _names(facts)
    cells = [row.cell for name in names for row in _rows(facts, name, name)]
    groups = style.by_transport(dict.fromkeys(cells))
    looks = style.looks(cell.mode for cell in cells)
    figure = style.new_figure(
        1.5 + sum(0.42 + style.row_height() * len(group) for group in groups.values()),
        columns=len(names),
    )
    heights = [len(group) for group in groups.values()]
    grid = style.panels(figure, len(groups), len(names), heights=heights)
    for column, name in enumerate(names):
        ours = {row.cell: row for row in _rows(facts, name, name)}
        theirs = {row.cell: row for row in _rows(facts, row_of(name, Client.REFERENCE), name)}
        limits = scales.log_limits(_numbers([*ours.values(), *theirs.values()]))
        for line, (transport, group) in zip(grid, groups.items(), strict=True):
            axes = line[column]
            scales.log_x(axes, *limits)
            style.cell_rows(axes, group, labels=column == 0)
            axes.set_title(f"{name}, {style.TRANSPORT_TITLES[transport]}")
            for place, cell in enumerate(group):
                _pair(axes, place, ours.get(cell), theirs.get(cell), looks[cell.mode])
        grid[-1][column].set_xlabel(f"{_medians()[name][1]}\n(log scale)")
    marks = [
        legends.key("o", "our client", size=7),
        legends.key("o", "python-socketio's", fill="white", size=6),
        legends.key("s", "within the margin", fill=style.GRID, size=9),
    ]
    legends.legend_above(figure, whiskers.legend(marks, _rows(facts, names[0], names[0])))
    return figure


def _names(facts: Facts) -> list[str]:
    """The row names that both have."""
    present = set(row_names(facts.rows))
    return [name for name in _medians() if {name, row_of(name, Client.REFERENCE)} <= present]


def _rows(facts: Facts, row_name: str, name: str) -> list[Row]:
    metric = _medians()[name][0]
    return [row for row in facts.rows if row.row == row_name and row.metric.name == metric]


def _numbers(rows: list[Row]) -> list[float]:
    means = [row.value for row in rows if row.value is not None]
    return [*means, *whiskers.ends(rows)]


def _pair(axes: Axes, place: int, ours: Row | None, theirs: Row | None, look: Look) -> None:
    if ours is not None and ours.value is not None:
        margin = max(MARGIN_SHARE * ours.value, MARGIN_MS)
        # A log axis has no 0: a margin that reaches it runs to the edge.
        left = max(ours.value - margin, axes.get_xlim()[0])
        axes.barh(
            place,
            ours.value + margin - left,
            left=left,
            height=0.62,
            color=style.GRID,
            alpha=0.6,
            zorder=1,
        )
    if Status.INVALID in (row.status for row in (ours, theirs) if row is not None):
        style.place_note(axes, place, "invalid", x=0.93)
    # One above the other, so that equal ones are both seen.
    for row, height, fill in ((ours, place - 0.15, look.colour), (theirs, place + 0.17, "white")):
        if row is None or row.value is None:
            whose = "ours" if row is ours else "python-socketio's"
            status = Status.FAILED if row is None else row.status
            style.place_note(axes, height, f"{whose}: {style.place_name(status)}")
            continue
        alpha = 1.0 if row.status is Status.OK else style.FADED
        whiskers.whiskers(axes, row, height, alpha=alpha, cap=0.07)
        axes.plot(
            [scales.on_axis(axes, row.value)],
            [height],
            marker=look.marker,
            markersize=6.5,
            markerfacecolor=fill,
            markeredgecolor=look.line,
            markeredgewidth=1.4,
            alpha=alpha,
            zorder=6,
            clip_on=False,
        )
