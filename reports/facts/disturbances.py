"""What the machine or the load generator did to trials, and what was done about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from reports.facts.findings import Finding, Kind, Severity, names
from reports.facts.numbers import counted, percent
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.facts.worth import cause_of

#: What a trial's generator tells, in per cent of a core: CPU time of the cell's server while others
#: were on turn, and of other processes on the server's core while it was measured.
OFF_TURN, OTHERS = "off_turn_percent", "others_percent"
#: More than this share of a core moves a number by more than cells are told apart by.
TAKEN_PERCENT = 5.0
#: So many cells and reasons are listed; the rest is counted.
_LISTED = 6


@dataclass(slots=True)
class _LeftOut:
    """What one row name lacks in one cell, over all its metrics.

    Attributes:
        most: how many trials the metric does without that lacks the most.
    """

    most: int = 0
    metrics: list[str] = field(default_factory=list)
    causes: dict[str, None] = field(default_factory=dict)


def _trials(facts: Facts) -> Iterator[Finding]:
    """Numbers that do without a trial."""
    found: dict[tuple[str, Cell, int], _LeftOut] = defaultdict(_LeftOut)
    for row in facts.own_rows:
        if row.left_out:
            own = found[row.row, row.cell, row.trials + row.left_out]
            own.most = max(own.most, row.left_out)
            own.metrics.append(row.metric.title)
            # "1 of 5 trials left out: why"
            own.causes |= dict.fromkeys(reason.partition(": ")[2] for reason in row.reasons)
    if found:
        sentences = [
            f"{one.most} of {counted(total, 'trial')} of {name} in {cell} "
            f"({_some(one.metrics, 'more', ', ')}): {' and '.join(one.causes)}"
            for (name, cell, total), one in found.items()
        ]
        yield Finding(
            Kind.TRIALS_LEFT_OUT,
            Severity.NOTE,
            "Numbers do without trials that the machine or the load generator disturbed, whatever "
            f"the server did: {_some(sentences, 'more')}.",
            "Read them as they stand, on fewer trials: what was left out was chosen by its cause "
            "and not by its number; run again on a quieter machine to have them all.",
            names(dict.fromkeys(cell for _, cell, _ in found)),
        )


def _slices(facts: Facts) -> Iterator[Finding]:
    """Slices of load that are in no number."""
    slices = [each for trial in facts.result.trials for each in trial.generator.slices]
    causes = Counter(cause_of(each.left_out) for each in slices if each.left_out)
    if causes:
        listed = [f"{cause} ({count})" for cause, count in causes.most_common()]
        yield Finding(
            Kind.SLICES_LEFT_OUT,
            Severity.NOTE,
            f"{causes.total():,} of {counted(len(slices), 'slice')} of load were disturbed and are "
            f"in no number: {_some(listed, 'more')}.",
            "Read the numbers as they stand: what disturbed a slice is looked for beside the "
            "server, not in its numbers; a quieter machine loses fewer.",
        )


def _off_turn(facts: Facts) -> Iterator[Finding]:
    taken = _most(facts, OFF_TURN)
    if taken:
        yield Finding(
            Kind.OFF_TURN,
            Severity.WARNING,
            "A server was at work while others were on turn, on the core that they share: "
            f"{_percents(taken)} of a core.",
            "Read the other cells' CPU and latency as a little too high, and look into this "
            "server's log for what it does when nobody asks.",
            names(taken),
        )


def _others(facts: Facts) -> Iterator[Finding]:
    taken = _most(facts, OTHERS)
    if taken:
        yield Finding(
            Kind.OTHERS,
            Severity.WARNING,
            "Other processes used the server's core while it was measured: "
            f"{_percents(taken)} of it.",
            "Run nothing else on this machine while it measures (a browser, a build, an update), "
            "and run again before quoting these cells' latency.",
            names(taken),
        )


#: What is looked for in every run.
CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (_trials, _slices, _off_turn, _others)


def _most(facts: Facts, name: str) -> dict[Cell, float]:
    """The highest of a number over each cell's trials, where it is too much; highest first."""
    planned = {each.number: Cell(each.mode, each.transport) for each in facts.result.plan}
    found: dict[Cell, float] = {}
    for trial in facts.result.trials:
        used, cell = trial.generator.number(name), planned.get(trial.number)
        if cell is not None and used is not None and used > TAKEN_PERCENT:
            found[cell] = max(used, found.get(cell, 0.0))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _percents(taken: dict[Cell, float]) -> str:
    words = (f"{cell} up to {percent(used)} %" for cell, used in taken.items())
    return _some(words, "more")


def _some(words: Iterable[str], rest: str, separator: str = "; ") -> str:
    """The first few, and how many more there are."""
    every = list(words)
    if len(every) <= _LISTED:
        return separator.join(every)
    return separator.join([*every[:_LISTED], f"and {len(every) - _LISTED} {rest}"])
