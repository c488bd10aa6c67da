"""The rows of disconnects: their names, what these say, and their metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from loadtests.record.words import Better, Cause, Metric, Unit, row_of_ours
from loadtests.scenarios.scenario import EVERY_TRIAL, table

NAME = "disconnect"


class Outage(StrEnum):
    """How the server goes away, seen from its clients."""

    KILL = "server-kill"  #: killed; another one comes up on its port some time later
    FREEZE = "server-freeze"  #: stopped for longer than clients wait, then continued
    RESTART = "server-restart"  #: asked to stop and started again at once, as a deployment does


class Official(StrEnum):
    """Whose client notices that the server went away, and connects again."""

    PYTHON = "python"  #: python-socketio's Client
    JAVASCRIPT = "javascript"  #: socket.io-client, in Node


#: Of rows of clients that went away.
DEPARTURE_METRICS = table(
    Metric("detection_min", Unit.SECONDS, Better.LOWER, "detection min", "the quickest: from the moment a client was gone to the server's disconnect handler"),
    Metric("detection_p50", Unit.SECONDS, Better.LOWER, "detection p50", "half of the clients that went away were noticed within this", "detection", 0.5),
    Metric("detection_max", Unit.SECONDS, Better.LOWER, "detection max", "the slowest client that was noticed"),
    Metric("undetected", Unit.CLIENTS, Better.LOWER, "undetected", "clients not noticed within the observation window"),
    Metric("outside", Unit.CLIENTS, Better.NEITHER, "outside the window", "clients noticed earlier or later than python-engineio's rules imply, or for another reason", later=True),
    Metric("repeated", Unit.CLIENTS, Better.LOWER, "handler called again", "clients for which the server's disconnect handler ran more than once", later=True),
    *EVERY_TRIAL.values(),
)  # fmt: skip

#: Of rows of clients whose server went away.
OUTAGE_METRICS = table(
    Metric("noticed_p50", Unit.SECONDS, Better.LOWER, "noticed p50", "half of the clients noticed within this that the server was gone", "noticed", 0.5),
    Metric("noticed_p95", Unit.SECONDS, Better.LOWER, "noticed p95", "19 of 20 clients noticed within this", "noticed", 0.95),
    Metric("noticed_max", Unit.SECONDS, Better.LOWER, "noticed max", "the last client that noticed"),
    Metric("unnoticed", Unit.CLIENTS, Better.LOWER, "unnoticed", "clients that did not notice at all"),
    Metric("reconnected_p50", Unit.SECONDS, Better.LOWER, "connected again p50", "half of the clients were connected again within this, counted from when the server could be reached again", "reconnected", 0.5),
    Metric("reconnected_p95", Unit.SECONDS, Better.LOWER, "connected again p95", "19 of 20 clients were connected again within this", "reconnected", 0.95),
    Metric("reconnected_max", Unit.SECONDS, Better.LOWER, "connected again max", "the last client that was connected again"),
    Metric("not_reconnected", Unit.CLIENTS, Better.LOWER, "not connected again", "clients that did not come back within the observation window"),
    Metric("outside", Unit.CLIENTS, Better.NEITHER, "outside the window", "clients that noticed earlier or later than their library's rules imply, or gave another reason", later=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DepartureRow:
    """A row of clients that went away: ``disconnect:kill``, ``disconnect:kill:busy``, ...

    Attributes:
        busy: whether the server was sending to these clients.
        setting: of a sweep, as in ``disconnect:freeze:10/5`` (ping interval / timeout in seconds)
            or ``disconnect:freeze:10/5:1000`` (with so many connections); empty for the main one.
    """

    cause: Cause
    busy: bool = False
    setting: str = ""

    def __str__(self) -> str:
        """The row's name."""
        parts = [NAME, self.cause, "busy" if self.busy else "", self.setting]
        return ":".join(filter(None, parts))

    @classmethod
    def parse(cls, row: str) -> DepartureRow | None:
        """What a row's name says, whoever measured it; None for other rows."""
        scenario, _, parameters = row_of_ours(row).partition(":")
        cause, _, rest = parameters.partition(":")
        if scenario != NAME or cause not in list(Cause):
            return None
        busy = rest == "busy"
        return cls(Cause(cause), busy, "" if busy else rest)


@dataclass(frozen=True, slots=True)
class OutageRow:
    """A row of clients whose server went away: ``disconnect:server-kill:python``."""

    outage: Outage
    client: Official

    def __str__(self) -> str:
        """The row's name."""
        return f"{NAME}:{self.outage}:{self.client}"

    @classmethod
    def parse(cls, row: str) -> OutageRow | None:
        """What a row's name says; None for other rows."""
        scenario, _, parameters = row.partition(":")
        outage, _, client = parameters.partition(":")
        known = outage in list(Outage) and client in list(Official)
        return cls(Outage(outage), Official(client)) if scenario == NAME and known else None


#: ``10/5`` or ``10/5:1000``, with fractions where somebody wants them. No more digits than make a
#: number: a result file may hold thousands.
_SETTING = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)/(\d{1,9}(?:\.\d{1,9})?)(?::(\d{1,9}))?")


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


def metrics_of(row: str) -> dict[str, Metric]:
    """The metrics of a row: those of outages where its server went."""
    parameter = row.partition(":")[2]
    return OUTAGE_METRICS if parameter.startswith(tuple(Outage)) else DEPARTURE_METRICS
