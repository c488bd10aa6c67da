"""Our client beside python-socketio's: do two clients that share no code measure the same server?

Both measured every cell in the same blocks, so their numbers are compared as cells are: by the
ratio within blocks and its interval. Where they differ, the generator's own CPU time may say why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.record.words import Better, Client, Status, Unit, row_of, scenario_of
from loadtests.scenarios.registry import metrics_of
from reports.facts.numbers import EMPTY, counted, readable, short, times, with_unit
from reports.facts.ratios import ratio_of
from reports.facts.rows import Cell, Row, cells_of, row_names
from reports.facts.run import Facts
from reports.facts.stats import Ratio
from reports.facts.tables import Entry, Table, metric_label
from reports.sections.registry import SECTIONS
from reports.sections.section import Compared

#: The clients agree within a tenth, or within half a millisecond where that is more: the reference
#: needs that much CPU time for a message, and a millisecond's difference decides nothing.
MARGIN_SHARE, MARGIN_MS = 0.10, 0.5
#: Above this share of its core a generator measures itself (BUSY_GENERATOR_PERCENT of
#: loadtests/arithmetic/validity.py, from where on it calls a number invalid).
BUSY_PERCENT = 85.0
#: CPU time of the generator that makes up this share of a difference explains it.
EXPLAINING_SHARE = 0.5

MARGIN = (
    "Two numbers agree where the 95 % interval of their ratio within blocks (with one trial, the "
    f"ratio itself) lies within {100 * MARGIN_SHARE:.0f} % of ours, or within {MARGIN_MS} ms."
)

_MS_PER = {Unit.MILLISECONDS: 1.0, Unit.SECONDS: 1000.0}


class Judgement(StrEnum):
    """What the trials say about two numbers."""

    AGREE = "agree"
    DIFFER = "differ"
    UNDECIDED = "undecided"  #: the interval reaches both into the margin and out of it
    MISSING = "missing"  #: one of them has no number


_CONCLUSIONS = {
    Judgement.AGREE: "within the margin",
    Judgement.DIFFER: "apart",
    Judgement.UNDECIDED: "undecided by the trials",
    Judgement.MISSING: "without a number from one of the clients",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """One metric of one cell, measured with both clients.

    Attributes:
        ratio: how many times as much the reference has.
    """

    ours: Row
    reference: Row
    ratio: Ratio | None

    @property
    def verdict(self) -> Judgement:
        """Whether they agree within the margin."""
        value = self.ours.value
        if self.ratio is None or not value:
            return Judgement.MISSING
        low = self.ratio.value if self.ratio.low is None else self.ratio.low
        high = self.ratio.value if self.ratio.high is None else self.ratio.high
        margin = MARGIN_SHARE
        if (scale := _MS_PER.get(self.ours.metric.unit)) is not None:
            margin = max(margin, MARGIN_MS / (scale * value))
        if 1 - margin <= low and high <= 1 + margin:
            return Judgement.AGREE
        if high < 1 - margin or 1 + margin < low:
            return Judgement.DIFFER
        return Judgement.UNDECIDED


@dataclass(frozen=True, slots=True)
class Difference:
    """A number in which the clients differ.

    Attributes:
        name: cell, metric and ratio in a few words.
        explained: whether a load generator's CPU time explains it.
        sentence: all of it, in one sentence.
    """

    name: str
    explained: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """What is said about one row name.

    Attributes:
        conclusion: how many numbers of all cells agree.
        table: cells × metrics, both numbers in each place.
    """

    row: str
    conclusion: str
    differences: tuple[Difference, ...]
    table: Table

    @property
    def short(self) -> str:
        """The conclusion, and which numbers differ, with and without an explanation."""
        parts = [self.conclusion]
        for explained, words in (
            (True, "Apart, and a load generator's CPU explains it"),
            (False, "Apart, and no load generator's CPU explains it"),
        ):
            names = [each.name for each in self.differences if each.explained is explained]
            if names:
                parts.append(f"{words}: {'; '.join(names)}.")
        return " ".join(parts)


def chapters(facts: Facts) -> list[Chapter]:
    """One per row name that was measured with both clients; none where there is no reference."""
    measured = set(row_names(facts.rows))
    return [
        _chapter(facts, row_name)
        for row_name in row_names(facts.own_rows)
        if row_of(row_name, Client.REFERENCE) in measured and _comparable(row_name)
    ]


def pairs_of(facts: Facts, row_name: str) -> dict[tuple[Cell, str], Pair]:
    """(cell, metric) -> what both clients measured for a row name."""
    rows = {(row.row, row.cell, row.metric.name): row for row in facts.rows}
    found = {}
    for row in facts.own_rows:
        other = rows.get((row_of(row_name, Client.REFERENCE), row.cell, row.metric.name))
        if row.row == row_name and other is not None:
            found[row.cell, row.metric.name] = Pair(row, other, ratio_of(row, other))
    return found


def _chapter(facts: Facts, row_name: str) -> Chapter:
    pairs = pairs_of(facts, row_name)
    compared = _compared(row_name)
    assert compared is not None
    judged = [pair for (_, name), pair in pairs.items() if name in compared.judged]
    return Chapter(
        row=row_name,
        conclusion=_conclusion(judged),
        differences=tuple(
            _difference(facts, pair) for pair in judged if pair.verdict is Judgement.DIFFER
        ),
        table=_table(row_name, pairs, (*compared.judged, *compared.told)),
    )


def _conclusion(pairs: Sequence[Pair]) -> str:
    counts = Counter(pair.verdict for pair in pairs)
    found = [f"{counts[each]} {words}" for each, words in _CONCLUSIONS.items() if counts[each]]
    return f"{counted(len(pairs), 'number')}: {', '.join(found)}."


def _difference(facts: Facts, pair: Pair) -> Difference:
    ours, theirs = pair.ours, pair.reference
    assert pair.ratio is not None
    assert ours.estimate is not None
    assert theirs.estimate is not None
    name = f"{ours.cell}, {ours.metric.title}"
    explanation = _explanation(facts, pair)
    why = "the load generators' CPU does not explain it"
    return Difference(
        name=f"{name} {times(pair.ratio)}",
        explained=explanation is not None,
        sentence=(
            f"{name}: python-socketio's client reads {with_unit(theirs.estimate, ours.metric.unit)}"
            f", ours {with_unit(ours.estimate, ours.metric.unit)} ({times(pair.ratio)}); "
            f"{f'{explanation}, which explains it' if explanation else why}."
        ),
    )


def _explanation(facts: Facts, pair: Pair) -> str | None:
    """What of a load generator's own CPU explains a difference; None where nothing does."""
    metric = pair.ours.metric
    ours, theirs = pair.ours.value or 0.0, pair.reference.value or 0.0
    theirs_is_worse = (theirs > ours) is (metric.better is Better.LOWER)
    whose, row = ("its", pair.reference) if theirs_is_worse else ("our", pair.ours)
    compared = _compared(pair.ours.row)
    assert compared is not None
    busy = compared.spent(facts, row).busy_percent
    if busy is not None and busy > BUSY_PERCENT:
        return f"{whose} load generator used {short(busy)} % of its core"
    our_cpu = compared.spent(facts, pair.ours).cpu_us
    their_cpu = compared.spent(facts, pair.reference).cpu_us
    if our_cpu is None or their_cpu is None:
        return None
    scale = _MS_PER.get(metric.unit)
    # A rate's difference is one of the time that a message takes its turn.
    difference_ms = 1000 / theirs - 1000 / ours if scale is None else (theirs - ours) * scale
    if (their_cpu - our_cpu) / 1000 / difference_ms < EXPLAINING_SHARE:
        return None
    return (
        f"its load generator spends {short(their_cpu)} µs of CPU on {compared.on}, "
        f"ours {short(our_cpu)}"
    )


def _comparable(row: str) -> bool:
    """Whether a row has what its row_name's clients are compared by: those of outages do not."""
    compared = _compared(row)
    return compared is not None and {*compared.judged, *compared.told} <= metrics_of(row).keys()


def _compared(row: str) -> Compared | None:
    """How a row's numbers are held against each other; None where they are not."""
    return SECTIONS[scenario_of(row)].compared


def _table(row_name: str, pairs: Mapping[tuple[Cell, str], Pair], names: Sequence[str]) -> Table:
    metrics = [metrics_of(row_name)[name] for name in names]
    cells = cells_of(pair.ours for pair in pairs.values())
    return Table(
        f"{row_name}: ours / python-socketio's",
        ("cell", *map(metric_label, metrics)),
        tuple(
            (Entry(str(cell)), *(_entry(pairs[cell, metric.name]) for metric in metrics))
            for cell in cells
        ),
    )


def _entry(pair: Pair) -> Entry:
    rows = (pair.ours, pair.reference)
    bad = [row.status for row in rows if row.status is not Status.OK]
    words = [times(pair.ratio)] if pair.ratio is not None else []
    if pair.ours.metric.better is not Better.NEITHER:
        words.append(str(pair.verdict))
    words += [
        f"{whose} {row.status}"
        for whose, row in zip(("ours", "theirs"), rows, strict=True)
        if row.status is not Status.OK
    ]
    numbers = " / ".join(_number(row) for row in rows)
    return Entry(numbers, ", ".join(words), bad[0] if bad else Status.OK)


def _number(row: Row) -> str:
    if row.estimate is None:
        return EMPTY
    estimate, unit = readable(row.estimate, row.metric.unit)
    return short(estimate.value) if unit is row.metric.unit else with_unit(estimate, unit)
