"""The client's side: when do official clients notice that the server went, when are they back?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.disconnect.rows import Official
from reports.charts import style
from reports.charts.style import Look
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.sections.disconnect.charts import points
from reports.sections.disconnect.charts.points import Track
from reports.sections.disconnect.clients import Group, outages
from reports.sections.disconnect.names import CLIENTS, OUTAGES

_LINE, _HEADING = 0.27, 0.58
#: Metric suffix -> half the height of its stroke.
_QUANTILES = {"p50": 0.38, "p95": 0.26, "max": 0.14}
_FAMILIES = {"noticed": "until noticed, s", "reconnected": "until connected again, s"}


def wanted(facts: Facts) -> bool:
    """Whether the server was to go away."""
    return bool(outages(facts.outcomes, facts.own_rows))


def server(facts: Facts) -> Figure:
    """A line of panels per outage: per transport, the time to notice and the time to be back."""
    found = outages(facts.outcomes, facts.own_rows)
    rows = {(row.row, row.cell, row.metric.name): row for row in facts.own_rows}
    kinds = list(dict.fromkeys(group.outage.outage for group in found))
    transports = style.by_transport(dict.fromkeys(group.cell for group in found))
    looks = style.looks(group.cell.mode for group in found)
    places = _places(found)
    height = _LINE * max(len(places), 2)
    figure = style.new_figure(1.6 + len(kinds) * (height + _HEADING))
    grid = figure.subplots(len(kinds), 2 * len(transports), squeeze=False)
    ends = {
        "noticed": points.latest(
            (time for group in found for time in group.times_s), (group.window for group in found)
        ),
        "reconnected": points.latest((time for group in found for time in group.backs_s), ()),
    }
    gone = {
        "noticed": any(group.missed for group in found),
        "reconnected": any(len(group.backs_s) < len(group.clients) for group in found),
    }
    for line, kind in zip(grid, kinds, strict=True):
        for column, transport in enumerate(transports):
            style.heading(
                line[2 * column],
                "" if column else f"{kind}: {OUTAGES[kind]}",
                above=style.TRANSPORT_TITLES[transport] if kind is kinds[0] else None,
            )
            here = [
                group
                for group in found
                if group.outage.outage is kind and group.cell.transport is transport
            ]
            for axes, family in zip(line[2 * column : 2 * column + 2], _FAMILIES, strict=True):
                track = points.track(axes, ends[family], missed=gone[family])
                _scale(track, places, labels=axes is line[0])
                _panel(track, places, here, rows, looks, family)
    for column in range(len(transports)):
        for axes, text in zip(
            grid[-1][2 * column : 2 * column + 2], _FAMILIES.values(), strict=True
        ):
            axes.set_xlabel(f"{text}\n(further left is better)")
    style.legend_above(figure, _legend(found), columns=4)
    return figure


Places = Mapping[tuple[str, Official], float]


def _places(found: Sequence[Group]) -> Places:
    """(mode, whose client) -> its height, the same in every panel."""
    modes = list(dict.fromkeys(group.cell.mode for group in found))
    kinds = [each for each in Official if any(group.outage.client is each for group in found)]
    lines = [(mode, who) for mode in modes for who in kinds]
    return {line: float(number) for number, line in enumerate(lines)}


def _scale(track: Track, places: Places, *, labels: bool) -> None:
    axes = track.far
    axes.set_ylim(len(places) - 0.4, -0.6)
    names = [
        style.shortened(mode) if who is Official.PYTHON else CLIENTS[who] for mode, who in places
    ]
    axes.set_yticks(list(places.values()) if labels else [], names if labels else None)
    axes.tick_params(axis="y", length=0, pad=6)
    for text, (_, who) in zip(axes.get_yticklabels() if labels else [], places, strict=False):
        own = who is Official.PYTHON
        text.set(fontsize=10 if own else 8.5, color=style.INK if own else style.QUIET)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    for (_, who), y in places.items():
        if y and who is Official.PYTHON:
            axes.axhline(y - 0.5, color=style.GRID, linewidth=0.8, zorder=0)


def _panel(
    track: Track,
    places: Places,
    groups: Sequence[Group],
    rows: Mapping[tuple[str, Cell, str], Row],
    looks: Mapping[str, Look],
    family: str,
) -> None:
    by_line = {(group.cell.mode, group.outage.client): group for group in groups}
    for (mode, who), y in places.items():
        group = by_line.get((mode, who))
        if group is None or not group.clients:
            status = Status.FAILED if group is None else group.status
            note = "not in this run" if group is None else style.place_name(status)
            style.place_note(track.far, y, note)
            continue
        if family == "noticed":
            points.window(track, y, group.window, 0.74)
            seen = points.of(group.clients)
        else:
            seen = [(back_s, False) for back_s in group.backs_s]
        points.points(
            track,
            y,
            seen,
            looks[mode],
            filled=who is Official.PYTHON,
            faded=points.doubtful(group.status),
            reach=0.25,
            key=f"{group.row} {group.cell} {family}",
        )
        for name, half in _QUANTILES.items():
            row = rows.get((group.row, group.cell, f"{family}_{name}"))
            points.mark(track, y, row.value if row else None, half, width=1.8)
        lost = len(group.clients) - len(seen)
        if lost:
            points.missed(track, y, f"{lost} of {len(group.clients)}", looks[mode])


def _legend(found: Sequence[Group]) -> list[object]:
    return [
        style.key("o", f"one client of {CLIENTS[Official.PYTHON]}", size=5),
        style.key("o", f"one of {CLIENTS[Official.JAVASCRIPT]}", fill="white", size=5),
        style.key("|", "50 %", size=13),
        style.key("|", "95 %", size=9),
        style.key("|", "100 %", size=5.5),
        *points.legend(
            windows=any(group.window for group in found),
            outside=any(group.outside for group in found),
        ),
        style.key("D", "not at all", fill="white", size=6.5),
    ]
