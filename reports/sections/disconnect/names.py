"""What rows of the disconnect scenario are called for readers."""

from __future__ import annotations

from loadtests.record.words import Cause
from loadtests.scenarios.disconnect.rows import DepartureRow, Official, Outage, OutageRow

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

#: The same where there is little room.
_GONE = {
    Cause.CLOSE: "goodbye said",
    Cause.KILL: "process killed",
    Cause.RESET: "connection reset",
    Cause.FREEZE: "process stopped",
    Cause.CUT: "network cut",
    Cause.TAB: "tab closed",
}
_LOST = {
    Outage.KILL: "server killed",
    Outage.FREEZE: "server stopped",
    Outage.RESTART: "server restarted",
}
_LANGUAGES = {Official.PYTHON: "Python", Official.JAVASCRIPT: "JavaScript"}

CLIENTS = {
    Official.PYTHON: "python-socketio",
    Official.JAVASCRIPT: "socket.io-client",
}


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


def short_title(row: str) -> str:
    """``process killed, sent to``, ``server killed (Python)``; another's row as it is."""
    outage = OutageRow.parse(row)
    if outage is not None:
        return f"{_LOST[outage.outage]} ({_LANGUAGES[outage.client]})"
    departure = DepartureRow.parse(row)
    if departure is None:
        return row
    heartbeat, _, connections = departure.setting.partition(":")
    parts = [
        _GONE[departure.cause],
        "sent to" if departure.busy else "",
        f"{heartbeat} s" if heartbeat else "",
        f"{connections} clients" if connections else "",
    ]
    return ", ".join(filter(None, parts))


def setting_title(setting: str) -> str:
    """``heartbeat 10/5 s, 1,000 connections``."""
    heartbeat, _, connections = setting.partition(":")
    of = f", {float(connections):,.0f} connections" if connections.isdecimal() else ""
    return f"heartbeat {heartbeat} s{of}"
