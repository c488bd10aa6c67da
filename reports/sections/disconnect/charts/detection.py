"""How long the server took to notice that clients were gone: every client a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from loadtests.record.words import Status
from reports.charts import legends, style
from reports.charts.style import Look
from reports.facts.run import Facts
from reports.sections.disconnect.charts import ladder, points
from reports.sections.disconnect.charts.points import Track
from reports.sections.disconnect.clients import Group, departures
from reports.sections.disconnect.names import title

#: Inches of a line.
_LINE = 0.178
#: Where a note stands: among the seconds, as a share of the axis.
_NOTE = 0.67

Panel = Sequence[Group]


def wanted(facts: Facts) -> bool:
    """Whether clients were to go away in main trials."""
    return any(_main(one) for one in departures(facts.outcomes, facts.own_rows))


def detection(facts: Facts) -> Figure:
    """A panel per transport, whose axis is broken between what is at once and the rest.

    In it a group of lines per cause: one per mode, and one below it for the clients that the server
    sends to.
    """
    found = [one for one in departures(facts.outcomes, facts.own_rows) if _main(one)]
    causes = list(dict.fromkeys(group.departure.cause for group in found))
    parts = [[group for group in found if group.departure.cause is cause] for cause in causes]
    transports = style.by_transport(dict.fromkeys(group.cell for group in found))
    looks = style.looks(group.cell.mode for group in found)
    groups = [_group(part) for part in parts]
    height = 1.9 + _LINE * ladder.height(groups)
    figure = style.new_figure(height, columns=len(transports), stacked=1)
    panels = style.panels(figure, 1, len(transports))[0]
    latest_s = points.latest(
        (time for group in found for time in group.times_s), (group.window for group in found)
    )
    missed = any(group.missed for group in found)
    for axes, transport in zip(panels, transports, strict=True):
        line = points.track(axes, latest_s, broken=True, missed=missed)
        ladder.frame(axes, groups, named=axes is panels[0] or style.is_narrow())
        axes.set_title(style.TRANSPORT_TITLES[transport])
        for top, part in zip(ladder.tops(groups), parts, strict=True):
            if _has_clients(part):
                here = [group for group in part if group.cell.transport is transport]
                _part(line, top, _places(part), here, looks)
    legends.legend_above(figure, _legend(found), columns=3)
    return figure


def _main(group: Group) -> bool:
    return not group.departure.setting


def _has_clients(panel: Panel) -> bool:
    return any(group.clients for group in panel)


def _places(panel: Panel) -> dict[tuple[str, bool], float]:
    """(mode, busy) -> its height; the same in every panel of a cause."""
    modes = list(dict.fromkeys(group.cell.mode for group in panel))
    kinds = sorted({group.departure.busy for group in panel})
    return {
        (mode, busy): float(number * len(kinds) + kinds.index(busy))
        for number, mode in enumerate(modes)
        for busy in kinds
    }


def _group(part: Panel) -> ladder.Group:
    heading = title(part[0].row.removesuffix(":busy"))
    if _has_clients(part):
        names = (
            ladder.Line("busy" if busy else style.shortened(mode), lesser=busy)
            for mode, busy in _places(part)
        )
        return ladder.Group(heading, tuple(names))
    half = part[0].half
    why = f": {half.reasons[0]}" if half.reasons else ""
    note = style.shortened(
        f"{style.place_name(half.status)}{why}", 46 if style.is_narrow() else 120
    )
    return ladder.Group(heading, (), note)


def _part(
    line: Track,
    top: float,
    places: Mapping[tuple[str, bool], float],
    groups: Panel,
    looks: Mapping[str, Look],
) -> None:
    by_line = {(group.cell.mode, group.departure.busy): group for group in groups}
    for (mode, busy), y in places.items():
        group = by_line.get((mode, busy))
        if group is None:
            style.place_note(line.axes, top + y, "not in this run", x=_NOTE)
        else:
            draw(line, top + y, group, looks[mode], filled=not busy)


def draw(line: Track, y: float, group: Group, look: Look, *, filled: bool = True) -> None:
    """A line of clients with its window, its median and those that were not noticed."""
    points.window(line, y, group.window, 0.74)
    if not group.clients:
        style.place_note(line.axes, y, style.place_name(group.status), x=_NOTE)
        return
    points.points(
        line,
        y,
        points.of(group.clients),
        look,
        filled=filled,
        faded=points.doubtful(group.status),
        reach=0.25,
        key=f"{group.row} {group.cell}",
    )
    points.mark(line, y, group.half.value, 0.38)
    if group.missed:
        points.missed(line, y, f"{group.missed} of {len(group.clients)}", look)
    if group.status is Status.INVALID:
        style.place_note(line.axes, y, "invalid", x=0.9)


def _legend(found: Sequence[Group]) -> list[object]:
    busy = any(group.departure.busy for group in found)
    return [
        legends.key("o", "one client", size=5),
        *([legends.key("o", "one the server sends to", fill="white", size=5)] if busy else []),
        legends.key("|", "median", size=13),
        *points.legend(
            windows=any(group.window for group in found),
            outside=any(group.outside for group in found),
        ),
        legends.key("D", "not noticed", fill="white", size=6.5),
    ]
