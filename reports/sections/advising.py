"""What a run knows of loads, cell by cell: the evidence that ``facts.advise`` judges by."""

from __future__ import annotations

import math
from collections.abc import Iterator

from loadtests.arithmetic.estimates import Estimate
from loadtests.record.words import Cause, Status, Transport
from loadtests.scenarios import broadcast, connections, curve, echo
from loadtests.scenarios.bearing import NAME as CAPACITY
from loadtests.scenarios.bearing import Kind
from reports.facts.advise_words import span, spelled, time
from reports.facts.loads import CellKnown, Keeping, Known, Need
from reports.facts.numbers import counted
from reports.facts.rows import Cell, Row, cells_of
from reports.facts.run import Facts
from reports.facts.text import shown
from reports.sections.disconnect.choices import CLIENTS, keeping
from reports.sections.disconnect.clients import departures
from reports.sections.disconnect.settings import Point, heartbeat_of, points

#: The longest limit for which heartbeats are looked for.
_LONGEST_S = 120
#: Why a curve has no number at a rate: it was not offered, since a lower one was not kept up with.
_QUEUED = (f"{curve.BEYOND}: its queue grew", f"{curve.BEYOND}: connections were lost")
#: So much of a reason is quoted.
_REASON = 200
_MS_PER_S = 1000


def known_of(facts: Facts) -> list[CellKnown]:
    """What is known of each cell, in the order of tables."""
    silent = list(_silent(facts))
    return [_cell(facts, cell, silent) for cell in cells_of(facts.own_rows)]


def settings() -> list[Keeping]:
    """Heartbeats for every whole second, as far as any keep it."""
    found = []
    for limit_s in range(1, _LONGEST_S + 1):
        if heartbeats := keeping(limit_s):
            told = " or ".join(
                f"ping_interval={one.interval_s:g} and ping_timeout={one.timeout_s:g}"
                for one in heartbeats
            )
            first = heartbeats[0]
            found.append(Keeping(limit_s, first.interval_s, first.timeout_s, told))
    return found


#: For so many clients do these keep it, if all go at once.
KEPT_FOR = CLIENTS


def _cell(facts: Facts, cell: Cell, silent: list[tuple[Cell, Known]]) -> CellKnown:
    known = {
        Need.CLIENTS: [*_connected(facts, cell), *_reached(facts, cell)],
        Need.ECHO: [*_echo(facts, cell), *_curve(facts, cell), *_bears(facts, cell, Kind.ECHO)],
        Need.BROADCAST: [*_broadcast(facts, cell), *_bears(facts, cell, Kind.BROADCAST)],
        Need.SILENT: [one for where, one in silent if where == cell],
    }
    costs = {
        Need.ECHO: _least_cost(facts, cell, echo.SCENARIO.name, curve.NAME, Kind.ECHO.row),
        Need.BROADCAST: _least_cost(facts, cell, broadcast.SCENARIO.name, Kind.BROADCAST.row),
    }
    memory = _sound(_row(facts, connections.NAME, cell, "connection_rss"))
    return CellKnown(
        cell,
        known,
        {need: cost for need, cost in costs.items() if cost is not None},
        memory.value if memory is not None and memory.value else None,
    )


def _row(facts: Facts, name: str, cell: Cell, metric: str) -> Row | None:
    wanted = (name, cell, metric)
    rows = (row for row in facts.own_rows if (row.row, row.cell, row.metric.name) == wanted)
    return next(rows, None)


def _sound(row: Row | None) -> Row | None:
    return row if row is not None and row.status is Status.OK and row.estimate else None


def _least_cost(facts: Facts, cell: Cell, *scenarios: str) -> float | None:
    """µs of server CPU per message where it was least: a busy server has less for each.

    Args:
        facts: of the run.
        cell: whose.
        scenarios: rows of these names, or names before a number.
    """
    found = (
        row.value
        for row in facts.own_rows
        if row.cell == cell
        and row.metric.name == "server_cpu"
        and (row.row in scenarios or row.row.partition(":")[0] in scenarios)
        and _sound(row)
    )
    return min((value for value in found if value), default=None)


def _timed(row: Row, lost: Row | None, clients: int, rate_hz: float, load: str) -> Known:
    """A p99 at a load."""
    if not _sound(row) or row.estimate is None:
        return Known(clients=clients, rate_hz=rate_hz, told=_doubt(row, load))
    found = row.estimate
    told = f"its p99 is {span(found.value, found.low, found.high, found.trials)} at {load}"
    if row.undersampled:
        told += ", from few samples"
    if lost is not None and lost.value:
        # A p99 leaves out the slowest hundredth, and what never came is in it.
        return Known(clients=clients, rate_hz=rate_hz, told=f"{told}, but some were lost")
    return Known(
        clients=clients,
        rate_hz=rate_hz,
        at_most_ms=found.high,
        at_least_ms=found.low,
        value_ms=found.value,
        told=told,
    )


def _doubt(row: Row, load: str) -> str:
    why = shown(row.reasons[0], _REASON) if row.reasons else "no reason was given"
    return f"the number at {load} is {row.status}: {why}"


def _echoes(rate_hz: float, clients: int) -> str:
    return f"{spelled(rate_hz)} echoes a second from {counted(clients, 'client')}"


def _broadcasts(rate_hz: float, clients: int) -> str:
    many = "broadcast" if rate_hz == 1 else "broadcasts"
    return f"{spelled(rate_hz)} {many} a second to {counted(clients, 'client')}"


def _echo(facts: Facts, cell: Cell) -> Iterator[Known]:
    name = echo.SCENARIO.name
    row = _row(facts, name, cell, "latency_p99")
    clients, rate_hz = facts.setting(name, "clients"), facts.setting(name, "rate_hz")
    if row is not None and clients and rate_hz:
        lost = _row(facts, name, cell, "lost")
        yield _timed(row, lost, int(clients), rate_hz, _echoes(rate_hz, int(clients)))


def _broadcast(facts: Facts, cell: Cell) -> Iterator[Known]:
    name = broadcast.SCENARIO.name
    row = _row(facts, name, cell, "delivery_p99")
    clients, rate_hz = facts.setting(name, "recipients"), facts.setting(name, "rate_hz")
    if row is None or not clients or not rate_hz:
        return
    load = _broadcasts(rate_hz, int(clients))
    last = _sound(_row(facts, name, cell, "last_recipient_p99"))
    if last is not None and last.value is not None:
        load += f", the last copy within {time(last.value)}"
    yield _timed(row, _row(facts, name, cell, "missing"), int(clients), rate_hz, load)


def _curve(facts: Facts, cell: Cell) -> Iterator[Known]:
    clients = facts.setting(curve.NAME, "clients")
    for row in facts.own_rows:
        rate_hz = curve.ROWS.number_of(row.row)
        if row.cell != cell or row.metric.name != "latency_p99" or not rate_hz or not clients:
            continue
        load = _echoes(rate_hz, int(clients))
        queued = row.reasons and all(why.startswith(_QUEUED) for why in row.reasons)
        if row.status is Status.UNAVAILABLE and queued:
            why = row.reasons[0].partition(": ")[2]
            told = f"it does not keep up with {load}: {shown(why, _REASON)}"
            yield Known(clients=int(clients), rate_hz=rate_hz, overloaded=True, told=told)
        else:
            lost = _row(facts, row.row, cell, "lost")
            yield _timed(row, lost, int(clients), rate_hz, load)


def _bears(facts: Facts, cell: Cell, kind: Kind) -> Iterator[Known]:
    """A search for the highest load: where its interval begins, its middle, and where it ends."""
    row = _row(facts, kind.row, cell, "capacity")
    of_echo = kind is Kind.ECHO
    fixed = facts.setting(CAPACITY, "clients" if of_echo else "broadcast_hz")
    name = "polling_limit_ms" if cell.transport is Transport.POLLING else "websocket_limit_ms"
    limit_ms = facts.setting(CAPACITY, name)
    if row is None or not fixed or not limit_ms:
        return
    found, open_ended = row.estimate, _at_least(row)
    if found is None or not (_sound(row) or open_ended):
        yield Known(told=_doubt(row, f"the highest load in {_UNITS[kind]}"))
        return
    told = _borne(kind, found, fixed, limit_ms)
    if open_ended:
        told += ", and more was not offered"

    def at(load: float, at_most_ms: float | None, at_least_ms: float | None) -> Known:
        return Known(
            clients=int(fixed) if of_echo else int(load),
            rate_hz=load if of_echo else fixed,
            at_most_ms=at_most_ms,
            at_least_ms=at_least_ms,
            value_ms=limit_ms,
            bears=found.value,
            told=told,
        )

    yield at(found.value, None, None)
    if found.low:
        yield at(found.low, limit_ms, None)
    if found.high is not None and not open_ended:
        # Only what lies above the end of the interval is surely too much.
        above = math.nextafter(found.high, math.inf) if of_echo else found.high + 1
        yield at(above, None, limit_ms)


_UNITS = {Kind.ECHO: "echoes a second", Kind.BROADCAST: "recipients"}


def _at_least(row: Row) -> bool:
    """Whether all that is wrong with a search is that it could have gone on."""
    return row.status is Status.INVALID and all("at least this: " in why for why in row.reasons)


def _borne(kind: Kind, found: Estimate, fixed: float, limit_ms: float) -> str:
    many = spelled(found.value)
    if found.low is not None and found.high is not None:
        many += f" [{spelled(found.low)}, {spelled(found.high)}]"
    many += f" {_UNITS[kind]}"
    if kind is Kind.ECHO:
        load = f"{many} from {counted(int(fixed), 'client')}"
    else:
        load = f"{many} of {spelled(fixed)} broadcasts a second"
    return f"it bears {load} within {time(limit_ms)} ({counted(found.trials, 'trial')})"


def _connected(facts: Facts, cell: Cell) -> Iterator[Known]:
    """What was there is a fact of each trial, and needs no interval."""
    row = _row(facts, connections.NAME, cell, "connected")
    if row is None:
        return
    counts = [int(value) for value in row.values if value is not None]
    if not _sound(row) or not counts:
        yield Known(told=_doubt(row, "the most clients"))
        return
    fewest, most = min(counts), max(counts)
    trials = f"({counted(len(counts), 'trial')})"
    outcomes = facts.own_outcomes.get((connections.NAME, cell), ())
    refused = [each.measurement.notes.get("connected", "") for each in outcomes if each.measurement]
    told = f"{counted(fewest, 'client')} were connected at the same time {trials}"
    yield Known(clients=fewest, at_most_ms=0.0, at_least_ms=0.0, value_ms=0.0, told=told)
    if refused and all(refused):
        told = f"{counted(most, 'client')} were the most {trials}: {shown(refused[0], _REASON)}"
        yield Known(clients=most + 1, overloaded=True, told=told)


def _reached(facts: Facts, cell: Cell) -> Iterator[Known]:
    """The recipients of a broadcast were connected, in every trial so many as the fewest."""
    row = _row(facts, Kind.BROADCAST.row, cell, "capacity")
    if row is None or not (_sound(row) or _at_least(row)):
        return
    counts = [int(value) for value in row.values if value is not None]
    if counts:
        trials = counted(len(counts), "trial")
        told = f"{counted(min(counts), 'client')} had broadcasts at the same time ({trials})"
        yield Known(clients=min(counts), at_most_ms=0.0, at_least_ms=0.0, value_ms=0.0, told=told)


def _silent(facts: Facts) -> Iterator[tuple[Cell, Known]]:
    """Each heartbeat at which clients fell silent."""
    groups = departures(facts.own_outcomes, facts.own_rows)
    trusted = [each for each in groups if each.status is Status.OK]
    for point in points(facts.result, trusted, facts.own_rows):
        if point.measured:
            yield point.cell, _noticed(point)
    for group in trusted:
        idle = not (group.departure.busy or ":" in group.departure.setting)
        silent = idle and group.departure.cause is Cause.FREEZE
        if silent and group.clients and not group.times_s:
            told = f"at {heartbeat_of(facts.result, group.row)} s no silent client was noticed"
            yield group.cell, Known(overloaded=True, told=told)


def _noticed(point: Point) -> Known:
    heartbeat = f"ping_interval={point.heartbeat.interval_s:g} and "
    heartbeat += f"ping_timeout={point.heartbeat.timeout_s:g}"
    if point.worst_s is None:
        told = f"with {heartbeat} not every silent client was noticed"
        return Known(overloaded=True, told=told)
    worst_ms = point.worst_s * _MS_PER_S
    told = f"with {heartbeat} the last silent client was noticed after {time(worst_ms)}"
    if point.window is None:
        return Known(at_least_ms=worst_ms, value_ms=worst_ms, told=told)
    latest_ms = point.window.latest_s * _MS_PER_S
    told += f", and by the rules each is within {time(latest_ms)}"
    until_ms = max(worst_ms, latest_ms)
    return Known(at_most_ms=until_ms, at_least_ms=until_ms, value_ms=until_ms, told=told)
