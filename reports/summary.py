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
from reports.sections.short import Short, short_of


@dataclass(frozen=True, slots=True)
class Summary(Facts):
    """A run, explained.

    Attributes:
        answers, findings: from our own client's rows.
        short: what a reader with a minute takes along.
    """

    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]
    short: Short


def summarise(result: Result, reference: str | None = None) -> Summary:
    """Explain a run.

    Args:
        result: of the run.
        reference: the mode that "Coming from" holds the others against; None: eventlet.

    Raises:
        ReportError: there is nothing to report, this version does not know how, or the run does not
            have that mode.
    """
    facts = facts_of(result)
    questions = [each for section in SECTIONS.values() for each in section.questions]
    looks = (
        *checks.CHECKS,
        *disturbances.CHECKS,
        *generator.CHECKS,
        *(check for section in SECTIONS.values() for check in section.checks),
    )
    answered = tuple(answers(questions, facts.own_rows))
    findings = tuple(in_order(finding for look in looks for finding in look(facts)))
    return Summary(
        result=facts.result,
        outcomes=facts.outcomes,
        rows=facts.rows,
        own_rows=facts.own_rows,
        own_outcomes=facts.own_outcomes,
        answers=answered,
        findings=findings,
        short=short_of(facts, answered, findings, reference),
    )
