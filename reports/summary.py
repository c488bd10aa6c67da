"""Everything that is said about a run, computed once; every file is a rendering of it."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.record.results import Result
from reports.facts import checks, disturbances
from reports.facts.best import Answer, answers
from reports.facts.findings import Finding, in_order
from reports.facts.run import Facts, facts_of
from reports.sections import generator
from reports.sections.registry import SECTIONS


@dataclass(frozen=True, slots=True)
class Summary(Facts):
    """A run, explained.

    Attributes:
        answers, findings: from our own client's rows.
    """

    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]


def summarise(result: Result) -> Summary:
    """Explain a run.

    Raises:
        ReportError: there is nothing to report, or this version does not know how.
    """
    facts = facts_of(result)
    questions = [each for section in SECTIONS.values() for each in section.questions]
    looks = (
        *checks.CHECKS,
        *disturbances.CHECKS,
        *generator.CHECKS,
        *(check for section in SECTIONS.values() for check in section.checks),
    )
    return Summary(
        result=facts.result,
        outcomes=facts.outcomes,
        rows=facts.rows,
        own_rows=facts.own_rows,
        own_outcomes=facts.own_outcomes,
        answers=tuple(answers(questions, facts.own_rows)),
        findings=tuple(in_order(finding for look in looks for finding in look(facts))),
    )
