"""The end of a run, in the terminal: the numbers that decide, and last of all the run in short."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from loadtests.record.words import Status, scenario_of
from reports.facts.findings import Severity
from reports.facts.run import provenance
from reports.facts.tables import WORSE, Entry, Table, headline_tables
from reports.facts.text import shown
from reports.pages import narrow
from reports.pages.github import inert
from reports.sections import precision, short
from reports.sections.disconnect.tables import short_tables as departures
from reports.sections.registry import sections_in
from reports.sections.section import Section
from reports.summary import Summary

#: What a pipe or a CI log is given, which have no width of their own.
_WIDTH = 120
#: The longest name of a cell that is kept in one line.
_NAME = 24
_STYLES = {
    Status.OK: "",
    Status.INVALID: "yellow",
    Status.FAILED: "red",
    Status.UNAVAILABLE: "dim",
}
#: So much of a finding's first sentence; all of it is on the page.
_HEADLINE = 150
#: What stands for a character that a terminal cannot show.
_PLAINLY = str.maketrans(
    {
        "×": "x",
        "–": "-",
        "·": "-",
        "…": "...",
        "µ": "u",
        "→": "->",
        "“": '"',
        "”": '"',
        "\u00a0": " ",
    }
)


def console() -> Console:
    """A console on standard output, wide enough for the tables where it is no terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDTH)


def show(summary: Summary, out: Console) -> None:
    """Print the tables that decide, what else was measured, and the run in short."""
    out.print(_text(provenance(summary), out, "dim"))
    for table in _tables(summary):
        for one in narrow.by_transport(table):
            for part in narrow.fitting(one, out.width):
                out.print()
                out.print(_plain(part, out))
    told_apart = precision.table(summary)
    if told_apart.lines:
        out.print()
        out.print(_text(told_apart.caption, out, "bold"))
    for line in told_apart.lines:
        _item(out, _text(f"{line[0]}: {line[1]}", out))
    out.print()
    out.print(_text(short.TITLE, out, "bold"))
    for sentence in summary.short.sentences:
        _item(out, _text(sentence.gist, out, "bold").append(_text(sentence.rest, out)))
    if summary.findings:
        out.print()
        out.print(_text("Before a number is quoted", out, "bold"))
    for finding in summary.findings:
        warning = finding.severity is Severity.WARNING
        said = Text(f"{finding.severity}: ", style="bold yellow" if warning else "bold cyan")
        _item(out, said.append(_text(shown(finding.headline, _HEADLINE), out)))
    out.print()


def print_table(table: Table, out: Console) -> None:
    """A table of words and numbers."""
    out.print(_rich(table, out, right=False))


def print_line(text: str, out: Console, style: str = "") -> None:
    """A line as it is, however wide the terminal."""
    out.print(_text(text, out, style), soft_wrap=True)


def _tables(summary: Summary) -> Iterator[Table]:
    """The tables in short, and what else was measured."""
    yield from summary.short.tables
    told = {number.row for number in short.lines.NUMBERS}
    for section in sections_in(summary):
        if section.scenario == short.lines.DISCONNECT:
            yield from departures(summary)
        else:
            yield from _others(summary, section, told)


def _others(summary: Summary, section: Section, told: set[str]) -> list[Table]:
    rows = [row for row in summary.own_rows if scenario_of(row.row) == section.scenario]
    if {row.row for row in rows} <= told:
        return []
    made = section.short_tables or section.tables
    if made is not None and (found := made(summary)):
        return found
    return headline_tables([row for row in rows if row.row not in told], section.headlines)


def _item(out: Console, text: Text) -> None:
    """A line of a list, hanging."""
    found = RichTable(box=None, show_header=False, pad_edge=False, padding=0)
    found.add_column(width=2)
    found.add_column(overflow="fold")
    found.add_row("-", text)
    out.print(found)


def _plain(table: Table, out: Console) -> RichTable:
    """A table without rules, no word of which is broken where there is room for it."""
    drawn = RichTable(
        title=_text(table.caption, out, "bold"),
        title_justify="left",
        title_style="",
        box=None,
        pad_edge=False,
        padding=(0, narrow.GAP, 0, 0),
        header_style="",
    )
    for place, (head, wide) in enumerate(
        zip(table.head, narrow.given(table, out.width), strict=True)
    ):
        drawn.add_column(
            _text(head, out, "dim"),
            justify="right" if place and not table.wordy else "left",
            overflow="fold",
            width=wide,
        )
    for line in table.lines:
        drawn.add_row(*(_entry(one, out) for one in line))
    return drawn


def _rich(table: Table, out: Console, *, right: bool) -> RichTable:
    drawn = RichTable(title=_text(table.caption, out, "bold"), title_justify="left", title_style="")
    for place, head in enumerate(table.head):
        widest = max((len(str(line[place])) for line in table.lines), default=0)
        drawn.add_column(
            _text(head, out),
            justify="right" if right and place else "left",
            overflow="fold",
            # Numbers may wrap before their interval, names had better not.
            no_wrap=right and not place and widest <= _NAME,
        )
    for line in table.lines:
        drawn.add_row(*(_entry(one, out) for one in line))
    return drawn


def _entry(entry: Entry, out: Console) -> Text:
    # What stands behind a number in a line of its own: two numbers side by side are read as one.
    found = "\n".join(_clean(text, out) for text in narrow.texts(entry))
    bad = "red" if entry.sign == WORSE else _STYLES[entry.status]
    return Text(found, style="bold green" if entry.strong else bad)


def _text(text: str, out: Console, style: str = "") -> Text:
    """Text that is printed as it is: no markup, and no codes that would steer the terminal."""
    return Text(_clean(text, out), style=style)


def _clean(text: str, out: Console) -> str:
    """Fit for the terminal, and in its own characters where it knows few."""
    clean = inert(shown(text))
    try:
        clean.encode(out.encoding)
    except UnicodeEncodeError:
        plain = clean.translate(_PLAINLY)
        return plain.encode(out.encoding, "replace").decode(out.encoding)
    return clean
