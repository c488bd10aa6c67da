"""Which cell is best at what, and whether the trials bear it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.model import Better, Status
from reports.numbers import percent, short
from reports.rows import Cell, Row
from reports.stats import Ratio, ratio


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
    """What the ratios over blocks say about the first place."""

    CLEAR = "clear"  #: every other cell's ratio to it leaves out 1
    TIE = "tie"  #: at least one other's does not: not distinguishable
    SINGLE_TRIAL = "single trial"  #: no interval, so nothing is claimed
    ALONE = "alone"  #: no other cell to compare with
    NONE = "none"  #: no cell has a number that is to be trusted


@dataclass(frozen=True, slots=True)
class Answer:
    """The first place of one question.

    Attributes:
        first: the row with the best estimate; None where no row is ``ok``.
        second: the runner-up; None where there is none.
        rivals: rows that the trials do not tell apart from the first.
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
        against = f"{self.second.cell}: {_against(self.first, self.second)}"
        match self.certainty:
            case Certainty.CLEAR:
                return against
            case Certainty.SINGLE_TRIAL:
                return f"{against} (single trial, no interval)"
            case _:
                return f"not distinguishable ({against})"


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

    The best one and those that the trials do not tell from it; none where nothing sets anybody
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
    verdicts = [_apart(first, other) for other in others]
    rivals = tuple(row for row, apart in zip(others, verdicts, strict=True) if apart is False)
    if rivals:
        certainty = Certainty.TIE
    elif None in verdicts:
        certainty = Certainty.SINGLE_TRIAL
    else:
        certainty = Certainty.CLEAR
    return Answer(question, certainty, first, others[0], rivals, left_out)


def _apart(first: Row, other: Row) -> bool | None:
    """Whether the trials tell two rows apart; None where one trial is all there is."""
    if first.trials < 2 or other.trials < 2:
        return None
    found = ratio(first.values, other.values)
    return False if found is None else found.apart


def _higher_wins(row: Row) -> bool:
    return row.metric.better is Better.HIGHER


def _against(first: Row, second: Row) -> str:
    """The runner-up against the first: ``30 % more [22, 39]``, ``3.4 × as much [3.1, 3.7]``."""
    found = ratio(first.values, second.values)
    if found is None:  # a zero among them
        return "the same" if first.value == second.value else "more than none"
    if found.value == 1:
        return "the same"
    if found.value >= 2:
        ends = _ends(found, short)
        return f"{short(found.value)} × as much{ends}"
    if found.value > 1:
        ends = _ends(found, lambda times: percent((times - 1) * 100))
        return f"{percent((found.value - 1) * 100)} % more{ends}"
    ends = _ends(
        Ratio(found.value, found.high, found.low), lambda times: percent((1 - times) * 100)
    )
    return f"{percent((1 - found.value) * 100)} % less{ends}"


def _ends(found: Ratio, spell: Callable[[float], str]) -> str:
    if found.low is None or found.high is None:
        return ""
    return f" [{spell(found.low)}, {spell(found.high)}]"
