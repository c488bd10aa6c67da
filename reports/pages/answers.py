"""docs/answers.md: what people ask on public trackers, with the numbers of stored results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from loadtests.record.words import Status
from reports.facts.errors import ReportError
from reports.facts.markdown import markdown_table
from reports.facts.numbers import readable, short
from reports.facts.origin import where
from reports.facts.rows import Cell, Row, cells_of
from reports.facts.tables import Entry, Table
from reports.pages.prose import template
from reports.summary import Summary

#: Of so many trials the interval says less than the two numbers themselves.
_TWO = 2

_TRACKERS = {
    "Flask-SocketIO": "https://github.com/miguelgrinberg/Flask-SocketIO/issues",
    "python-socketio": "https://github.com/miguelgrinberg/python-socketio/issues",
    "python-engineio": "https://github.com/miguelgrinberg/python-engineio/issues",
    "socket.io": "https://github.com/socketio/socket.io/issues",
}


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that answers.

    Attributes:
        row, metric: of the summary.
        head: over its column, with the unit.
    """

    row: str
    metric: str
    head: str


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question that people ask.

    Attributes:
        question: as they do.
        threads: tracker -> numbers of the threads in which they do.
        columns: the numbers that answer.
        reading: what these are, and what they are not.
    """

    question: str
    threads: dict[str, list[int]]
    columns: list[Column]
    reading: str


class _Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    asked: list[Asked]


def questions() -> list[Asked]:
    """All of them, as the page has them."""
    text = (Path(__file__).parent / "templates" / "answers.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Questions).asked


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its numbers; ``notes`` are why some of these are not to be trusted."""

    asked: Asked
    threads: str
    table: Table
    notes: tuple[str, ...]
    source: str


def render(summaries: Sequence[Summary]) -> str:
    """The page; each question is answered from the result with the most trials of its numbers.

    Raises:
        ReportError: none has.
    """
    text = template("answers.md.j2").render(
        answers=[_answered(asked, summaries) for asked in questions()],
        sources={_name(one): where(one.result) for one in summaries},
        table=lambda table: markdown_table(table, right=True),
    )
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def _answered(asked: Asked, summaries: Sequence[Summary]) -> Answered:
    lacking = "no result is given"
    able: list[tuple[int, Answered]] = []
    for summary in summaries:
        found = {(row.row, row.metric.name, row.cell): row for row in summary.own_rows}
        rows = [each.row for each in asked.columns]
        cells = cells_of([row for row in summary.own_rows if row.row in rows])
        lacks = list(_lacking(asked, cells, found))
        if not cells or lacks:
            lacking = lacks[0] if lacks else f"{rows[0]} was not measured"
            continue
        numbers = [found[each.row, each.metric, cell] for cell in cells for each in asked.columns]
        able.append((sum(row.trials for row in numbers), _told(asked, summary, cells, found)))
    if not able:
        raise ReportError(f"no result answers {asked.question!r}: {lacking}")
    return max(able, key=lambda each: each[0])[1]


def _told(asked: Asked, summary: Summary, cells: Sequence[Cell], found: _Found) -> Answered:
    lines = tuple(
        (Entry(str(cell)), *(_entry(found[each.row, each.metric, cell]) for each in asked.columns))
        for cell in cells
    )
    return Answered(
        asked,
        ", ".join(_links(asked)),
        Table("", ("", *(each.head for each in asked.columns)), lines),
        tuple(dict.fromkeys(_notes(asked, cells, found))),
        _name(summary),
    )


def _name(summary: Summary) -> str:
    return str(summary.result.experiment.get("name") or "unnamed")


_Found = dict[tuple[str, str, Cell], Row]


def _lacking(asked: Asked, cells: Sequence[Cell], found: _Found) -> Iterator[str]:
    """What keeps a result from answering: a gap is a defect, a doubt is told."""
    for cell in cells:
        for each in asked.columns:
            row = found.get((each.row, each.metric, cell))
            if row is None:
                yield f"{each.row}.{each.metric} of {cell} was not measured"
            elif row.estimate is None and row.status is not Status.INVALID:
                why = row.reasons[0] if row.reasons else row.status
                yield f"{each.row}.{each.metric} of {cell} has no number: {why}"


def _notes(asked: Asked, cells: Sequence[Cell], found: _Found) -> Iterator[str]:
    for cell in cells:
        for each in asked.columns:
            row = found[each.row, each.metric, cell]
            if row.status is not Status.OK and row.reasons:
                yield f"{cell}, {each.head}: {row.reasons[0]}"


def _entry(row: Row) -> Entry:
    """``3,980 [3,810, 4,150]``, or both of two trials, and that it is not to be trusted."""
    if row.estimate is None:
        return Entry("none", status=row.status)
    estimate, unit = readable(row.estimate, row.metric.unit)
    text = short(estimate.value)
    if unit is not row.metric.unit:
        text = f"{text} {unit}"
    if estimate.trials == _TWO:
        each = [value for value in row.values if value is not None]
        factor = estimate.value / row.estimate.value if row.estimate.value else 1.0
        text += f" ({', '.join(short(value * factor) for value in each)})"
    elif estimate.low is not None and estimate.high is not None:
        text += f" [{short(estimate.low)}, {short(estimate.high)}]"
    return Entry(text, "" if row.status is Status.OK else "(invalid)", row.status)


def _links(asked: Asked) -> Iterator[str]:
    for tracker, numbers in asked.threads.items():
        for number in numbers:
            yield f"[{tracker}#{number}]({_TRACKERS[tracker]}/{number})"
