"""Tables for a terminal: modes as columns where they fit, and cells as lines where they do not.

No name is broken inside a word: a table that would need it is turned over, and then shown in as
many tables beside each other as its columns want.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from loadtests.record.words import Transport
from reports.facts.tables import Entry, Table
from reports.sections.short.lines import TRANSPORTS

#: More modes than these are lines.
MOST_COLUMNS = 3
#: Blanks between two columns.
GAP = 2
#: The longest word of a name that is kept whole, and the least that a column of names is given.
NAME, LEAST = 28, 12


def by_transport(table: Table) -> list[Table]:
    """A table of cells as one for each transport, its columns modes; any other as it is."""
    ends = {transport: f" × {transport}" for transport in Transport}
    columns = {
        transport: [
            place
            for place, text in enumerate(table.head)
            if place and text.endswith(ends[transport])
        ]
        for transport in TRANSPORTS
    }
    if sum(map(len, columns.values())) != len(table.head) - 1 or len(table.head) < 2:
        return [table]
    return [
        Table(
            f"{table.caption}, over {name}" if table.caption else f"Over {name}",
            (table.head[0], *(table.head[p].removesuffix(ends[one]) for p in columns[one])),
            tuple((line[0], *(line[place] for place in columns[one])) for line in table.lines),
            table.wordy,
        )
        for one, name in TRANSPORTS.items()
        if columns[one]
    ]


def fitting(table: Table, width: int) -> list[Table]:
    """The table as it is where it fits, else turned over or taken apart.

    Args:
        table: its first column names the lines.
        width: of the terminal, in characters.
    """
    if len(table.head) - 1 <= MOST_COLUMNS and _takes(table) <= width:
        return [table]
    turned = _turned(_narrowed(table))
    if len(table.head) - 1 <= MOST_COLUMNS and len(turned.head) - 1 > MOST_COLUMNS:
        return list(_apart(_narrowed(table), width))
    return list(_apart(turned, width))


def given(table: Table, width: int) -> list[int]:
    """How wide each column is drawn: what it wants where there is room, the first one the rest.

    Args:
        table: one of :func:`fitting`'s.
        width: of the terminal, in characters.
    """
    first, *wanted = _widths(table)
    room = width - first - GAP * len(wanted)
    if sum(wanted) > room:  # a name of somebody's that no terminal is wide enough for
        wanted = [min(each, max(1, room // len(wanted))) for each in wanted]
    names = max((len(line[0].text) for line in table.lines), default=0)
    rest = width - sum(wanted) - GAP * len(wanted)
    return [max(1, min(max(names, len(table.head[0])), rest)), *wanted]


def _widths(table: Table) -> list[int]:
    """How wide each column must be for no word of it to be broken; names may be wrapped."""
    return [_wants(table, place) for place in range(len(table.head))]


def texts(entry: Entry) -> list[str]:
    """The lines of a place: the number with what is said of it, and what stands behind it."""
    first = " ".join(filter(None, (entry.text, entry.sign)))
    return [text for text in (first, *entry.detail.split("\n")) if text]


def _takes(table: Table) -> int:
    found = _widths(table)
    return sum(found) + GAP * (len(found) - 1)


def _wants(table: Table, place: int) -> int:
    heads = max((len(word) for word in table.head[place].split()), default=0)
    if place == 0 or table.wordy:
        words = [word for line in table.lines for word in str(line[place]).split()]
        return max(heads, LEAST, *(min(len(word), NAME) for word in words))
    lines = [text for line in table.lines for text in texts(line[place])]
    return max(heads, *map(len, lines or [""]))


def _turned(table: Table) -> Table:
    """Its columns as lines."""
    lines = tuple(
        (Entry(head), *(line[place] for line in table.lines))
        for place, head in enumerate(table.head)
        if place
    )
    head = ("mode", *(line[0].text for line in table.lines))
    return replace(table, head=head, lines=lines)


def _narrowed(table: Table) -> Table:
    """An interval below its ratio instead of behind it."""
    return replace(
        table,
        lines=tuple(
            (line[0], *(replace(one, detail=one.detail.replace(" [", "\n[")) for one in line[1:]))
            for line in table.lines
        ),
    )


def _apart(table: Table, width: int) -> Iterator[Table]:
    """So many columns at a time as fit, one at least."""
    wanted = _widths(table)
    chosen: list[int] = []
    for place in range(1, len(table.head)):
        taken = wanted[0] + sum(wanted[one] + GAP for one in (*chosen, place))
        if chosen and taken > width:
            yield _columns(table, chosen)
            chosen = []
        chosen.append(place)
    yield _columns(table, chosen)


def _columns(table: Table, places: Sequence[int]) -> Table:
    return replace(
        table,
        head=(table.head[0], *(table.head[place] for place in places)),
        lines=tuple((line[0], *(line[place] for place in places)) for line in table.lines),
    )
