"""What the summary tables say; the terminal, Markdown and the page only render it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.record.words import Better, Metric, Status
from loadtests.scenarios.registry import metrics_of
from reports.facts.best import Answer, Certainty, leaders
from reports.facts.numbers import EMPTY, counted, readable, short, times, with_unit
from reports.facts.rows import Cell, Row, cells_of, row_names

_WORDS = {Status.FAILED: "failed", Status.UNAVAILABLE: "not available"}

#: How to read an entry, under all tables.
READING = (
    "Mean over trials, and how many times the best's it is, with the 95 % interval of that ratio "
    "within blocks, in which what the machine did to a whole block cancels out. A number alone has "
    "no such interval (a single trial, a zero, nothing to be best at). The 95 % interval of the "
    "number itself is in summary.csv and in the charts. The best is the best by these ratios, even "
    "where its mean is not. Bold: the best, and what the trials do not tell from it. Few samples: "
    "a p99 with fewer than 1,000 in one of its trials."
)
#: What stands beside the best's number instead of a ratio.
BEST = "best"
#: What the trials tell from the best.
WORSE = "worse"

#: So many columns a narrow table has room for.
_NARROW = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of a table.

    Attributes:
        text: the number, or the words.
        detail: what stands behind it or, where there is room, in a line below.
        status: what the number is worth; the text says so too wherever it is not ``ok``.
        strong: among the best of its metric, as far as the intervals can tell.
        sign: what the trials say of it in a word, where a table says so: ``best``, ``worse``.
    """

    text: str
    detail: str = ""
    status: Status = Status.OK
    strong: bool = False
    sign: str = ""

    def __str__(self) -> str:
        """All of it in one line: ``12.3 1.05 × [1.03, 1.08]``."""
        return " ".join(filter(None, (self.text, self.sign, self.detail)))


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its caption, its head, and its lines, the first entry of each its name.

    Attributes:
        wordy: whether its entries are phrases more than numbers.
    """

    caption: str
    head: tuple[str, ...]
    lines: tuple[tuple[Entry, ...], ...]
    wordy: bool = False


def best_table(answers: Sequence[Answer]) -> Table:
    """Which cell is best at what: what a reader must see first."""
    return Table(
        "Best at",
        ("best at", "cell", "number", "runner-up"),
        tuple(_best_line(answer) for answer in answers),
    )


def metric_tables(rows: Sequence[Row]) -> dict[str, Table]:
    """For every row name a table of metrics × cells."""
    return {
        row_name: _metric_table(row_name, [row for row in rows if row.row == row_name])
        for row_name in row_names(rows)
    }


def headline_tables(rows: Sequence[Row], names: Sequence[str] = ()) -> list[Table]:
    """For every row name a table of cells × some metrics.

    Args:
        rows: of one row_name.
        names: of the metrics that matter most; the first few that are not about the run if empty.
    """
    return [
        _headline_table(row_name, [row for row in rows if row.row == row_name], names)
        for row_name in row_names(rows)
    ]


def main_metrics(row_name: str, names: Sequence[str] = ()) -> Sequence[str]:
    """Those that matter most: the named ones; if empty, the first few with a better side."""
    judged = (
        name for name, metric in metrics_of(row_name).items() if metric.better is not Better.NEITHER
    )
    return names or list(judged)[:_NARROW]


def metric_label(metric: Metric) -> str:
    """``latency p50, ms``."""
    return f"{metric.title}, {metric.unit}"


def entry(row: Row, *, strong: bool = False) -> Entry:
    """A row's number beside the best's, and a word where it is not to be taken at face value."""
    if row.estimate is None:
        return Entry(_WORDS.get(row.status, "invalid, no number"), status=row.status)
    estimate, unit = readable(row.estimate, row.metric.unit)
    number = short(estimate.value)
    if unit is not row.metric.unit:  # the label beside it says another
        number = f"{number} {unit}"
    doubts = ["invalid"] if row.status is not Status.OK else []
    if row.undersampled:
        doubts.append("few samples")
    beside = against_best(row)
    detail = f"{beside} ({', '.join(doubts)})".lstrip() if doubts else beside
    return Entry(number, detail, row.status, strong=strong)


def against_best(row: Row) -> str:
    """``0.95 × [0.92, 0.98]``, or that it is the best; empty where nothing can be said."""
    if row.standing is None:
        return ""
    return BEST if row.standing.reference == row.cell else times(row.standing.ratio)


def _best_line(answer: Answer) -> tuple[Entry, ...]:
    left_out = f" ({counted(answer.left_out, 'cell')} left out)" if answer.left_out else ""
    why = Entry(answer.lead + left_out)
    if answer.first is None or answer.first.estimate is None:
        return (Entry(answer.question.text), Entry(EMPTY), Entry(EMPTY), why)
    number = with_unit(answer.first.estimate, answer.first.metric.unit)
    names = ", ".join(str(cell) for cell in answer.cells)
    if answer.certainty is Certainty.UNDECIDED:
        cell = Entry(f"undecided; of those to be trusted: {names}")
        return (Entry(answer.question.text), cell, Entry(number), why)
    if answer.certainty is Certainty.SINGLE_TRIAL:
        cell = Entry(f"one trial cannot tell; it read best for {names}")
        return (Entry(answer.question.text), cell, Entry(number), why)
    clear = answer.certainty is Certainty.CLEAR and not answer.first.undersampled
    cell = Entry(f"tie: {names}" if len(answer.cells) > 1 else names, strong=clear)
    return (Entry(answer.question.text), cell, Entry(number), why)


def _metric_table(row_name: str, rows: Sequence[Row]) -> Table:
    cells = cells_of(rows)
    by_metric: dict[str, dict[Cell, Row]] = {}
    for row in rows:
        by_metric.setdefault(row.metric.name, {})[row.cell] = row
    lines = []
    for name, metric in metrics_of(row_name).items():
        ahead = leaders(list(by_metric[name].values()))
        numbers = (entry(by_metric[name][cell], strong=cell in ahead) for cell in cells)
        lines.append((Entry(metric_label(metric)), *numbers))
    return Table(row_name, ("metric", *(str(cell) for cell in cells)), tuple(lines))


def _headline_table(row_name: str, rows: Sequence[Row], names: Sequence[str]) -> Table:
    full = _metric_table(row_name, rows)
    metrics = metrics_of(row_name)
    names = main_metrics(row_name, names)
    chosen = [full.lines[list(metrics).index(name)] for name in names]
    lines = tuple(
        (Entry(cell), *(line[place] for line in chosen))
        for place, cell in enumerate(full.head)
        if place > 0
    )
    return Table(row_name, ("cell", *(metric_label(metrics[name]) for name in names)), lines)
