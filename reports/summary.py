"""Everything that is said about a run, computed once; every file is a rendering of it."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.record.results import Result
from loadtests.record.words import Client, Status, client_of
from reports.facts.best import Answer, answers
from reports.facts.checks import findings_of
from reports.facts.findings import Finding
from reports.facts.rows import Outcomes, Row, outcomes_of, rows_of
from reports.facts.run import COMPLETE


@dataclass(frozen=True, slots=True)
class Summary:
    """A run, explained.

    Attributes:
        rows: all of them, those of a reference client among them.
        own_rows: those of our own client: what is shown and compared as a cell. The reference has
            a section of its own (reports/sections/reference.py).
        answers, findings: from our own client's.
    """

    result: Result
    outcomes: Outcomes
    rows: tuple[Row, ...]
    own_rows: tuple[Row, ...]
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]

    @property
    def interrupted(self) -> bool:
        """Whether the run ended before its plan did."""
        return self.result.ended != COMPLETE

    @property
    def failed(self) -> bool:
        """Whether a measurement failed or is missing."""
        return self.interrupted or any(row.status is Status.FAILED for row in self.rows)


def summarise(result: Result) -> Summary:
    """Explain a run.

    Raises:
        ReportError: there is nothing to report, or this version does not know how.
    """
    outcomes = outcomes_of(result)
    rows = tuple(rows_of(outcomes, interrupted=result.ended != COMPLETE))
    ours = Client.TRANSPORT_BENCH
    own = {key: found for key, found in outcomes.items() if client_of(key[0]) is ours}
    own_rows = tuple(row for row in rows if row.client is ours)
    return Summary(
        result=result,
        outcomes=outcomes,
        rows=rows,
        own_rows=own_rows,
        answers=tuple(answers(own_rows)),
        findings=tuple(findings_of(result, own, own_rows)),
    )
