"""docs/disconnect.md: what is known about disconnects, with the numbers of stored results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.record.words import Cause, Transport
from reports.facts.errors import ReportError
from reports.facts.markdown import markdown_table
from reports.facts.numbers import EMPTY, seconds, seconds_span, short
from reports.facts.origin import where
from reports.facts.rows import Cell
from reports.facts.tables import Entry, Table
from reports.pages.prose import template
from reports.sections.disconnect.checks import CHECKS
from reports.sections.disconnect.choices import Choice, Cost, choices, costs, cpu_for_crowd
from reports.sections.disconnect.clients import Group, departures, hull, outages
from reports.sections.disconnect.names import CAUSES, title
from reports.sections.disconnect.settings import (
    LIBRARYS,
    HeartbeatSetting,
    Point,
    main_heartbeat,
    points,
    rule,
)
from reports.sections.disconnect.tables import OUTAGES, bereft, by_transport, departed
from reports.sections.disconnect.words import window_text
from reports.summary import Summary

#: Charts that the page shows where a result has them, each from the first that does.
CHARTS = (
    "disconnect-detection",
    "disconnect-phase",
    "disconnect-heartbeat",
    "disconnect-connections",
    "disconnect-server",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A result, as the page shows it.

    Attributes:
        name: of the experiment.
        heartbeat: of its main trials; None where it does not tell.
        where: machine, day and versions, in a line.
        causes, sweeps, outages: tables; empty where it has none.
        findings: what the rules do not explain in it.
        absences: causes that could not be measured, and why.
        clients: how many went away in it.
        ruled: whether there is a rule for all of them.
    """

    name: str
    heartbeat: HeartbeatSetting | None
    where: str
    causes: tuple[Table, ...]
    sweeps: tuple[Table, ...]
    outages: tuple[Table, ...]
    findings: tuple[str, ...]
    absences: tuple[str, ...]
    clients: int
    ruled: bool


def render(summaries: Sequence[Summary], charts: Iterable[str] = ()) -> str:
    """The page.

    Args:
        summaries: the results' in the order in which the page is to show them. The short answer
            comes from the one that has the library's own heartbeat, else from the first.
        charts: names of those that stand in ``images/`` beside the page.

    Raises:
        ReportError: none of them has disconnects.
    """
    found = [one for one in summaries if departures(one.outcomes, one.own_rows)]
    if not found:
        raise ReportError("no result has disconnects; run with --scenarios disconnect")
    known = _points(found)
    dear = costs(found)
    answering = next((one for one in found if main_heartbeat(one.result) == LIBRARYS), found[0])
    text = template("disconnect.md.j2").render(
        sources=[_source(one) for one in found],
        answer=_answer(answering),
        answered_at=main_heartbeat(answering.result),
        heartbeats=_heartbeats(known),
        choices=_choices(choices(), dear),
        cost_connections=sorted({each.connections for each in dear.values()}),
        window=_window,
        charts=set(charts),
        table=lambda table: markdown_table(table, right=False),
    )
    return f"{text.rstrip()}\n"


def _source(summary: Summary) -> Source:
    gone = departures(summary.outcomes, summary.own_rows)
    lost = outages(summary.outcomes, summary.own_rows)
    main = [one for one in gone if not one.departure.setting]
    sweep = [one for one in gone if one.departure.setting]
    return Source(
        name=str(summary.result.experiment.get("name") or "unnamed"),
        heartbeat=main_heartbeat(summary.result),
        where=where(summary.result),
        causes=tuple(by_transport("Causes", [one for one in main if one.clients], departed)),
        sweeps=tuple(by_transport("Other heartbeats", sweep, departed)),
        outages=tuple(by_transport(OUTAGES, lost, bereft)),
        findings=tuple(each.text for check in CHECKS for each in check(summary)),
        absences=(*_absences(main), *_failures(gone)),
        clients=sum(len(one.clients) for one in gone),
        ruled=all(client.window for one in gone for client in one.clients),
    )


def _absences(groups: Sequence[Group]) -> list[str]:
    """``tab (its browser tab is closed): no Chromium was found``, each cause once."""
    found: dict[Cause, str] = {}
    measured = {group.departure.cause for group in groups if group.clients}
    for group in groups:
        cause = group.departure.cause
        if cause not in measured and group.half.reasons:
            found.setdefault(cause, group.half.reasons[0])
    return [f"{cause} ({CAUSES[cause]}): {why}" for cause, why in found.items()]


def _failures(groups: Sequence[Group]) -> list[str]:
    """Rows of which a cell has no clients though others do, and why."""
    measured = {group.row for group in groups if group.clients}
    return [
        f"{title(group.row)}, {group.cell}: {group.half.reasons[0]}"
        for group in groups
        if group.row in measured and not group.clients and group.half.reasons
    ]


def _answer(summary: Summary) -> Table:
    """What each cause brings over each transport, over all modes."""
    groups = departures(summary.outcomes, summary.own_rows)
    idle = [one for one in groups if not one.departure.setting and not one.departure.busy]
    transports = (Transport.WEBSOCKET, Transport.POLLING)
    lines = []
    for cause in dict.fromkeys(one.departure.cause for one in idle):
        same = [one for one in idle if one.departure.cause is cause]
        each = (
            _entry([one for one in same if one.cell.transport is transport])
            for transport in transports
        )
        lines.append((Entry(f"{cause}: {CAUSES[cause]}"), *each))
    return Table("", ("the client", "over WebSocket", "over long-polling"), tuple(lines))


def _entry(groups: Sequence[Group]) -> Entry:
    """``at once; measured 1.8 to 2.5 ms, worst 5 ms`` of all modes together."""
    times_s = [time for group in groups for time in group.times_s]
    window = hull(group.window for group in groups if group.window is not None)
    if not times_s:
        return Entry("not measured")
    halves = [group.half.value for group in groups if group.half.value is not None]
    missed = sum(group.missed for group in groups)
    total = sum(len(group.clients) for group in groups)
    parts = [
        f"median {seconds_span(min(halves), max(halves)) if halves else EMPTY}",
        f"worst {seconds(max(times_s))}",
        *([f"{missed} of {total} not noticed"] if missed else []),
    ]
    ruled = f" (the rule: {window_text(window)})" if window else ""
    return Entry(", ".join(parts) + ruled)


def _points(summaries: Sequence[Summary]) -> list[Point]:
    """Every heartbeat in every cell, as measured where any result has it, else as predicted."""
    found: dict[tuple[object, HeartbeatSetting], Point] = {}
    for summary in summaries:
        groups = departures(summary.outcomes, summary.own_rows)
        for one in points(summary.result, groups, summary.own_rows):
            known = found.get((one.cell, one.heartbeat))
            if known is None or (one.measured and not known.measured):
                found[one.cell, one.heartbeat] = one
    return sorted(
        found.values(), key=lambda one: (one.cell.transport, one.cell.mode, one.heartbeat)
    )


def _heartbeats(known: Sequence[Point]) -> Table:
    """A line per heartbeat, a column per cell: the rule's window and what was measured."""
    cells = list(dict.fromkeys(one.cell for one in known))
    places = {(one.heartbeat, one.cell): one for one in known}
    lines = [
        (
            Entry(f"{heartbeat}"),
            Entry(f"{short(heartbeat.messages_per_minute)}"),
            *(_heartbeat(places.get((heartbeat, cell))) for cell in cells),
        )
        for heartbeat in sorted({one.heartbeat for one in known}, reverse=True)
    ]
    head = ("interval/timeout, s", "messages a minute", *map(str, cells))
    return Table("", head, tuple(lines))


def _heartbeat(one: Point | None) -> Entry:
    if one is None:
        return Entry(EMPTY)
    ruled = window_text(one.window) if one.window else "no rule"
    if not one.measured:
        return Entry(f"{ruled}, predicted")
    worst = "never" if one.worst_s is None else seconds(one.worst_s)
    return Entry(f"{ruled}; measured: median {seconds(one.typical_s)}, worst {worst}")


def _choices(found: Sequence[Choice], dear: Mapping[Cell, Cost]) -> Table:
    cpu_us = {
        transport: [each.cpu_us for cell, each in dear.items() if cell.transport is transport]
        for transport in Transport
    }
    lines = [
        tuple(
            map(
                Entry,
                (
                    f"{each.limit_s:g} s",
                    f"{each.heartbeat}",
                    window_text(each.usual),
                    window_text(each.eventlet),
                    f"{each.heartbeat.timeout_s:g} s",
                    short(each.heartbeat.messages_per_minute),
                    cpu_for_crowd(cpu_us[Transport.WEBSOCKET], each.heartbeat),
                    cpu_for_crowd(cpu_us[Transport.POLLING], each.heartbeat),
                ),
            )
        )
        for each in found
    ]
    head = (
        "told within",
        "ping_interval/ping_timeout",
        "one silent client among many",
        "the same, WebSocket under eventlet",
        "forgives",
        "messages a minute and client",
        "CPU for 1,000 clients, WebSocket",
        "the same, long-polling",
    )
    return Table("", head, tuple(lines))


def _window(interval_s: float, timeout_s: float, websocket: str = "", **more: Any) -> str:
    """The rule's window as words, for the prose: over long-polling, or WebSocket if named."""
    transport = Transport.WEBSOCKET if websocket else Transport.POLLING
    heartbeat = HeartbeatSetting(interval_s, timeout_s)
    return window_text(rule(transport, websocket or "simple-websocket", heartbeat, **more))
