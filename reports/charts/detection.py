"""How long the server took to notice that clients were gone: every client a point."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.model import Status
from loadtests.results import Detection
from reports.charts import style
from reports.charts.style import Look
from reports.rows import Cell, Outcome, Row, scenarios_of
from reports.summary import Summary

_TITLES = {
    "close": "close: the client says goodbye",
    "kill": "kill: its sockets close without a word",
    "freeze": "freeze: open sockets, silence",
}
#: Where the undetected stand and where the axis then ends, in lengths of the axis before them.
_EDGE, _END = 0.05, 0.2


def detection(summary: Summary) -> Figure:
    """Seconds from gone to noticed, one line of panels per cause, one column per transport."""
    names = [name for name in scenarios_of(summary.own_rows) if name.startswith("disconnect")]
    medians = {
        (row.scenario, row.cell): row
        for row in summary.rows
        if row.scenario in names and row.metric.name == "detection_p50"
    }
    groups = style.by_transport(dict.fromkeys(cell for _, cell in medians))
    looks = style.looks(cell.mode for _, cell in medians)
    tallest = max(len(group) for group in groups.values())
    figure = style.new_figure(1.2 + len(names) * (0.5 + 0.52 * tallest))
    grid = figure.subplots(len(names), len(groups), squeeze=False, sharex=True)
    first = next(iter(groups.values()))
    low, high = style.log_limits(_times(summary, names), room=0.04)
    edge, end = high * (high / low) ** _EDGE, high
    if any(row.value for row in summary.own_rows if row.metric.name == "undetected"):
        end = high * (high / low) ** _END
    for line, name in zip(grid, names, strict=True):
        for axes, (transport, cells) in zip(line, groups.items(), strict=True):
            style.log_x(axes, low, end, last_tick=high)
            same = [cell.mode for cell in cells] == [cell.mode for cell in first]
            style.cell_rows(axes, cells, labels=axes is line[0] or not same)
            cause = name.partition(":")[2]
            heading = f"{_TITLES.get(cause, name)}\n" if axes is line[0] else "\n"
            axes.set_title(heading + style.TRANSPORT_TITLES[transport], fontsize=10.5)
            for place, cell in enumerate(cells):
                _place(axes, place, summary, medians.get((name, cell)), looks[cell.mode], edge)
    for axes in grid[-1]:
        axes.set_xlabel("seconds until noticed\n(log scale; further left is better)")
    style.legend_above(
        figure,
        [
            style.key("o", "one client", size=5),
            style.key("|", "median, mean over trials", size=13),
            style.key("D", "not noticed (how many)", fill="white"),
        ],
    )
    return figure


def _times(summary: Summary, names: Sequence[str]) -> list[float]:
    """Every detection time that there is, in seconds."""
    return [
        one.detected_s
        for (name, _), outcomes in summary.outcomes.items()
        if name in names
        for one in _departures(outcomes)
        if one.detected_s is not None
    ]


def _departures(outcomes: Sequence[Outcome]) -> list[Detection]:
    return [
        one for outcome in outcomes if outcome.measurement for one in outcome.measurement.detections
    ]


def _place(
    axes: Axes, place: int, summary: Summary, median: Row | None, look: Look, edge: float
) -> None:
    if median is None:
        style.place_note(axes, place, "not in this run")
        return
    departures = _departures(summary.outcomes[median.scenario, median.cell])
    if not departures:
        style.place_note(axes, place, style.place_name(median.status))
        return
    alpha = 0.7 if median.status is Status.OK else style.FADED
    _clients(axes, place, median.cell, departures, look, alpha)
    if median.value is not None:
        axes.plot(
            [median.value],
            [place],
            marker="|",
            markersize=24,
            markeredgewidth=2.4,
            color=style.INK,
            zorder=5,
        )
    missed = sum(1 for one in departures if one.detected_s is None)
    if missed:
        _undetected(axes, place, f"{missed} of {len(departures)}", edge, look)
    if median.status is Status.INVALID:
        style.place_note(axes, place - 0.32, "invalid")


def _clients(
    axes: Axes, place: int, cell: Cell, departures: Sequence[Detection], look: Look, alpha: float
) -> None:
    seen = [
        (one.detected_s, place + style.jitter(f"{cell} {number}", 0.28))
        for number, one in enumerate(departures)
        if one.detected_s is not None
    ]
    # A log axis has no 0; a clock may round to it.
    left = axes.get_xlim()[0]
    axes.plot(
        [max(seconds, left) for seconds, _ in seen],
        [height for _, height in seen],
        linestyle="none",
        marker=look.marker,
        markersize=5,
        markerfacecolor=look.colour,
        markeredgecolor="white",
        markeredgewidth=0.5,
        alpha=alpha,
        zorder=3,
    )


def _undetected(axes: Axes, place: int, missed: str, edge: float, look: Look) -> None:
    axes.plot(
        [edge],
        [place],
        marker="D",
        markersize=8,
        markerfacecolor="white",
        markeredgecolor=look.colour,
        markeredgewidth=1.8,
        zorder=5,
    )
    axes.annotate(
        missed,
        (edge, place),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=10,
        color=style.INK,
    )
