"""The numbers that decide a choice, a line each, and what the trials say of the modes beside them.

A table is of one transport, and so are its ratios: who cannot change the transport asks which mode,
and who can reads both tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from loadtests.record.words import Cause, Status, Transport, Verdict
from loadtests.scenarios.avalanche import SCENARIO as AVALANCHE
from loadtests.scenarios.bearing import Kind
from loadtests.scenarios.broadcast import SCENARIO as BROADCAST
from loadtests.scenarios.capacity import SCENARIO as CAPACITY
from loadtests.scenarios.connections import SCENARIO as CONNECTIONS
from loadtests.scenarios.echo import SCENARIO as ECHO
from reports.facts.best import Answer, Certainty, Question, answers
from reports.facts.numbers import EMPTY, counted, seconds
from reports.facts.ratios import ratio_of, standings_of
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.facts.tables import BEST, WORSE, Entry, Table, entry
from reports.facts.verdicts import decide
from reports.sections.disconnect.clients import Group, departures
from reports.sections.disconnect.settings import LIBRARYS, main_heartbeat, predicted
from reports.sections.disconnect.words import window_text

#: What the trials find as good as the best, and the best beside it; and what they cannot tell.
TIE, UNCLEAR = "tie", "cannot tell"
#: A ratio to the best whose interval lies between 1 / _NEAR and this is a tie.
_NEAR = 1.25
#: The scenario whose lines are not numbers of a metric.
DISCONNECT = "disconnect"
#: The transports as readers know them, in the order in which they ask.
TRANSPORTS = {Transport.WEBSOCKET: "WebSocket", Transport.POLLING: "long-polling"}
#: How a client goes that says so, that is closed, and that says nothing more.
GOODBYE = (Cause.CLOSE,)
CLOSED = (Cause.KILL, Cause.RESET, Cause.TAB)
SILENT = (Cause.FREEZE, Cause.CUT)

#: How to read the tables.
READING = (
    "One number for each mode, and below it how many times the best's of its line it is, with the "
    "95 % interval of that ratio. Tie: surely within a quarter of the best. Throughput is of "
    "clients that wait for each answer; borne are sends at random moments, 99 of 100 in time and "
    "none lost. Of clients that go, the slowest to be noticed, at ping_interval/ping_timeout in "
    "seconds."
)
#: What serves in a mode that is called by its library.
_SERVERS = {
    "eventlet": "eventlet's own server",
    "gevent": "gevent's pywsgi",
    "threading": "Flask's Werkzeug",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A line of the tables.

    Attributes:
        label: for readers, with the unit.
        row, metric: whose it is.
    """

    label: str
    row: str
    metric: str


#: How many clients one process keeps up with.
HELD = Number("clients of a broadcast borne", Kind.BROADCAST.row, "capacity")

NUMBERS = (
    Number("echo p50, ms", ECHO.name, "latency_p50"),
    Number("throughput, messages/s", ECHO.name, "throughput"),
    Number("server CPU per echo, µs", ECHO.name, "server_cpu"),
    Number("broadcast to the last p50, ms", BROADCAST.name, "last_recipient_p50"),
    Number("echoes/s borne", Kind.ECHO.row, "capacity"),
    HELD,
    Number("memory per idle connection, KiB", CONNECTIONS.name, "connection_rss"),
    Number("all back after a restart, s", AVALANCHE.name, "back_max"),
)


#: What a number's line says where the experiment tells of it.
_CONDITIONS = {
    (ECHO.name, "throughput"): "throughput of {clients} clients, messages/s",
    (Kind.ECHO.row, "capacity"): "echoes/s borne, within {ms} ms",
    (Kind.BROADCAST.row, "capacity"): "clients of {hz} broadcasts/s borne, within {ms} ms",
    (AVALANCHE.name, "back_max"): "all {many} back after a restart, s",
}


@dataclass(frozen=True, slots=True)
class Going:
    """How clients that go are noticed in one cell.

    Attributes:
        groups: of the main trials, whose clients the server does not send to.
    """

    groups: tuple[Group, ...]

    @property
    def times_s(self) -> list[float]:
        """When those were noticed that were."""
        return [time_s for group in self.groups for time_s in group.times_s]

    @property
    def clients(self) -> int:
        """How many went."""
        return sum(len(group.clients) for group in self.groups)

    @property
    def missed(self) -> int:
        """How many were not noticed."""
        return sum(group.missed for group in self.groups)


def rows_of(facts: Facts, number: Number, transport: Transport) -> list[Row]:
    """The rows of a line, one for each mode."""
    return [
        row
        for row in facts.own_rows
        if (row.row, row.metric.name, row.cell.transport) == (number.row, number.metric, transport)
    ]


def answer_of(rows: Sequence[Row]) -> Answer | None:
    """Who is best among these rows of one metric; None where there are none."""
    if not rows:
        return None
    return answers([Question("", rows[0].row, rows[0].metric.name)], rows)[0]


def going(facts: Facts, causes: Sequence[Cause], cells: Sequence[Cell]) -> Going:
    """Clients that go in these ways, of the main trials."""
    return Going(
        tuple(
            group
            for group in departures(facts.own_outcomes, facts.own_rows)
            if group.departure.cause in causes
            and not group.departure.busy
            and not group.departure.setting
            and group.cell in cells
        )
    )


def cells_over(facts: Facts, transport: Transport) -> list[Cell]:
    """The cells of a transport, in the order of tables."""
    found = dict.fromkeys(row.cell for row in facts.own_rows if row.cell.transport is transport)
    return sorted(found, key=lambda cell: cell.mode)


def reading(facts: Facts) -> str:
    """How to read the tables of a run, and what its modes are."""
    subjects = facts.result.experiment.get("subject")
    # A label may be any word: what it stands for is not said by it.
    modes = {} if subjects else dict.fromkeys(row.cell.mode for row in facts.own_rows)
    known = [f"{mode} is {_SERVERS[mode]}" for mode in modes if mode in _SERVERS]
    return f"{READING} {', '.join(known)}." if known else READING


def label_of(facts: Facts, number: Number, transport: Transport) -> str:
    """A line's words with the conditions of its number, as far as the experiment tells them."""
    told = {
        "clients": _option(facts, ECHO.name, "clients"),
        "hz": _option(facts, CAPACITY.name, "broadcast_hz"),
        "many": _option(facts, AVALANCHE.name, "clients"),
        "ms": _option(facts, CAPACITY.name, f"{transport}_limit_ms"),
    }
    words = _CONDITIONS.get((number.row, number.metric))
    if words is None or any(told[name] is None for name in re.findall(r"{(\w+)}", words)):
        return number.label
    return words.format(**told)


def _option(facts: Facts, table: str, name: str) -> str | None:
    options = facts.result.experiment.get(table)
    value = options.get(name) if isinstance(options, dict) else None
    return f"{value:g}" if isinstance(value, int | float) else None


def tables(facts: Facts) -> tuple[Table, ...]:
    """A table for each transport that the run has; its columns are modes."""
    found = []
    for transport, name in TRANSPORTS.items():
        cells = cells_over(facts, transport)
        lines = (*_numbers(facts, transport, cells), *_departures(facts, cells))
        if lines:
            head = ("number", *(cell.mode for cell in cells))
            found.append(Table(f"Over {name}", head, lines))
    return tuple(found)


def _numbers(
    facts: Facts, transport: Transport, cells: Sequence[Cell]
) -> Iterator[tuple[Entry, ...]]:
    for number in NUMBERS:
        rows = rows_of(facts, number, transport)
        if rows:
            beside = _entries(rows)
            label = label_of(facts, number, transport)
            yield (Entry(label), *(beside.get(cell, Entry(EMPTY)) for cell in cells))


def _entries(rows: Sequence[Row]) -> dict[Cell, Entry]:
    """Each row beside the best of them."""
    found = answer_of(rows)
    assert found is not None
    standings = standings_of(rows)
    made = {}
    for row in rows:
        first = entry(replace(row, standing=standings.get(row.cell)))
        sign = _sign(row, found, rows)
        good = sign in (BEST, TIE) and any(_is_worse(row, other) for other in rows)
        detail = first.detail.removeprefix(BEST).lstrip()
        made[row.cell] = replace(first, sign=sign, detail=detail, strong=good)
    return made


def _sign(row: Row, found: Answer, rows: Sequence[Row]) -> str:
    """``best``, ``tie``, ``worse`` or ``cannot tell``; empty where nobody may say."""
    first = found.first
    decided = found.certainty in (Certainty.CLEAR, Certainty.TIE)
    if first is None or not decided or row.status is not Status.OK or row.undersampled:
        return ""
    if row is not first:
        return _beside(first, row)
    others = {_beside(first, each) for each in rows if each is not first}
    return next((sign for sign in (TIE, UNCLEAR) if sign in others), BEST)


def _beside(first: Row, row: Row) -> str:
    if row.status is not Status.OK or row.undersampled:
        return ""
    if _is_worse(first, row):
        return WORSE
    ratio = ratio_of(first, row)
    if ratio is None or ratio.low is None or ratio.high is None:
        return UNCLEAR
    return TIE if ratio.low > 1 / _NEAR and ratio.high < _NEAR else UNCLEAR


def _is_worse(base: Row, other: Row) -> bool:
    """Whether the trials tell the other one, which is to be trusted, from the base."""
    if other.status is not Status.OK:
        return False
    return decide(ratio_of(base, other), base.metric.better) is Verdict.SLOWER


def _departures(facts: Facts, cells: Sequence[Cell]) -> Iterator[tuple[Entry, ...]]:
    here = main_heartbeat(facts.result)
    at = f", at {here}" if here else ""
    lines = (
        ("client says goodbye", GOODBYE),
        (f"tab or process closed{at}", CLOSED),
        (f"client falls silent{at}", SILENT),
    )
    # The end of a long-polling client's connections tells the server nothing.
    closed = {"closed"} if cells and cells[0].transport is Transport.POLLING else set()
    missed: set[str] = set()
    for label, causes in lines:
        each = [going(facts, causes, [cell]) for cell in cells]
        if any(one.clients or _has_failed(one) for one in each):
            yield (Entry(label), *map(_worst, each))
            missed |= {SILENT: {"silent"}, CLOSED: {"closed"} & closed}.get(causes, set())
    if missed and here != LIBRARYS:
        who = " or ".join(sorted(missed))
        entries = (at_the_librarys(facts, cell) for cell in cells)
        yield (Entry(f"{who} at {LIBRARYS}, by the rules"), *entries)


def _has_failed(one: Going) -> bool:
    return any(group.status is Status.FAILED for group in one.groups)


def at_the_librarys(facts: Facts, cell: Cell) -> Entry:
    """When a silent client is to be noticed at the library's own heartbeat: ``20 to 65 s``."""
    window = predicted(facts.result, cell, LIBRARYS)
    return Entry(EMPTY if window is None else window_text(window))


def _worst(one: Going) -> Entry:
    if not one.groups:
        return Entry(EMPTY)
    worst = min((group.status for group in one.groups), key=list(Status).index)
    if not one.clients:
        return Entry(_ABSENT.get(worst, EMPTY), status=worst)
    doubt = "invalid, " if any(group.status is Status.INVALID for group in one.groups) else ""
    status = Status.INVALID if doubt else Status.OK
    if one.missed:
        return Entry("never", f"{doubt}{one.missed} of {counted(one.clients, 'client')}", status)
    return Entry(seconds(max(one.times_s)), f"{doubt}slowest of {one.clients:,}", status)


_ABSENT = {Status.FAILED: "failed", Status.UNAVAILABLE: "not available"}
