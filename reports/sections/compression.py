"""What is said about WebSocket compression."""

from __future__ import annotations

from collections.abc import Iterator

from loadtests.record.words import Status
from loadtests.scenarios.compression import SCENARIO
from loadtests.scenarios.packed import DOES_NOT
from reports.charts.gallery import ChartKind
from reports.facts.findings import Finding, Severity, names
from reports.facts.numbers import EMPTY, short, times
from reports.facts.rows import Cell
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table
from reports.sections import compression_chart
from reports.sections.compression_chart import COMPARED, WithAndWithout, pairs
from reports.sections.payload_chart import size_name
from reports.sections.section import Section

_ADVICE = (
    "Where messages are small, bandwidth is cheap and connections or broadcasts are many, do "
    "without: nothing in Flask-SocketIO switches it off, but a WSGI middleware that takes "
    "HTTP_SEC_WEBSOCKET_EXTENSIONS out of the environment does, and so does a proxy that drops the "
    "header Sec-WebSocket-Extensions; docs/findings.md has both."
)


def _tables(facts: Facts) -> list[Table]:
    """A table per number: a line per cell, a column per size."""
    found = []
    for metric in COMPARED:
        own = pairs(facts, metric)
        sizes = sorted({pair.size for pair in own})
        if not sizes:
            continue
        places = {(pair.cell, pair.size): pair for pair in own}
        title, unit = own[0].metric.title, own[0].metric.unit
        found.append(
            Table(
                f"{title[:1].upper()}{title[1:]}, {unit}: without compression → with it",
                ("cell", *map(size_name, sizes)),
                tuple(
                    (Entry(str(cell)), *(_entry(places.get((cell, size))) for size in sizes))
                    for cell in dict.fromkeys(pair.cell for pair in own)
                ),
            )
        )
    return found


def _entry(pair: WithAndWithout | None) -> Entry:
    if pair is None:
        return Entry(EMPTY)
    if pair.packed.value is None or pair.without.value is None:
        lacking = pair.packed if pair.packed.value is None else pair.without
        text = "does not compress" if DOES_NOT in lacking.reasons else str(lacking.status)
        return Entry(text, status=lacking.status)
    text = f"{short(pair.without.value)} → {short(pair.packed.value)}"
    detail = "" if pair.ratio is None else times(pair.ratio)
    status = next((row.status for row in pair.rows if row.status is not Status.OK), Status.OK)
    return Entry(text if status is Status.OK else f"{text}, {status}", detail, status)


def _what_it_costs(facts: Facts) -> Iterator[Finding]:
    """By how much it raises CPU time and memory, in the cell where it costs most."""
    said: list[str] = []
    cells: list[Cell] = []
    for metric, words in (
        ("copy_cpu", "the server's CPU time per copy of a broadcast"),
        ("connection_rss", "its memory per connection"),
        ("server_cpu", "its CPU time per echo"),
    ):
        known = [pair for pair in pairs(facts, metric) if pair.sound and pair.ratio is not None]
        if not known:
            continue
        values = [pair.ratio.value for pair in known if pair.ratio is not None]
        most = max(known, key=lambda pair: pair.ratio.value if pair.ratio is not None else 0.0)
        where = f"{most.cell}, {size_name(most.size)}"
        least, greatest = short(min(values)), short(max(values))
        span = greatest if least == greatest else f"{least} to {greatest}"
        said.append(f"{words} is {span} times as much ({where})")
        cells.append(most.cell)
    if said:
        yield Finding(
            "compression-costs",
            Severity.NOTE,
            "Every browser offers to compress WebSocket messages, and these servers accept. With "
            f"it, {'; '.join(said)}.",
            _ADVICE,
            names(cells),
        )


def _does_not(facts: Facts) -> Iterator[Finding]:
    cells = dict.fromkeys(row.cell for row in facts.own_rows if DOES_NOT in row.reasons)
    if cells:
        yield Finding(
            "does-not-compress",
            Severity.NOTE,
            f"{', '.join(names(cells))}: {DOES_NOT}, though it was offered.",
            "Its numbers elsewhere are those without compression: compare them with the others' "
            "rows without it.",
            names(cells),
        )


SECTION = Section(
    scenario=SCENARIO.name,
    title="WebSocket compression",
    meaning=(
        "What permessage-deflate, which every browser offers, costs the server and saves on the "
        "wire: clients with and without it take turns on the same server."
    ),
    charts=(
        ChartKind(
            "compression",
            "What compression costs and saves",
            "How many times as much with compression as without it, in the same trial; 1 is the "
            "same, with the 95 % interval over trials. Above 1 it costs, below it saves.",
            compression_chart.factors,
            compression_chart.wanted,
        ),
    ),
    checks=(_what_it_costs, _does_not),
    tables=_tables,
    note=(
        "Mean over trials, and how many times as much with compression, with the 95 % interval of "
        "that ratio within trials. Texts are words, of which the most frequent come often."
    ),
)
