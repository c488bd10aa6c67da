"""Which heartbeat to choose: how soon a silent client is noticed against what it costs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.charts import legends, scales, style
from reports.charts.style import Look
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.sections.disconnect.clients import departures
from reports.sections.disconnect.settings import Point, points

#: A window's width, as a factor on the logarithmic axis in either direction.
_HALF = 1.09
#: Room for names above the highest, as a factor.
_HEADROOM = 1.8
#: Points of a title above the axis of CPU time.
_ABOVE_CPU = 30


def wanted(facts: Facts) -> bool:
    """Whether there is a heartbeat whose times are known."""
    return bool(_points(facts))


def heartbeat(facts: Facts) -> Figure:
    """Median and worst detection time of a silent client over what its heartbeat costs.

    A panel per mode × transport; in it a stroke from the median to the worst for each heartbeat.
    Below the panel its messages, above it the server's CPU time for them. Measured ones are
    filled, the others are what the rules predict.
    """
    found = _points(facts)
    groups = style.by_transport(dict.fromkeys(one.cell for one in found))
    modes = list(dict.fromkeys(one.cell.mode for one in found))
    looks = style.looks(modes)
    figure = style.new_figure(1.3 + 3.2 * len(groups), columns=len(modes))
    grid = style.panels(figure, len(groups), len(modes), sharex=True, sharey=True)
    messages = [one.heartbeat.messages_per_minute for one in found]
    ends = [end for one in found for end in (one.typical_s, one.worst_s) if end]
    starts = [one.window.earliest_s for one in found if one.window]
    ends += [one.window.latest_s for one in found if one.window]
    for line, transport in zip(grid, groups, strict=True):
        for axes, mode in zip(line, modes, strict=True):
            scales.log_x(axes, *scales.log_limits(messages, room=0.16))
            low, high = scales.log_limits([*ends, *starts])
            scales.log_y(axes, low, high * _HEADROOM)
            axes.grid()
            here = [one for one in found if one.cell == Cell(mode, transport)]
            for one in here:
                _point(axes, one, looks[mode])
            above = not style.is_narrow() and _cpu_axis(axes, here)
            title = f"{style.shortened(mode)}, {style.TRANSPORT_TITLES[transport]}"
            axes.set_title(title, fontsize=10.5, pad=_ABOVE_CPU if above else None)
        line[0].set_ylabel("silent client noticed after, s\n(log scale; lower is better)")
    for axes in grid[-1]:
        axes.set_xlabel("heartbeat, messages per client\nand minute (log; left is better)")
    legends.legend_above(figure, _legend(found), columns=2)
    return figure


def _points(facts: Facts) -> list[Point]:
    groups = departures(facts.outcomes, facts.own_rows)
    return points(facts.result, groups, facts.own_rows)


def _point(axes: Axes, one: Point, look: Look) -> None:
    x = one.heartbeat.messages_per_minute
    if one.window is not None and one.measured:
        low, high = one.window.earliest_s, one.window.latest_s
        axes.fill_between(
            [x / _HALF, x * _HALF], low, high, color=style.SHADE, linewidth=0, zorder=1
        )
    end = one.worst_s if one.worst_s is not None else axes.get_ylim()[1]
    axes.plot(
        [x, x],
        [one.typical_s, end],
        color=look.line,
        linewidth=1.6,
        linestyle="solid" if one.measured else (0, (2, 2)),
        zorder=3,
    )
    axes.plot(
        [x],
        [one.typical_s],
        marker=look.marker,
        markersize=7.5,
        markerfacecolor=look.colour if one.measured else "white",
        markeredgecolor=look.line,
        markeredgewidth=1.5,
        zorder=5,
    )
    if one.worst_s is not None:
        axes.plot(
            [x],
            [one.worst_s],
            marker="_",
            markersize=11,
            markeredgewidth=2.2,
            color=look.line,
            zorder=4,
        )
    # What was measured is named above, what was not below: neighbours are often one of each.
    top = end if one.window is None else max(end, one.window.latest_s)
    axes.annotate(
        f"{one.heartbeat}",
        (x, top if one.measured else one.typical_s),
        xytext=(0, 6 if one.measured else -7),
        textcoords="offset points",
        ha="center",
        va="bottom" if one.measured else "top",
        fontsize=9,
        color=style.INK if one.measured else style.QUIET,
        style="normal" if one.measured else "italic",
    )


def _cpu_axis(axes: Axes, here: Sequence[Point]) -> bool:
    """The same in CPU time, where the server's is known: every heartbeat costs about the same.

    Returns:
        Whether it is.
    """
    costs = [
        one.cpu_permille / one.heartbeat.messages_per_minute
        for one in here
        if one.cpu_permille is not None
    ]
    cost = statistics.median(costs) if costs else 0.0
    if cost <= 0:
        return False
    above = axes.secondary_xaxis("top", functions=(_times(cost), _times(1 / cost)))
    low, high = axes.get_xlim()
    scales.plain_log_ticks(above.xaxis, low * cost, high * cost)
    above.tick_params(labelsize=8.5, labelcolor=style.QUIET, pad=1)
    above.set_xlabel("CPU per client, ‰ of a core", fontsize=8.5, color=style.QUIET)
    return True


def _times(factor: float) -> Callable[[Any], Any]:
    return lambda values: values * factor


def _legend(found: Sequence[Point]) -> list[Line2D]:
    predicted = any(not one.measured for one in found)
    return [
        legends.key("o", "median"),
        legends.key("_", "worst", size=11),
        legends.key("s", "expected by the rules", fill=style.SHADE, size=9),
        *([legends.key("o", "predicted by them, not measured", fill="white")] if predicted else []),
    ]
