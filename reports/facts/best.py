"""Which cell is best at what, and whether the trials bear it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.record.words import Better, Status, Verdict
from reports.facts.numbers import times, with_unit
from reports.facts.ratios import is_ahead, ranked, ratio_of
from reports.facts.rows import Cell, Row
from reports.facts.stats import NOTHING
from reports.facts.verdicts import decide

#: What is said where no question has an answer.
NO_ANSWER = "This run asked none of the questions that have a first place."


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader wants to know, and the row and metric that answer it."""

    text: str
    row: str
    metric: str


class Certainty(StrEnum):
    """What the ratios over blocks say about the first place."""

    CLEAR = "clear"  #: every other cell's ratio to it leaves out 1
    TIE = "tie"  #: at least one other's does not: not distinguishable
    SINGLE_TRIAL = "single trial"  #: no interval, so nothing is claimed
    UNDECIDED = "undecided"  #: a number that is not to be trusted is better than the first
    ALONE = "alone"  #: no other cell to compare with
    NONE = "none"  #: no cell has a number that is to be trusted


@dataclass(frozen=True, slots=True)
class Answer:
    """The first place of one question.

    Attributes:
        first: the best row, by the ratios within blocks; None where no row is ``ok``.
        second: the runner-up, in a tie the nearest that is not told apart; None: there is none.
        rivals: rows that share a tie: up to the last that the trials do not tell from the first.
        left_out: how many cells have no number that is to be trusted.
        tied: those of the rivals that the trials do not tell from the first.
        doubted: those of them whose number is better than the first's all the same, best first.
    """

    question: Question
    certainty: Certainty
    first: Row | None
    second: Row | None
    rivals: tuple[Row, ...]
    left_out: int
    doubted: tuple[Row, ...] = ()
    tied: tuple[Row, ...] = ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All that share the first place: one, or several in a tie."""
        first = () if self.first is None else (self.first, *self.rivals)
        return tuple(row.cell for row in first)

    @property
    def lead(self) -> str:
        """The runner-up against the first, or why nothing can be said."""
        compared = (self.first, self.second, *self.rivals, *self.doubted)
        few = any(row is not None and row.undersampled for row in compared)
        return f"{self._standing} (few samples)" if few else self._standing

    @property
    def _standing(self) -> str:
        if self.first is None:
            return "no number that is to be trusted"
        if self.doubted:
            return f"undecided: {_doubts(self.doubted)}"
        if self.second is None:
            return "no other cell to compare with"
        against = f"{self.second.cell}: {_against(self.first, self.second)}"
        match self.certainty:
            case Certainty.CLEAR:
                return against
            case Certainty.SINGLE_TRIAL:
                return f"{against} (single trial, no interval)"
            case _:
                return f"not distinguishable ({against})"


def answers(questions: Iterable[Question], rows: Sequence[Row]) -> list[Answer]:
    """Answer every question that the run asked.

    Only ``ok`` rows can win, and none is said to have won where a number that is not to be trusted
    is better: it may be right after all.
    """
    found = []
    for question in questions:
        asked = [
            row for row in rows if row.row == question.row and row.metric.name == question.metric
        ]
        if asked:
            found.append(_answer(question, asked))
    return found


def leaders(rows: Sequence[Row]) -> frozenset[Cell]:
    """The cells that a table may set in bold for a metric.

    The best one and those that the trials do not tell from it, but for those with few samples; none
    where nothing sets anybody apart: one trial, one cell, all alike, a better number that is not to
    be trusted, or a metric that has no better and worse.

    Args:
        rows: one metric of one scenario, a row per cell.
    """
    if not rows or rows[0].metric.better is Better.NEITHER:
        return frozenset()
    answer = _answer(Question("", rows[0].row, rows[0].metric.name), rows)
    if answer.certainty not in (Certainty.CLEAR, Certainty.TIE) or answer.first is None:
        return frozenset()
    ahead = (answer.first, *answer.tied)
    if len(ahead) == sum(1 for row in rows if row.status is Status.OK):
        return frozenset()
    return frozenset(row.cell for row in ahead if not row.undersampled)


def _answer(question: Question, asked: Sequence[Row]) -> Answer:
    sound = ranked(row for row in asked if row.status is Status.OK)
    left_out = len(asked) - len(sound)
    if not sound:
        return Answer(question, Certainty.NONE, None, None, (), left_out)
    first, others = sound[0], sound[1:]
    doubted = tuple(
        row
        for row in ranked(row for row in asked if row.status is Status.INVALID)
        if is_ahead(row, first)
    )
    verdicts = [_apart(first, other) for other in others]
    tied = [place for place, apart in enumerate(verdicts) if apart is False]
    # Whoever is ahead of one that cannot be told from the first shares the first place with it.
    rivals = tuple(others[: tied[-1] + 1]) if tied else ()
    if doubted:
        certainty = Certainty.UNDECIDED
    elif not others:
        certainty = Certainty.ALONE
    elif rivals:
        certainty = Certainty.TIE
    elif None in verdicts:
        certainty = Certainty.SINGLE_TRIAL
    else:
        certainty = Certainty.CLEAR
    # Of a tie the nearest of those that make it one.
    second = others[tied[0] if tied else 0] if others else None
    alike = tuple(others[place] for place in tied)
    return Answer(question, certainty, first, second, rivals, left_out, doubted, alike)


def _doubts(rows: Sequence[Row]) -> str:
    """``a × polling reads 2.36 ms, but that number is not to be trusted``."""
    read = ", ".join(
        f"{row.cell} reads {with_unit(row.estimate, row.metric.unit)}"
        for row in rows
        if row.estimate
    )
    one = len(rows) == 1
    return f"{read}, but {'that number is' if one else 'these numbers are'} not to be trusted"


def _apart(first: Row, other: Row) -> bool | None:
    """Whether the trials tell two rows apart; None where one trial is all there is.

    Where numbers are missing, the first, which is ahead of most, may be behind a single one.
    """
    if first.trials < 2 or other.trials < 2:
        return None
    found = ratio_of(first, other)
    if found is None:
        return False
    if found.apart is None:
        return None
    return decide(found, first.metric.better) is Verdict.SLOWER


def _against(first: Row, second: Row) -> str:
    """The runner-up against the first: ``1.30 × [1.22, 1.39]``."""
    found = ratio_of(first, second)
    if found is None:
        return _without_ratio(first, second)
    return "the same" if found.value == 1 else times(found)


def _without_ratio(first: Row, second: Row) -> str:
    if first.value == second.value:
        return "the same"
    numbers = [value for row in (first, second) for value in row.values if value is not None]
    return "more than none" if min(numbers) <= NOTHING else "never in the same block"
