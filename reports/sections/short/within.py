"""To be told within so many seconds that somebody is gone: what to set, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from reports.facts.run import Facts
from reports.facts.tables import Entry, Table
from reports.sections.disconnect.choices import CLIENTS, Choice, choices, costs, cpu_for_crowd
from reports.sections.disconnect.settings import HeartbeatSetting, websocket_of
from reports.sections.disconnect.words import window_text
from reports.sections.short.lines import TRANSPORTS

TITLE = "To be told within … that somebody is gone"
CHEAPER = "The same with fewer heartbeats, which forgive less"
READING = (
    "By python-engineio's rules, for whoever falls silent without a word; the limit holds even if "
    "all go at once. A timeout forgives a pause of its length: a train in a tunnel, a laptop's lid."
)
_WORDS = ("told within", "the line to copy", "noticed after", "WebSocket under eventlet")


def tables(facts: Facts) -> tuple[Table, ...]:
    """The settings that forgive most, and the cheapest; none where no server is known to be ours.

    The rules are python-engineio's: of a server that does not say what it runs nothing is known.
    """
    modes = {planned.mode for planned in facts.result.plan}
    if not any(websocket_of(facts.result, mode) for mode in modes):
        return ()
    found: dict[float, list[Choice]] = {}
    for choice in choices():
        found.setdefault(choice.limit_s, []).append(choice)
    forgiving = [several[0] for several in found.values()]
    cheaper = [each for several in found.values() for each in several[1:]]
    return _table(facts, TITLE, forgiving), _table(facts, CHEAPER, cheaper)


def _table(facts: Facts, caption: str, chosen: Sequence[Choice]) -> Table:
    dear = costs([facts])
    cpu_us = {
        transport: [each.cpu_us for cell, each in dear.items() if cell.transport is transport]
        for transport in TRANSPORTS
    }
    known = [transport for transport in TRANSPORTS if cpu_us[transport]]
    head = (
        *_WORDS,
        *(f"of a core for {CLIENTS:,} clients, by mode, {TRANSPORTS[one]}" for one in known),
    )
    lines = tuple(_line(each, [cpu_us[one] for one in known]) for each in chosen)
    return Table(caption, head, lines, wordy=True)


def _line(choice: Choice, cpu_us: Sequence[Sequence[float]]) -> tuple[Entry, ...]:
    return (
        Entry(f"{choice.limit_s:g} s"),
        Entry(code(choice.heartbeat)),
        Entry(window_text(choice.usual)),
        Entry(window_text(choice.eventlet)),
        *(Entry(cpu_for_crowd(costs_us, choice.heartbeat)) for costs_us in cpu_us),
    )


def code(heartbeat: HeartbeatSetting) -> str:
    """The line that sets it."""
    interval_s, timeout_s = heartbeat.interval_s, heartbeat.timeout_s
    return f"SocketIO(app, ping_interval={interval_s:g}, ping_timeout={timeout_s:g})"
