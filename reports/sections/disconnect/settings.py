"""Heartbeats: what each costs, and when it has a silent client noticed, measured or predicted."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.record.results import Result, Window
from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.rows import NAME, DepartureRow, numbers_of
from loadtests.scenarios.disconnect.windows import Situation
from reports.facts.numbers import number_of
from reports.facts.rows import Cell, Row
from reports.sections.disconnect.clients import Group

#: What people ask for: the library's defaults, and what they set instead.
ASKED = ((25.0, 20.0), (10.0, 5.0), (5.0, 5.0), (2.0, 2.0))
#: A prediction is for one client that falls silent among so many that do not.
CROWD = 100


@dataclass(frozen=True, slots=True, order=True)
class HeartbeatSetting:
    """A server's ``ping_interval`` and ``ping_timeout``, in seconds."""

    interval_s: float
    timeout_s: float

    def __str__(self) -> str:
        """``25/20``, as in the names of rows."""
        return f"{self.interval_s:g}/{self.timeout_s:g}"

    @property
    def messages_per_minute(self) -> float:
        """A ping and a pong per interval, per client."""
        return 2 * 60 / self.interval_s


#: python-engineio's own (``engineio.base_server.BaseServer``, 4.15).
LIBRARYS = HeartbeatSetting(25.0, 20.0)


@dataclass(frozen=True, slots=True)
class Point:
    """A heartbeat in one cell: what it costs and what it brings for a silent client.

    Attributes:
        typical_s, worst_s: until it is noticed; of a prediction the middle and the end of the
            window. Worst is None where some were not noticed at all.
        window: that the rules imply; None where there is no rule.
        measured: whether clients fell silent at this heartbeat; otherwise it is the rules' word.
        cpu_permille: of a core, per client; None where the server's CPU is not known.
    """

    cell: Cell
    heartbeat: HeartbeatSetting
    typical_s: float
    worst_s: float | None
    window: Window | None
    measured: bool
    cpu_permille: float | None


def main_heartbeat(result: Result) -> HeartbeatSetting | None:
    """That of the main trials; None where the result does not tell both its numbers."""
    options = result.experiment.get(NAME)
    if not isinstance(options, Mapping):
        return None
    return _heartbeat(
        number_of(options.get("ping_interval_s")), number_of(options.get("ping_timeout_s"))
    )


def heartbeat_of(result: Result, row: str) -> HeartbeatSetting | None:
    """That of a row: its setting's, or the main trials'."""
    departure = DepartureRow.parse(row)
    if departure is None or not departure.setting:
        return main_heartbeat(result)
    found = numbers_of(departure.setting)
    return _heartbeat(found[0], found[1]) if found else None


def _heartbeat(interval_s: float | None, timeout_s: float | None) -> HeartbeatSetting | None:
    """One that a server can have; a result file may hold others."""
    if interval_s is None or timeout_s is None or min(interval_s, timeout_s) <= 0:
        return None
    return HeartbeatSetting(interval_s, timeout_s)


def points(result: Result, groups: Sequence[Group], rows: Sequence[Row]) -> list[Point]:
    """Every heartbeat in every cell: those measured, and those that people ask for."""
    main = main_heartbeat(result)
    if main is None:
        return []
    found = [*_measured(result, groups, rows)]
    known = {(one.cell, one.heartbeat) for one in found}
    cells = dict.fromkeys(group.cell for group in groups)
    wanted = dict.fromkeys((main, *(HeartbeatSetting(*numbers) for numbers in ASKED)))
    for cell in cells:
        cost = _cpu_us(rows, cell, "")
        for heartbeat in wanted:
            window = None if (cell, heartbeat) in known else predicted(result, cell, heartbeat)
            if window is not None:
                middle = (window.earliest_s + window.latest_s) / 2
                cpu = _permille(cost, heartbeat)
                found.append(Point(cell, heartbeat, middle, window.latest_s, window, False, cpu))
    return sorted(found, key=lambda one: (one.cell.transport, one.cell.mode, one.heartbeat))


def predicted(result: Result, cell: Cell, heartbeat: HeartbeatSetting) -> Window | None:
    """When a silent client is to be noticed there; None where the server is not known."""
    websocket = websocket_of(result, cell.mode)
    if not websocket:
        return None
    return rule(cell.transport, websocket, heartbeat)


def rule(
    transport: Transport,
    websocket: str,
    heartbeat: HeartbeatSetting,
    *,
    leaving: int = 1,
    sent_every_s: float | None = None,
) -> Window:
    """The window of a frozen client, one of :data:`CROWD`."""
    return windows.window(
        Situation(
            transport=transport,
            cause=Cause.FREEZE,
            ping_interval_s=heartbeat.interval_s,
            ping_timeout_s=heartbeat.timeout_s,
            websocket=websocket,
            connections=CROWD,
            leaving=leaving,
            sent_every_s=sent_every_s,
        )
    )


def websocket_of(result: Result, mode: str) -> str:
    """Which WebSocket implementation a mode's servers had; empty where none said so."""
    modes = {planned.number: planned.mode for planned in result.plan}
    said = (
        str(trial.server.get("websocket") or "")
        for trial in result.trials
        if modes.get(trial.number) == mode
    )
    return next(filter(None, said), "")


def _measured(result: Result, groups: Sequence[Group], rows: Sequence[Row]) -> Iterator[Point]:
    """The heartbeats at which clients were frozen, but for those of a certain number of clients."""
    for group in groups:
        departure = DepartureRow.parse(group.row)
        heartbeat = heartbeat_of(result, group.row)
        if departure is None or heartbeat is None or not group.times_s:
            continue
        if departure.cause is not Cause.FREEZE or departure.busy or ":" in departure.setting:
            continue
        typical = group.half.value
        yield Point(
            cell=group.cell,
            heartbeat=heartbeat,
            typical_s=statistics.median(group.times_s) if typical is None else typical,
            worst_s=None if group.missed else max(group.times_s),
            window=group.window,
            measured=True,
            cpu_permille=_permille(_cpu_us(rows, group.cell, departure.setting), heartbeat),
        )


def _cpu_us(rows: Sequence[Row], cell: Cell, setting: str) -> float | None:
    """Server CPU time per heartbeat in µs, of the first row of a setting that has it."""
    for row in rows:
        if row.cell == cell and row.metric.name == "server_cpu" and row.value is not None:
            departure = DepartureRow.parse(row.row)
            if departure is not None and departure.setting == setting:
                return row.value
    return None


def _permille(cpu_us: float | None, heartbeat: HeartbeatSetting) -> float | None:
    """µs per heartbeat -> thousandths of a core: µs per second are millionths of it."""
    return None if cpu_us is None else cpu_us / heartbeat.interval_s / 1000
