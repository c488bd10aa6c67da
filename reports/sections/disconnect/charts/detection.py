"""How long the server took to notice that clients were gone: every client a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.record.words import Status, Transport
from reports.charts import style
from reports.charts.style import Look
from reports.facts.run import Facts
from reports.sections.disconnect.charts import points
from reports.sections.disconnect.charts.points import Track
from reports.sections.disconnect.clients import Group, departures
from reports.sections.disconnect.names import title

#: Inches: of a line of clients, of a cause's heading, of a cause that was not measured.
_LINE, _HEADING, _EMPTY = 0.27, 0.52, 0.3
#: Widths of the axes for milliseconds and for seconds.
_NEAR, _FAR = 1.0, 2.3

Panel = Sequence[Group]


def wanted(facts: Facts) -> bool:
    """Whether clients were to go away in main trials."""
    return any(_main(one) for one in departures(facts.outcomes, facts.own_rows))


def detection(facts: Facts) -> Figure:
    """A line of panels per cause; per transport, an axis for what is at once and one for the rest.

    Each panel has a line per mode, and one below it for the clients that the server sends to.
    """
    found = [one for one in departures(facts.outcomes, facts.own_rows) if _main(one)]
    causes = list(dict.fromkeys(group.departure.cause for group in found))
    panels = [[group for group in found if group.departure.cause is cause] for cause in causes]
    transports = style.by_transport(dict.fromkeys(group.cell for group in found))
    looks = style.looks(group.cell.mode for group in found)
    heights = [_height(panel) for panel in panels]
    figure = style.new_figure(1.5 + sum(height + _HEADING for height in heights))
    grid = figure.subplots(
        len(panels),
        2 * len(transports),
        squeeze=False,
        height_ratios=heights,
        width_ratios=[_NEAR, _FAR] * len(transports),
    )
    latest_s = points.latest(
        (time for group in found for time in group.times_s), (group.window for group in found)
    )
    missed = any(group.missed for group in found)
    for row, panel in zip(grid, panels, strict=True):
        _head(
            row, title(panel[0].row.removesuffix(":busy")), list(transports), top=panel is panels[0]
        )
        if not _has_clients(panel):
            _not_measured(row, panel)
            continue
        for column, transport in enumerate(transports):
            near, far = row[2 * column : 2 * column + 2]
            line = points.track(far, latest_s, near=near, missed=missed)
            here = [group for group in panel if group.cell.transport is transport]
            _panel(line, _places(panel), here, looks, labels=column == 0)
    measured = [row for row, panel in zip(grid, panels, strict=True) if _has_clients(panel)]
    _feet((measured or grid)[-1])
    style.legend_above(figure, _legend(found), columns=3)
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


def _height(panel: Panel) -> float:
    if not _has_clients(panel):
        return _EMPTY
    return _LINE * max(len(_places(panel)), 2)


def _not_measured(row: Sequence[Axes], panel: Panel) -> None:
    """Say why in a single line over all axes."""
    for axes in row:
        axes.set_axis_off()
    half = panel[0].half
    why = f": {half.reasons[0]}" if half.reasons else ""
    text = row[0].text(
        0,
        0.5,
        style.shortened(f"{style.place_name(half.status)}{why}", 120),
        transform=row[0].transAxes,
        va="center",
        color=style.QUIET,
        fontsize=9.5,
        style="italic",
    )
    text.set_in_layout(False)  # the axes are narrower than it, and have their width all the same


def _panel(
    line: Track,
    places: Mapping[tuple[str, bool], float],
    groups: Panel,
    looks: Mapping[str, Look],
    *,
    labels: bool,
) -> None:
    assert line.near is not None
    for axes in (line.near, line.far):
        axes.set_ylim(max(places.values()) + 0.6, -0.6)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        for (_, busy), y in places.items():
            if y and not busy:
                axes.axhline(y - 0.5, color=style.GRID, linewidth=0.8, zorder=0)
    if labels:
        names = ["busy" if busy else style.shortened(mode) for mode, busy in places]
        line.near.set_yticks(list(places.values()), names)
        line.near.tick_params(axis="y", length=0, pad=6)
        for text, (_, busy) in zip(line.near.get_yticklabels(), places, strict=True):
            text.set(fontsize=8.5 if busy else 10, color=style.QUIET if busy else style.INK)
    by_line = {(group.cell.mode, group.departure.busy): group for group in groups}
    for (mode, busy), y in places.items():
        group = by_line.get((mode, busy))
        if group is None:
            style.place_note(line.far, y, "not in this run")
        else:
            draw(line, y, group, looks[mode], filled=not busy)


def draw(line: Track, y: float, group: Group, look: Look, *, filled: bool = True) -> None:
    """A line of clients with its window, its median and those that were not noticed."""
    points.window(line, y, group.window, 0.74)
    if not group.clients:
        style.place_note(line.far, y, style.place_name(group.status))
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
    points.mark(line, y, group.half.value, 0.36)
    if group.missed:
        points.missed(line, y, f"{group.missed} of {len(group.clients)}", look)
    if group.status is Status.INVALID:
        style.place_note(line.far, y, "invalid", x=0.9)


def _head(row: Sequence[Axes], text: str, transports: Sequence[Transport], *, top: bool) -> None:
    """Name the cause, and above the first one the transports."""
    for column, transport in enumerate(transports):
        above = style.TRANSPORT_TITLES[transport] if top else None
        style.heading(row[2 * column], "" if column else text, above=above)


def _feet(row: Sequence[Axes]) -> None:
    """Say what the axes of the lowest panels have."""
    for near, far in zip(row[::2], row[1::2], strict=True):
        near.set_xlabel("at once, ms\n(log scale)")
        far.set_xlabel("later, s\n(further left is better)")


def _legend(found: Sequence[Group]) -> list[object]:
    busy = any(group.departure.busy for group in found)
    return [
        style.key("o", "one client", size=5),
        *([style.key("o", "one the server sends to", fill="white", size=5)] if busy else []),
        style.key("|", "median", size=13),
        *points.legend(
            windows=any(group.window for group in found),
            outside=any(group.outside for group in found),
        ),
        style.key("D", "not noticed", fill="white", size=6.5),
    ]
