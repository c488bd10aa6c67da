"""Which cell is best at what, and whether the intervals bear it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.model import Better, Status
from reports.numbers import percent, short
from reports.rows import Cell, Row
from reports.stats import overlap


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader wants to know, and the row and metric that answer it."""

    text: str
    scenario: str
    metric: str


QUESTIONS = (
    Question("lowest latency, the usual echo (p50)", "echo", "latency_p50"),
    Question("lowest latency, the slow 1 % (p99)", "echo", "latency_p99"),
    Question("highest throughput", "echo", "throughput"),
    Question("least server CPU per echo", "echo", "server_cpu"),
    Question("quickest broadcast to the last recipient (p50)", "broadcast", "last_recipient_p50"),
    Question("quickest to notice a killed client (p50)", "disconnect:kill", "detection_p50"),
)


class Certainty(StrEnum):
    """What the intervals say about the first place."""

    CLEAR = "clear"  #: its interval overlaps no other's
    TIE = "tie"  #: it overlaps at least one other's: not distinguishable
    SINGLE_TRIAL = "single trial"  #: no interval, so nothing is claimed
    ALONE = "alone"  #: no other cell to compare with
    NONE = "none"  #: no cell has a number that is to be trusted


@dataclass(frozen=True, slots=True)
class Answer:
    """The first place of one question.

    Attributes:
        first: the row with the best estimate; None where no row is ``ok``.
        second: the runner-up; None where there is none.
        rivals: rows that the intervals do not tell apart from the first.
        left_out: how many cells have no number that is to be trusted.
    """

    question: Question
    certainty: Certainty
    first: Row | None
    second: Row | None
    rivals: tuple[Row, ...]
    left_out: int

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All that share the first place: one, or several in a tie."""
        first = () if self.first is None else (self.first, *self.rivals)
        return tuple(row.cell for row in first)

    @property
    def lead(self) -> str:
        """The runner-up against the first, or why nothing can be said."""
        if self.first is None:
            return "no number that is to be trusted"
        if self.second is None:
            return "no other cell to compare with"
        against = f"{self.second.cell}: {_apart(self.first, self.second)}"
        match self.certainty:
            case Certainty.CLEAR:
                return against
            case Certainty.SINGLE_TRIAL:
                return f"{against} (single trial, no interval)"
            case _:
                return f"not distinguishable, intervals overlap ({against})"


def answers(rows: Sequence[Row]) -> list[Answer]:
    """Answer every question that the run asked; only ``ok`` rows can win."""
    found = []
    for question in QUESTIONS:
        asked = [
            row
            for row in rows
            if row.scenario == question.scenario and row.metric.name == question.metric
        ]
        if asked:
            found.append(_answer(question, asked))
    return found


def leaders(rows: Sequence[Row]) -> frozenset[Cell]:
    """The cells that a table may set in bold for a metric.

    The best one and those that its interval does not tell from it; none where nothing sets anybody
    apart: one trial, one cell, all alike, or a metric that has no better and worse.

    Args:
        rows: one metric of one scenario, a row per cell.
    """
    if not rows or rows[0].metric.better is Better.NEITHER:
        return frozenset()
    answer = _answer(Question("", rows[0].scenario, rows[0].metric.name), rows)
    if answer.certainty not in (Certainty.CLEAR, Certainty.TIE) or answer.first is None:
        return frozenset()
    ahead = frozenset(row.cell for row in (answer.first, *answer.rivals))
    compared = sum(1 for row in rows if row.status is Status.OK)
    return ahead if len(ahead) < compared else frozenset()


def _answer(question: Question, asked: Sequence[Row]) -> Answer:
    fit = [row for row in asked if row.status is Status.OK and row.estimate is not None]
    ranked = sorted(
        fit, key=lambda row: row.value or 0.0, reverse=fit[:1] != [] and _higher_wins(fit[0])
    )
    left_out = len(asked) - len(fit)
    if len(ranked) < 2:
        certainty = Certainty.ALONE if ranked else Certainty.NONE
        return Answer(question, certainty, ranked[0] if ranked else None, None, (), left_out)
    first, others = ranked[0], ranked[1:]
    verdicts = [_overlap(first, other) for other in others]
    rivals = tuple(row for row, tied in zip(others, verdicts, strict=True) if tied)
    if rivals:
        certainty = Certainty.TIE
    elif None in verdicts:
        certainty = Certainty.SINGLE_TRIAL
    else:
        certainty = Certainty.CLEAR
    return Answer(question, certainty, first, others[0], rivals, left_out)


def _overlap(first: Row, other: Row) -> bool | None:
    if first.estimate is None or other.estimate is None:
        return None
    return overlap(first.estimate, other.estimate)


def _higher_wins(row: Row) -> bool:
    return row.metric.better is Better.HIGHER


def _apart(first: Row, second: Row) -> str:
    """The runner-up against the first: ``30 % more``, ``3.4 × as much``, ``12 % less``."""
    one, other = first.value or 0.0, second.value or 0.0
    if one == other:
        return "the same"
    if other < one:
        return f"{percent((1 - other / one) * 100)} % less"
    if one == 0:
        return "more than none"
    if other < 2 * one:
        return f"{percent((other / one - 1) * 100)} % more"
    return f"{short(other / one)} × as much"
