"""What rows of the disconnect scenario are called for readers, and their order."""

from __future__ import annotations

import re

from loadtests.record.words import Cause, DepartureRow, Official, Outage, OutageRow

CAUSES = {
    Cause.CLOSE: "it says goodbye",
    Cause.KILL: "its process is killed",
    Cause.RESET: "its connections end with RST",
    Cause.FREEZE: "its process is stopped",
    Cause.CUT: "its network is cut",
    Cause.TAB: "its browser tab is closed",
}

OUTAGES = {
    Outage.KILL: "the server is killed and comes back",
    Outage.FREEZE: "the server is stopped and continues",
    Outage.RESTART: "the server is asked to stop and starts again",
}

CLIENTS = {
    Official.PYTHON: "python-socketio",
    Official.JAVASCRIPT: "socket.io-client",
}

#: ``10/5`` or ``10/5:1000``, with fractions where somebody wants them.
_SETTING = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)(?::(\d+))?")


def title(row: str) -> str:
    """``kill: its process is killed``; a row of another scenario as it is."""
    outage = OutageRow.parse(row)
    if outage is not None:
        return f"{outage.outage}: {OUTAGES[outage.outage]}; {CLIENTS[outage.client]} notices"
    departure = DepartureRow.parse(row)
    if departure is None:
        return row
    at = f", {setting_title(departure.setting)}" if departure.setting else ""
    if departure.busy:
        return f"{departure.cause}, while the server sends to it{at}"
    return f"{departure.cause}: {CAUSES[departure.cause]}{at}"


def setting_title(setting: str) -> str:
    """``heartbeat 10/5 s, 1,000 connections``."""
    heartbeat, _, connections = setting.partition(":")
    of = f", {int(connections):,} connections" if connections.isdecimal() else ""
    return f"heartbeat {heartbeat} s{of}"


def numbers_of(setting: str) -> tuple[float, float, int | None] | None:
    """Interval and timeout in seconds, and connections where they are part of it.

    Returns:
        None where the text is no setting, the empty one of the main trial among them.
    """
    found = _SETTING.fullmatch(setting)
    if found is None:
        return None
    interval, timeout, connections = found.groups()
    return float(interval), float(timeout), int(connections) if connections else None


def order(row: str) -> tuple[float, ...]:
    """The key that sorts disconnect rows.

    Main causes first, idle before busy; then settings, by their numbers; then outages; then what
    this version has no name for.
    """
    outage = OutageRow.parse(row)
    if outage is not None:
        return (2, list(Outage).index(outage.outage), list(Official).index(outage.client))
    departure = DepartureRow.parse(row)
    if departure is None:
        return (3,)
    cause = list(Cause).index(departure.cause)
    if not departure.setting:
        return (0, cause, departure.busy)
    found = numbers_of(departure.setting)
    if found is None:
        return (1.5, cause)
    interval, timeout, connections = found
    return (1, interval, timeout, connections or 0, cause)
