"""Two stored runs beside each other. Advice: what lies between two runs is never only their code.

Base and head were measured one after the other, so that whatever the machine did between them is in
every ratio; only pairs that were measured together can convict (``python -m loadtests gate``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from loadtests.arithmetic.estimates import CONFIDENCE
from loadtests.record.words import Better, Status, Verdict
from reports.facts import verdicts
from reports.facts.changes import Change, in_order, number
from reports.facts.fingerprints import Difference, differences
from reports.facts.numbers import EMPTY, counted, times
from reports.facts.rows import Cell, Row, cells_of, row_names
from reports.facts.run import Facts
from reports.facts.stats import NOTHING, Ratio, unpaired_ratio
from reports.facts.tables import Entry, Table, metric_label

#: A count that was never there before is told when so many trials of the head have it.
_TWICE = 2

OTHER_MACHINE = "measured on another machine"


@dataclass(frozen=True, slots=True)
class Sides:
    """Two runs.

    Attributes:
        differences: what else is not the same in both.
        changes: every metric that both planned, what moved first.
        only_base, only_head: rows and cells that the other did not plan.
    """

    base: Facts
    head: Facts
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]

    @property
    def same_machine(self) -> bool:
        """Whether anything may be called faster or slower."""
        return not any(one.machine for one in self.differences)

    @property
    def moved(self) -> tuple[Change, ...]:
        """What a reader is to see first."""
        return tuple(change for change in self.changes if change.moved)

    @property
    def judged(self) -> int:
        """How many of the changes have a verdict."""
        return sum(change.verdict is not None for change in self.changes)


def beside(base: Facts, head: Facts) -> Sides:
    """Hold a run against another."""
    unlike = tuple(differences(base.result, head.result))
    comparable = not any(one.machine for one in unlike)
    own = {key_of(row): row for row in base.rows}
    changes = [
        _change(own[key_of(row)], row, comparable) for row in head.rows if key_of(row) in own
    ]
    return Sides(
        base=base,
        head=head,
        differences=unlike,
        changes=tuple(in_order(changes)),
        only_base=tuple(_only(base, head)),
        only_head=tuple(_only(head, base)),
    )


def headline(sides: Sides) -> str:
    """What came of it, in one line."""
    if not sides.changes:
        return "The two runs have no row and cell in common: there is nothing to compare."
    if not sides.same_machine:
        names = ", ".join(one.what for one in sides.differences if one.machine)
        return f"Two machines ({names}): nothing is called faster or slower."
    counts = {
        verdict: sum(change.verdict is verdict for change in sides.changes)
        for verdict in (Verdict.SLOWER, Verdict.FASTER)
    }
    appeared = len(sides.moved) - sum(counts.values())
    parts = [f"{count:,} {verdict}" for verdict, count in counts.items() if count]
    parts += [f"{counted(appeared, 'count')} that base never had"] if appeared else []
    said = ", ".join(parts) or "Nothing moved"
    return (
        f"{said} of {counted(sides.judged, 'number')}. "
        "Two stored runs are advice: only fresh pairs convict."
    )


def reading(sides: Sides) -> str:
    """How to read the numbers, under them."""
    size = verdicts.SIZE * 100
    text = (
        "head / base is the ratio of the geometric means of the trials, with Welch's 95 % "
        f"interval. Slower and faster want an interval without 1 and a change of {size / 2:g} % at "
        f"least; a slowdown is excluded where the interval ends below {size:g} %."
    )
    if not sides.same_machine:
        return text
    intervals = sum(bool(one.ratio and one.ratio.low) for one in sides.changes if one.verdict)
    chance = round(intervals * (1 - CONFIDENCE))
    return (
        f"{text} Of {intervals:,} intervals about {chance:,} leave out 1 by chance alone, and "
        "what the machine did between the two runs is in all of them."
    )


def side_by_side(sides: Sides) -> list[Table]:
    """For every row name a table of metrics × cells, with both numbers and their ratio."""
    found = {key_of(one): one for one in sides.changes}
    rows = [row for row in sides.head.rows if key_of(row) in found]
    tables = []
    for name in row_names(rows):
        here = [row for row in rows if row.row == name]
        cells = cells_of(here)
        metrics = list(dict.fromkeys(row.metric for row in here))
        lines = tuple(
            (
                Entry(metric_label(metric)),
                *(_both(found.get((name, cell, metric.name))) for cell in cells),
            )
            for metric in metrics
        )
        tables.append(Table(name, ("metric, base → head", *map(str, cells)), lines))
    return tables


def _both(change: Change | None) -> Entry:
    if change is None:
        return Entry(EMPTY)
    detail = "" if change.ratio is None else times(change.ratio)
    if change.moved:
        detail = change.words
    status = max(change.base.status, change.head.status, key=list(Status).index)
    if status is Status.OK and change.verdict is Verdict.SLOWER:
        status = Status.FAILED
    return Entry(
        f"{change.base.text} → {change.head.text}",
        detail,
        status,
        strong=change.verdict is Verdict.FASTER,
    )


def key_of(row: Row | Change) -> tuple[str, Cell, str]:
    """What the same number of both runs has in common."""
    return row.row, row.cell, row.metric.name


def _only(one: Facts, other: Facts) -> list[str]:
    return [f"{row}, {cell}" for row, cell in one.outcomes if (row, cell) not in other.outcomes]


def _change(base: Row, head: Row, comparable: bool) -> Change:
    values = [[each for each in row.values if each is not None] for row in (base, head)]
    found = unpaired_ratio(*values)
    verdict, words, moved = _decided(base, head, found, comparable)
    return Change(
        row=head.row,
        cell=head.cell,
        metric=head.metric,
        ratio=found,
        verdict=verdict,
        words=words,
        base=_number(base),
        head=_number(head),
        moved=moved,
    )


def _decided(
    base: Row, head: Row, found: Ratio | None, comparable: bool
) -> tuple[Verdict | None, str, bool]:
    """The verdict, its words, and whether it is to be seen first."""
    doubtful = [
        f"{name} is {row.status}"
        for name, row in (("base", base), ("head", head))
        if row.status is not Status.OK
    ]
    better = head.metric.better
    if doubtful:
        return None, f"not compared: {', '.join(doubtful)}", False
    if better is Better.NEITHER:
        return None, "", False
    if not comparable:
        return None, f"not compared: {OTHER_MACHINE}", False
    if found is None:
        return None, *_of_nothing(base, head)
    if found.low is None:
        return Verdict.INCONCLUSIVE, "inconclusive: a single trial has no interval", False
    verdict = verdicts.decide(found, better, verdicts.SIZE)
    words = verdicts.phrase(
        verdict,
        found,
        bound=verdicts.excluded(found, better),
        more=verdicts.wanted(found, min(base.trials, head.trials), verdicts.SIZE),
        noun="trials of each",
    )
    return verdict, words, verdict in (Verdict.SLOWER, Verdict.FASTER)


def _of_nothing(base: Row, head: Row) -> tuple[str, bool]:
    """What is said of numbers of which one is 0, and whether it is to be seen first."""
    one, other = (
        sum(value is not None and value > NOTHING for value in row.values) for row in (base, head)
    )
    if not one and not other:
        return "none in both", False
    if not one:
        return f"none in base, in {counted(other, 'trial')} of head", other >= _TWICE
    if not other:
        return f"in {counted(one, 'trial')} of base, none in head", False
    return f"in {counted(one, 'trial')} of base, in {counted(other, 'trial')} of head", False


def _number(row: Row) -> Entry:
    if row.estimate is None:
        return Entry(str(row.status), status=row.status)
    return replace(number(row.estimate.value, row.metric), status=row.status)
