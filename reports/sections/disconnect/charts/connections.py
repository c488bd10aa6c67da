"""Whether the number of connections matters: a scan takes ping_timeout, however many they are."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.scenarios.disconnect.rows import numbers_of
from reports.charts import legends, style
from reports.facts.run import Facts
from reports.sections.disconnect.charts import points
from reports.sections.disconnect.charts.detection import draw
from reports.sections.disconnect.clients import Group, departures
from reports.sections.disconnect.names import CAUSES

_LINE, _HEADING = 0.3, 0.55


def wanted(facts: Facts) -> bool:
    """Whether the sweep names numbers of connections."""
    return bool(_groups(facts))


def connections(facts: Facts) -> Figure:
    """A panel per transport; in it, for each mode, a line per number of connections.

    Where more than one heartbeat or cause was swept so, each has a line of panels of its own.
    """
    found = _groups(facts)
    kinds = list(dict.fromkeys(_kind(group) for group in found))
    transports = style.by_transport(dict.fromkeys(group.cell for group in found))
    looks = style.looks(group.cell.mode for group in found)
    lines = {kind: _lines([one for one in found if _kind(one) == kind]) for kind in kinds}
    heights = [_LINE * max(len(each), 2) for each in lines.values()]
    height = 1.4 + sum(height + _HEADING for height in heights)
    figure = style.new_figure(height, columns=len(transports))
    grid = style.panels(figure, len(kinds), len(transports), heights=heights)
    for row, kind in zip(grid, kinds, strict=True):
        same = [group for group in found if _kind(group) == kind]
        latest_s = points.latest(
            (time for group in same for time in group.times_s), (group.window for group in same)
        )
        for axes, transport in zip(row, transports, strict=True):
            track = points.track(axes, latest_s, missed=any(group.missed for group in same))
            axes.set_title(f"{_heading(kind)}, {style.TRANSPORT_TITLES[transport]}", fontsize=10.5)
            _name_lines(axes, lines[kind], labels=axes is row[0] or style.is_narrow())
            by_line = {
                (group.cell.mode, _count(group)): group
                for group in same
                if group.cell.transport is transport
            }
            for y, (mode, count) in enumerate(lines[kind]):
                group = by_line.get((mode, count))
                if group is None:
                    style.place_note(axes, y, "not in this run")
                else:
                    draw(track, y, group, looks[mode])
    for axes in grid[-1]:
        axes.set_xlabel("seconds until noticed (further left is better)")
    legends.legend_above(
        figure,
        [
            legends.key("o", "one client", size=5),
            legends.key("|", "median", size=13),
            *points.legend(
                windows=any(group.window for group in found),
                outside=any(group.outside for group in found),
            ),
            legends.key("D", "not noticed", fill="white", size=6.5),
        ],
        columns=2,
    )
    return figure


def _name_lines(axes: Axes, lines: Sequence[tuple[str, int]], *, labels: bool) -> None:
    """A place for each mode and number of connections, the modes apart."""
    axes.set_ylim(len(lines) - 0.4, -0.6)
    names = [f"{style.shortened(mode)}, {count:,}" for mode, count in lines]
    axes.set_yticks(range(len(names)) if labels else [], names if labels else None)
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    for y in range(1, len(lines)):
        if lines[y][0] != lines[y - 1][0]:
            axes.axhline(y - 0.5, color=style.GRID, linewidth=0.8, zorder=0)


def _groups(facts: Facts) -> list[Group]:
    found = departures(facts.outcomes, facts.own_rows)
    return [group for group in found if _count(group)]


def _kind(group: Group) -> tuple[str, str]:
    """Cause and heartbeat."""
    return str(group.departure.cause), group.departure.setting.partition(":")[0]


def _count(group: Group) -> int:
    found = numbers_of(group.departure.setting)
    return (found[2] or 0) if found else 0


def _lines(groups: Sequence[Group]) -> list[tuple[str, int]]:
    """Modes, and the numbers of connections of each."""
    modes = dict.fromkeys(group.cell.mode for group in groups)
    counts = sorted({_count(group) for group in groups})
    return [(mode, count) for mode in modes for count in counts]


def _heading(kind: tuple[str, str]) -> str:
    cause, pair = kind
    known = {str(each): words for each, words in CAUSES.items()}
    return f"{cause} ({known[cause]}) at {pair} s"
