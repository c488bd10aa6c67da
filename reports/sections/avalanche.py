"""What is said about a server that is restarted under many clients."""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.record.results import Trial
from loadtests.record.words import Status
from loadtests.scenarios.avalanche import SCENARIO
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell, Row, row_names
from reports.facts.run import Facts
from reports.sections import avalanche_chart
from reports.sections.section import Section

NAME = SCENARIO.name
#: Those who are back and wait longer than this for an answer think that nothing works, ms.
_TOO_LONG_MS = 1000.0


def _values(facts: Facts, metric: str) -> dict[Cell, Row]:
    """The rows of a metric that have a number."""
    return {
        row.cell: row
        for row in facts.own_rows
        if row.row == NAME and row.metric.name == metric and row.value is not None
    }


def _wanted(facts: Facts) -> bool:
    return NAME in row_names(facts.own_rows) and avalanche_chart.wanted(facts)


def _not_back(facts: Facts) -> Iterator[Finding]:
    """Clients that had no connection in the end."""
    seen = {
        cell: f"{cell} {short(row.value)} of {_clients(facts, cell):,}"
        for cell, row in _values(facts, "not_back").items()
        if row.value
    }
    if seen:
        yield Finding(
            "not-back",
            Severity.WARNING,
            "After a restart some clients were not connected again as long as they were waited "
            f"for: {', '.join(seen.values())}.",
            "Look into the server's log for what it refuses; have several processes share the "
            "clients, or clients wait longer and more differently (reconnectionDelayMax, "
            "randomizationFactor).",
            names(seen),
        )


def _refused(facts: Facts) -> Iterator[Finding]:
    """A server answered and did not take everybody."""
    seen: dict[Cell, str] = {}
    for cell, row in _values(facts, "refused").items():
        if row.value:
            why = _notes(facts, cell, "refused")
            seen[cell] = f"{cell} {short(row.value)}" + (f", {why}" if why else "")
    if seen:
        yield Finding(
            "refused-returns",
            Severity.WARNING,
            "Attempts to come back failed although a server answered again: "
            f"{'; '.join(seen.values())}.",
            "Raise what the server takes at a time (eventlet's max_size, the backlog of its "
            "listening socket, gunicorn's worker_connections or threads), or run more processes: "
            "each failed attempt makes a client wait longer before the next.",
            names(seen),
        )


def _held_up(facts: Facts) -> Iterator[Finding]:
    """Who is back waits for those who still come."""
    seen = {
        cell: f"{cell} up to {short((row.value or 0) / 1000)} s"
        for cell, row in _values(facts, "answer_max").items()
        if row.status is Status.OK and (row.value or 0) > _TOO_LONG_MS
    }
    if seen:
        yield Finding(
            "returns-hold-up",
            Severity.NOTE,
            "While others come back, clients that are back wait for an answer: "
            f"{', '.join(seen.values())}.",
            "Do little in the connect handler, spread the returns (a larger reconnectionDelay and "
            "reconnectionDelayMax in the clients), or have more processes share them.",
            names(seen),
        )


def _waited_for_server(facts: Facts) -> Iterator[Finding]:
    """Whether clients were later than their own delays have them; else the times are theirs."""
    later = {cell: _later(facts, cell) for name, cell in facts.own_outcomes if name == NAME}
    seen = {
        cell: f"{cell} {short(max(counts))} of {_clients(facts, cell):,}"
        for cell, counts in later.items()
        if any(counts)
    }
    if seen:
        yield Finding(
            "later-than-their-delays",
            Severity.NOTE,
            "After a restart clients were back later than their own delays have them try: "
            f"{', '.join(seen.values())}.",
            "Read times to be back of other cells as the clients' own; here the server took them "
            "in more slowly than they came.",
            names(seen),
        )
    elif any(later.values()):
        yield Finding(
            "own-delays",
            Severity.NOTE,
            "After a restart clients were back as soon as their own delays let them try: no server "
            "made them wait for long.",
            "Take the times to be back for what socket.io-client does (1 to 5 s), and hold servers "
            "against each other by answer max and server CPU, or have more clients.",
        )


def _later(facts: Facts, cell: Cell) -> list[float]:
    """How many clients were later than their delays, in each trial that says so."""
    found = [trial.generator.number("reconnected_later") for trial in _trials(facts, cell)]
    return [count for count in found if count is not None]


def _trials(facts: Facts, cell: Cell) -> list[Trial]:
    return [each.trial for each in facts.own_outcomes.get((NAME, cell), ()) if each.trial]


def _clients(facts: Facts, cell: Cell) -> int:
    """How many were connected before."""
    return max((trial.generator.connections for trial in _trials(facts, cell)), default=0)


def _notes(facts: Facts, cell: Cell, metric: str) -> str:
    """What the trials say beside a number, each once."""
    notes = [
        note
        for trial in _trials(facts, cell)
        for measurement in trial.measurements
        if (note := measurement.notes.get(metric))
    ]
    return "; ".join(dict.fromkeys(notes))


SECTION = Section(
    scenario=NAME,
    title="Avalanche",
    meaning="A server is killed under many clients and started again: when are all of them back, "
    "and how long do those who are back wait for an answer while others still come?",
    headlines=("back_p50", "back_max", "not_back", "refused", "answer_max", "server_cpu"),
    questions=(
        Question("all back soonest after a restart", NAME, "back_max"),
        Question("least held up by others who come back", NAME, "answer_max"),
    ),
    charts=(
        ChartKind(
            "avalanche-back",
            "Clients that are back after a restart",
            "The share of the clients that are connected again, over the time since a server "
            "answers; higher is better. A thin line is one trial. At the dotted line all have "
            "tried again by their own delays: what comes later waited for the server.",
            avalanche_chart.share_back,
            _wanted,
        ),
    ),
    checks=(_not_back, _refused, _held_up, _waited_for_server),
)
