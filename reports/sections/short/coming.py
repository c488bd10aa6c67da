"""Coming from a mode: what every other one does better and worse over the same transport."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.record.results import Window
from loadtests.record.words import Status, Verdict
from reports.facts.errors import ReportError
from reports.facts.numbers import EMPTY, times
from reports.facts.ratios import ratio_of
from reports.facts.rows import Cell, Row
from reports.facts.run import Facts
from reports.facts.tables import WORSE, Entry, Table
from reports.facts.text import shown
from reports.facts.verdicts import decide
from reports.sections.disconnect.settings import LIBRARYS, predicted
from reports.sections.disconnect.words import window_text
from reports.sections.short.lines import NUMBERS, TRANSPORTS, cells_over, rows_of

#: Whoever asks most often is leaving it.
USUAL = "eventlet"
BETTER = "better"
CANNOT_TELL = "cannot tell"
THE_SAME = "the same"
READING = (
    "How many times the reference's number each mode's is, with its 95 % interval. Cannot tell: "
    "the interval contains “the same”, or there was one trial."
)
#: A label in an error.
_LABEL = 60


def reference_of(facts: Facts, asked: str | None) -> str | None:
    """The mode to come from.

    Args:
        facts: of the run.
        asked: for by somebody; None: the usual one.

    Returns:
        None where nobody asked and the run does not have the usual one.

    Raises:
        ReportError: the run does not have what was asked for.
    """
    modes = list(dict.fromkeys(row.cell.mode for row in facts.own_rows))
    if asked is None:
        return USUAL if USUAL in modes else None
    if asked not in modes:
        known = ", ".join(shown(mode, _LABEL) for mode in modes)
        raise ReportError(
            f"--reference {shown(asked, _LABEL)}: the run has no such mode; it has {known}"
        )
    return asked


def tables(facts: Facts, mode: str) -> tuple[Table, ...]:
    """A table for each transport in which the mode has somebody beside it."""
    found = []
    for transport, name in TRANSPORTS.items():
        cells = cells_over(facts, transport)
        base = Cell(mode, transport)
        others = [cell for cell in cells if cell != base]
        lines = tuple(_lines(facts, base, others)) if base in cells and others else ()
        if lines:
            head = ("number", *(cell.mode for cell in others))
            found.append(Table(f"Over {name}, beside {mode}", head, lines))
    return tuple(found)


def _lines(facts: Facts, base: Cell, others: Sequence[Cell]) -> Iterator[tuple[Entry, ...]]:
    for number in NUMBERS:
        rows = {row.cell: row for row in rows_of(facts, number, base.transport)}
        if base in rows and rows[base].estimate is not None:
            label = number.label.partition(",")[0]  # ratios have no unit
            yield (Entry(label), *(_beside(rows[base], rows.get(cell)) for cell in others))
    windows = [predicted(facts.result, cell, LIBRARYS) for cell in (base, *others)]
    if windows[0] is not None and any(windows[1:]):
        entries = (_later(windows[0], window) for window in windows[1:])
        yield (Entry(f"silent at {LIBRARYS}, by the rules"), *entries)


def _beside(base: Row, row: Row | None) -> Entry:
    if row is None:
        return Entry(EMPTY)
    if row.estimate is None:
        return Entry("not measured", status=Status.UNAVAILABLE)
    if Status.OK not in (base.status, row.status) or base.status is not row.status:
        return Entry("not to be trusted", status=Status.INVALID)
    ratio = ratio_of(base, row)
    detail = times(ratio) if ratio else ""
    match decide(ratio, row.metric.better):
        case Verdict.FASTER:
            return Entry("", detail, strong=True, sign=BETTER)
        case Verdict.SLOWER:
            return Entry("", detail, sign=WORSE)
        case _:
            once = min(base.trials, row.trials) < 2
            sign = THE_SAME if base.value == row.value else CANNOT_TELL
            return Entry("", f"{detail}, one trial" if once and detail else detail, sign=sign)


def _later(base: Window, window: Window | None) -> Entry:
    """A window beside the reference's: a rule, so there is nothing to be unsure of."""
    if window is None:
        return Entry(EMPTY)
    if window.latest_s == base.latest_s:
        return Entry(window_text(window), sign=THE_SAME)
    better = window.latest_s < base.latest_s
    sign = BETTER if better else WORSE
    return Entry(window_text(window), f"not {window_text(base)}", strong=better, sign=sign)
