"""TODO."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.record.results import Result
from loadtests.record.words import Client, Status
from reports.facts.rows import Cell, Outcomes, Row


@dataclass(frozen=True, slots=True)
class Run:
    """What a check looks at: a run and what was made of it, our own client's rows only."""

    result: Result
    outcomes: Outcomes
    rows: Sequence[Row]

    def value(self, scenario: str, cell: Cell, metric: str) -> float | None:
        """The estimate of a cell, whatever it is worth."""
        for row in self.rows:
            if (row.scenario, row.cell, row.metric.name) == (scenario, cell, metric):
                return row.value
        return None


COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a cell in one row name, for one reason.

    Attributes:
        metrics: the names of the metrics that it concerns, all of them written as ``all``.
        logs: paths of the servers' logs, inside the run folder.
    """

    scenario: str
    cell: Cell
    status: Status
    metrics: tuple[str, ...]
    reasons: tuple[str, ...]
    logs: tuple[str, ...]


def troubles_of(outcomes: Outcomes, rows: Sequence[Row]) -> list[Trouble]:
    """Rows that are not ``ok``, gathered by cell and reason, with the logs to look into."""
    gathered: dict[tuple[str, Cell, Status, tuple[str, ...]], list[str]] = defaultdict(list)
    expected: dict[tuple[str, Cell], int] = defaultdict(int)
    for row in rows:
        expected[row.scenario, row.cell] += 1
        # That the reference does not know everything is in its nature.
        natural = row.client is Client.REFERENCE and row.status is Status.UNAVAILABLE
        if row.status is not Status.OK and not natural:
            gathered[row.scenario, row.cell, row.status, row.reasons].append(row.metric.name)
    return [
        Trouble(
            scenario=scenario,
            cell=cell,
            status=status,
            metrics=("all",) if len(names) == expected[scenario, cell] else tuple(names),
            reasons=reasons,
            logs=_logs(outcomes, scenario, cell),
        )
        for (scenario, cell, status, reasons), names in gathered.items()
    ]


def provenance(summary: Any) -> str:
    """What a run was, in one line: experiment, machine, trials, day, version."""
    result = summary.result
    environment = result.environment
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
