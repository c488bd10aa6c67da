"""Why a silent client takes so different times: where in its heartbeat it fell silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from loadtests.record.words import Cause
from loadtests.scenarios.disconnect.windows import TOLERANCE_S
from reports.charts import legends, style
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.sections.disconnect.charts import points
from reports.sections.disconnect.clients import Group, Noticed, departures
from reports.sections.disconnect.settings import main_heartbeat

#: Each cause has its own shape here; the colour is the mode's.
_SHAPES = {
    Cause.KILL: "v",
    Cause.RESET: "P",
    Cause.FREEZE: "o",
    Cause.CUT: "D",
    Cause.TAB: "s",
    Cause.CLOSE: "*",
}
_BUSY = "#7B8794"


def wanted(facts: Facts) -> bool:
    """Whether any client of the main trials fell silent at a phase that is known."""
    return main_heartbeat(facts.result) is not None and any(
        _silent(group) for group in _groups(facts)
    )


def phase(facts: Facts) -> Figure:
    """Detection time over the phase, one panel per mode × transport, the rule's band behind it."""
    found = _groups(facts)
    heartbeat = main_heartbeat(facts.result)
    assert heartbeat is not None
    groups = style.by_transport(dict.fromkeys(group.cell for group in found))
    modes = list(dict.fromkeys(group.cell.mode for group in found))
    looks = style.looks(modes)
    figure = style.new_figure(1.4 + 2.3 * len(groups), columns=len(modes))
    grid = style.panels(figure, len(groups), len(modes), sharex=True, sharey=True)
    for line, transport in zip(grid, groups, strict=True):
        for axes, mode in zip(line, modes, strict=True):
            here = [group for group in found if group.cell == Cell(mode, transport)]
            axes.set_title(
                f"{style.shortened(mode)}, {style.TRANSPORT_TITLES[transport]}", fontsize=10.5
            )
            axes.grid()
            _bands(axes, here, heartbeat.interval_s)
            for group in here:
                _clients(axes, group, heartbeat.interval_s, looks[mode])
            if not any(_silent(group) for group in here):
                _empty(axes)
        line[0].set_ylabel("noticed after, s")
    shares = [one.silent_s or 0 for group in found for one in _silent(group)]
    # Beyond 1 are those that had been sent a ping and did not live to answer it.
    grid[0][0].set_xlim(-0.03, max(1.0, *(each / heartbeat.interval_s for each in shares)) + 0.03)
    grid[0][0].set_ylim(bottom=0)
    for axes in grid[-1]:
        axes.set_xlabel("ping_intervals since its last answer")
    legends.legend_above(figure, _legend(found), columns=4)
    return figure


def _groups(facts: Facts) -> list[Group]:
    found = departures(facts.outcomes, facts.own_rows)
    return [group for group in found if not group.departure.setting]


def _silent(group: Group) -> list[Noticed]:
    """Those that were waited for, and whose phase is known."""
    return [
        one
        for one in group.clients
        if one.silent_s is not None and one.window and one.window.latest_s > TOLERANCE_S
    ]


def _bands(axes: Axes, groups: Sequence[Group], interval_s: float) -> None:
    """The windows of all phases: shaded for idle clients, between lines for busy ones."""
    for busy in (False, True):
        windows = sorted(
            {
                (one.silent_s / interval_s, one.window.earliest_s, one.window.latest_s)
                for group in groups
                if group.departure.busy is busy
                for one in _silent(group)
                if one.silent_s is not None and one.window is not None
            }
        )
        if not windows:
            continue
        phases, low, high = (numpy.array(numbers) for numbers in zip(*windows, strict=True))
        if busy:
            line: dict[str, Any] = {"color": _BUSY, "linewidth": 1.1, "linestyle": (0, (4, 2))}
            axes.plot(phases, low, zorder=2, **line)
            axes.plot(phases, high, zorder=2, **line)
        else:
            # Its edge shows a window that is a moment: eventlet's over WebSocket.
            axes.fill_between(phases, low, high, color=style.SHADE, linewidth=2, zorder=1)


def _clients(axes: Axes, group: Group, interval_s: float, look: style.Look) -> None:
    row = group.departure
    for outside in (False, True):
        drawn = [
            (one.silent_s / interval_s, one.after_s)
            for one in _silent(group)
            if one.after_s is not None and one.silent_s is not None and one.outside is outside
        ]
        axes.plot(
            [share for share, _ in drawn],
            [after_s for _, after_s in drawn],
            linestyle="none",
            marker="X" if outside else _SHAPES[row.cause],
            markersize=7.5 if outside else 4.5,
            markerfacecolor=style.OUTSIDE if outside else "white" if row.busy else look.colour,
            markeredgecolor="white" if outside else look.line,
            markeredgewidth=0.8 if row.busy else 0.3,
            alpha=style.FADED if group.half.value is None else 0.85,
            zorder=4 if outside else 3,
        )


def _empty(axes: Axes) -> None:
    axes.text(
        0.5,
        0.5,
        "nobody fell silent here",
        transform=axes.transAxes,
        ha="center",
        color=style.QUIET,
        style="italic",
        fontsize=9.5,
    )


def _legend(found: Sequence[Group]) -> list[Any]:
    causes = dict.fromkeys(group.departure.cause for group in found if _silent(group))
    busy = any(group.departure.busy and _silent(group) for group in found)
    return [
        *(legends.key(_SHAPES[cause], str(cause), size=5.5) for cause in causes),
        *([legends.key("o", "busy: sent to", fill="white", size=5.5)] if busy else []),
        Patch(color=style.SHADE, label="expected"),
        *([_dashes()] if busy else []),
        *points.legend(
            windows=False,
            outside=any(one.outside for group in found for one in _silent(group)),
        ),
    ]


def _dashes() -> Any:
    handle = legends.key("", "expected, busy")
    handle.set(linestyle=(0, (4, 2)), color=_BUSY)
    return handle
