"""A run and what was made of it: what checks, charts and sections look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.record.results import Result
from loadtests.record.words import Client, Status, client_of
from reports.facts.numbers import number_of
from reports.facts.ratios import compared
from reports.facts.rows import Cell, Outcomes, Row, outcomes_of, rows_of

COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Facts:
    """A result, its trials by row and cell, and a row for each number.

    Attributes:
        rows: all of them, those of a reference or a lean client among them.
        own_rows: those of our own client: what is shown and compared as a cell. The others have
            parts of their own (reports/sections/reference.py, lean.py).
        own_outcomes: the same of the trials.
    """

    result: Result
    outcomes: Outcomes
    rows: tuple[Row, ...]
    own_rows: tuple[Row, ...]
    own_outcomes: Outcomes

    def value(self, name: str, cell: Cell, metric: str) -> float | None:
        """The estimate of a row's name in a cell, whatever it is worth."""
        for row in self.rows:
            if (row.row, row.cell, row.metric.name) == (name, cell, metric):
                return row.value
        return None

    def setting(self, scenario: str, name: str) -> float | None:
        """A number of the experiment, as the result file has it; None where it has none."""
        options = self.result.experiment.get(scenario)
        found = options.get(name) if isinstance(options, Mapping) else None
        return number_of(found)

    @property
    def interrupted(self) -> bool:
        """Whether the run ended before its plan did."""
        return self.result.ended != COMPLETE

    @property
    def failed(self) -> bool:
        """Whether a measurement failed or is missing."""
        return self.interrupted or any(row.status is Status.FAILED for row in self.rows)


def facts_of(result: Result) -> Facts:
    """Read a run.

    Raises:
        ReportError: there is nothing to report, or this version does not know how.
    """
    outcomes = outcomes_of(result)
    rows = tuple(compared(rows_of(outcomes, interrupted=result.ended != COMPLETE)))
    ours = Client.TRANSPORT_BENCH
    return Facts(
        result=result,
        outcomes=outcomes,
        rows=rows,
        own_rows=tuple(row for row in rows if row.client is ours),
        own_outcomes={key: each for key, each in outcomes.items() if client_of(key[0]) is ours},
    )


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a cell in one row name, for one reason.

    Attributes:
        metrics: the names of the metrics that it concerns, all of them written as ``all``.
        logs: paths of the servers' logs, inside the run folder.
    """

    row: str
    cell: Cell
    status: Status
    metrics: tuple[str, ...]
    reasons: tuple[str, ...]
    logs: tuple[str, ...]


def troubles_of(facts: Facts) -> list[Trouble]:
    """Rows that are not ``ok``, gathered by cell and reason, with the logs to look into."""
    gathered: dict[tuple[str, Cell, Status, tuple[str, ...]], list[str]] = defaultdict(list)
    expected: dict[tuple[str, Cell], int] = defaultdict(int)
    for row in facts.rows:
        expected[row.row, row.cell] += 1
        # That the reference does not know everything is in its nature.
        natural = row.client is Client.REFERENCE and row.status is Status.UNAVAILABLE
        if row.status is not Status.OK and not natural:
            gathered[row.row, row.cell, row.status, row.reasons].append(row.metric.name)
    return [
        Trouble(
            row=name,
            cell=cell,
            status=status,
            metrics=("all",) if len(names) == expected[name, cell] else tuple(names),
            reasons=reasons,
            logs=_logs(facts.outcomes, name, cell),
        )
        for (name, cell, status, reasons), names in gathered.items()
    ]


def compressions(facts: Facts) -> dict[str, list[Cell]]:
    """What our clients' WebSocket connections agreed on -> in which cells."""
    found: dict[str, list[Cell]] = {}
    for (_, cell), outcomes in facts.own_outcomes.items():
        for outcome in outcomes:
            agreed = outcome.trial.generator.compression if outcome.trial else ""
            if agreed and cell not in found.setdefault(agreed, []):
                found[agreed].append(cell)
    return found


def codings(facts: Facts) -> dict[tuple[str, ...], list[str]]:
    """Content codings of the answers that our long-polling clients got -> rows of their trials."""
    of_row: dict[str, set[str]] = {}
    for (row, _), outcomes in facts.own_outcomes.items():
        for outcome in outcomes:
            if outcome.trial:
                of_row.setdefault(row, set()).update(outcome.trial.generator.codings)
    found: dict[tuple[str, ...], list[str]] = {}
    for row, names in of_row.items():
        if names:
            found.setdefault(tuple(sorted(names)), []).append(row)
    return found


def provenance(facts: Facts) -> str:
    """What a run was, in one line: experiment, machine, trials, day, version."""
    result = facts.result
    environment: Mapping[str, Any] = result.environment
    parts = [
        str(result.experiment.get("name") or "unnamed experiment"),
        str(environment.get("cpu") or "unknown machine"),
        f"{environment['cores']} cores" if environment.get("cores") else "",
        result.started[:10],
        f"transport-bench {result.version}",
    ]
    return " · ".join(part for part in parts if part)


def python_name(version: str) -> str:
    """``Python 3.11.7``; as it stands where it has a name already (``CPython 3.11.7``)."""
    return f"Python {version}" if version[:1].isdecimal() else version


def _logs(outcomes: Outcomes, scenario: str, cell: Cell) -> tuple[str, ...]:
    logs = (
        outcome.trial.server_log
        for outcome in outcomes[scenario, cell]
        if outcome.trial and outcome.trial.server_log
    )
    return tuple(dict.fromkeys(logs))
