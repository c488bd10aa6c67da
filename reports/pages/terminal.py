"""The end of a run, in the terminal: the same tables, narrow."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from loadtests.record.words import Status, scenario_of
from reports.facts.findings import Severity
from reports.facts.run import provenance
from reports.facts.tables import READING, Entry, Table, best_table, headline_tables
from reports.facts.text import shown
from reports.pages.github import inert
from reports.sections import precision
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


def console() -> Console:
    """A console on standard output, wide enough for the tables where it is no terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDTH)


def show(summary: Summary, out: Console) -> None:
    """Print first places, one table per row name, and the findings."""
    out.print(_text(provenance(summary)), style="dim")
    if summary.answers:
        out.print(_rich(best_table(summary.answers), right=False))
    for section in sections_in(summary):
        for table in _short_tables(summary, section):
            out.print(_rich(table, right=True))
    out.print(_text(READING, "dim"))
    told_apart = precision.table(summary)
    if told_apart.lines:
        out.print(_rich(told_apart, right=False))
    for finding in summary.findings:
        warning = finding.severity is Severity.WARNING
        line = Text(f"{finding.severity}: ", style="bold yellow" if warning else "bold cyan")
        line.append(_text(finding.text))
        line.append(" ")
        line.append(_text(finding.advice, "italic"))
        out.print(line)
    out.print()


def print_table(table: Table, out: Console) -> None:
    """A table of words and numbers."""
    out.print(_rich(table, right=False))


def print_line(text: str, out: Console, style: str = "") -> None:
    """A line as it is, however wide the terminal."""
    out.print(_text(text, style), soft_wrap=True)


def _short_tables(summary: Summary, section: Section) -> list[Table]:
    short = section.short_tables or section.tables
    if short is not None and (found := short(summary)):
        return found
    rows = [row for row in summary.own_rows if scenario_of(row.row) == section.scenario]
    return headline_tables(rows, section.headlines)


def _rich(table: Table, *, right: bool) -> RichTable:
    drawn = RichTable(title=_text(table.caption, "bold"), title_justify="left", title_style="")
    for place, head in enumerate(table.head):
        widest = max((len(str(line[place])) for line in table.lines), default=0)
        drawn.add_column(
            _text(head),
            justify="right" if right and place else "left",
            overflow="fold",
            # Numbers may wrap before their interval, names had better not.
            no_wrap=right and not place and widest <= _NAME,
        )
    for line in table.lines:
        drawn.add_row(*(_entry(one) for one in line))
    return drawn


def _entry(entry: Entry) -> Text:
    # What stands behind a number in a line of its own: two numbers side by side are read as one.
    found = "\n".join(map(_clean, filter(None, (entry.text, entry.detail))))
    return Text(found, style="bold green" if entry.strong else _STYLES[entry.status])


def _text(text: str, style: str = "") -> Text:
    """Text that is printed as it is: no markup, and no codes that would steer the terminal."""
    return Text(_clean(text), style=style)


def _clean(text: str) -> str:
    return inert(shown(text))
