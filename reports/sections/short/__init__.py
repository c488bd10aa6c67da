"""In short: what a reader with a minute takes along; every page and the terminal begin with it."""

from __future__ import annotations

from dataclasses import dataclass

from reports.facts.best import Answer
from reports.facts.findings import Finding
from reports.facts.run import Facts
from reports.facts.tables import Table
from reports.sections.short import coming, lines, within
from reports.sections.short.sentences import Sentence, Told, sentences

TITLE = "In short"


@dataclass(frozen=True, slots=True)
class Short:
    """A run in a minute.

    Attributes:
        sentences: three to five where the run has as much to say.
        tables: one for each transport; their columns are modes.
        within: what to set to be told within so many seconds, and the cheaper settings.
        reference: the mode that others are held against; None where there is none.
        coming: a table for each transport of it.
    """

    sentences: tuple[Sentence, ...] = ()
    tables: tuple[Table, ...] = ()
    within: tuple[Table, ...] = ()
    reference: str | None = None
    coming: tuple[Table, ...] = ()


def short_of(
    facts: Facts,
    answers: tuple[Answer, ...],
    findings: tuple[Finding, ...],
    reference: str | None = None,
) -> Short:
    """A run in a minute.

    Args:
        facts: of the run.
        answers: to the questions of all sections.
        findings: about the run.
        reference: the mode that others are held against; None: eventlet where the run has it.

    Raises:
        ReportError: the run does not have that mode.
    """
    mode = coming.reference_of(facts, reference)
    return Short(
        sentences=sentences(Told(facts, answers, findings)),
        tables=lines.tables(facts),
        within=within.tables(facts),
        reference=mode,
        coming=() if mode is None else coming.tables(facts, mode),
    )
