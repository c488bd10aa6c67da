"""The client's side: when do official clients notice that the server went, when are they back?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from loadtests.record.words import Status
from loadtests.scenarios.disconnect.rows import Official
from reports.charts import legends, style
from reports.charts.style import Look
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.sections.disconnect.charts import ladder, points
from reports.sections.disconnect.charts.points import Track
from reports.sections.disconnect.clients import Group, outages
from reports.sections.disconnect.names import CLIENTS, OUTAGES

#: Inches of a line.
_LINE = 0.178
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
    names = tuple(_name(mode, who) for mode, who in places)
    groups = [ladder.Group(f"{kind}: {OUTAGES[kind]}", names) for kind in kinds]
    columns = [(transport, family) for transport in transports for family in _FAMILIES]
    height = 1.9 + _LINE * ladder.height(groups)
    figure = style.new_figure(height, columns=len(columns), stacked=0.95)
    panels = style.panels(figure, 1, len(columns))[0]
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
    for axes, (transport, family) in zip(panels, columns, strict=True):
        track = points.track(axes, ends[family], missed=gone[family])
        ladder.frame(axes, groups, named=axes is panels[0] or style.is_narrow())
        axes.set_title(style.TRANSPORT_TITLES[transport])
        axes.set_xlabel(f"{_FAMILIES[family]}\n(further left is better)")
        for top, kind in zip(ladder.tops(groups), kinds, strict=True):
            here = [
                group
                for group in found
                if group.outage.outage is kind and group.cell.transport is transport
            ]
            _panel(track, top, places, here, rows, looks, family)
    legends.legend_above(figure, _legend(found), columns=4)
    return figure


Places = Mapping[tuple[str, Official], float]


def _places(found: Sequence[Group]) -> Places:
    """(mode, whose client) -> its height, the same in every panel."""
    modes = list(dict.fromkeys(group.cell.mode for group in found))
    kinds = [each for each in Official if any(group.outage.client is each for group in found)]
    lines = [(mode, who) for mode in modes for who in kinds]
    return {line: float(number) for number, line in enumerate(lines)}


def _name(mode: str, who: Official) -> ladder.Line:
    own = who is Official.PYTHON
    return ladder.Line(style.shortened(mode) if own else CLIENTS[who], lesser=not own)


def _panel(
    track: Track,
    top: float,
    places: Places,
    groups: Sequence[Group],
    rows: Mapping[tuple[str, Cell, str], Row],
    looks: Mapping[str, Look],
    family: str,
) -> None:
    by_line = {(group.cell.mode, group.outage.client): group for group in groups}
    for (mode, who), place in places.items():
        y = top + place
        group = by_line.get((mode, who))
        if group is None or not group.clients:
            status = Status.FAILED if group is None else group.status
            note = "not in this run" if group is None else style.place_name(status)
            style.place_note(track.axes, y, note)
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
        legends.key("o", f"one client of {CLIENTS[Official.PYTHON]}", size=5),
        legends.key("o", f"one of {CLIENTS[Official.JAVASCRIPT]}", fill="white", size=5),
        legends.key("|", "50 %", size=13),
        legends.key("|", "95 %", size=9),
        legends.key("|", "100 %", size=5.5),
        *points.legend(
            windows=any(group.window for group in found),
            outside=any(group.outside for group in found),
        ),
        legends.key("D", "not at all", fill="white", size=6.5),
    ]
