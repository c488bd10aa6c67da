"""What a browser's headers cost: our client beside the same with no more of them than are needed.

A server reads them for every request, which is every message of long-polling, and once for a
WebSocket. Both clients measured every cell in the same blocks, so the ratio within blocks is the
headers' and nothing else's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.record.words import Client, Metric, Status, Transport, row_of
from loadtests.scenarios.registry import metrics_of
from reports.facts.numbers import EMPTY, readable, short, times, with_unit
from reports.facts.ratios import ratio_of
from reports.facts.rows import Cell, Row, cells_of, row_names
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table, metric_label

TITLE = "What a browser's headers cost"
READING = (
    "Every cell was measured with our client, which says in its requests what a browser says, and "
    "with the same client without that, in the same blocks. Each place has both numbers, and how "
    "many times as much it is with a browser's headers, with the 95 % interval of that ratio "
    "within blocks. Over WebSocket they are sent once for each connection."
)

#: As far as a row has them.
_METRICS = ("server_cpu", "latency_p50", "delivery_p50", "throughput", "deliveries")


@dataclass(frozen=True, slots=True)
class HeaderCost:
    """What is said about one row name.

    Attributes:
        sentences: one for each cell over long-polling whose server's CPU time is known.
        table: cells × metrics, both numbers in each place.
    """

    row: str
    sentences: tuple[str, ...]
    table: Table


def costs(facts: Facts) -> list[HeaderCost]:
    """One per row name that was measured with both clients; none where there is no lean one."""
    measured = set(row_names(facts.rows))
    return [
        _cost(facts, name)
        for name in row_names(facts.own_rows)
        if row_of(name, Client.LEAN) in measured
    ]


def _cost(facts: Facts, name: str) -> HeaderCost:
    metrics = [metric for key in _METRICS if (metric := metrics_of(name).get(key)) is not None]
    ours = {(row.cell, row.metric.name): row for row in facts.own_rows if row.row == name}
    lean_name = row_of(name, Client.LEAN)
    lean = {(row.cell, row.metric.name): row for row in facts.rows if row.row == lean_name}
    cells = cells_of(ours.values())
    return HeaderCost(
        row=name,
        sentences=tuple(_sentences(cells, ours, lean)),
        table=Table(
            f"{name}: with a browser's headers / without",
            ("cell", *map(metric_label, metrics)),
            tuple(
                (Entry(str(cell)), *(_entry(ours, lean, cell, metric) for metric in metrics))
                for cell in cells
            ),
        ),
    )


_Rows = dict[tuple[Cell, str], Row]


def _sentences(cells: list[Cell], ours: _Rows, lean: _Rows) -> Iterator[str]:
    for cell in cells:
        one, other = ours.get((cell, "server_cpu")), lean.get((cell, "server_cpu"))
        if cell.transport is not Transport.POLLING or one is None or other is None:
            continue
        ratio = ratio_of(other, one)
        if ratio is None or {one.status, other.status} != {Status.OK}:
            continue
        with_them, without = (
            with_unit(row.estimate, row.metric.unit) for row in (one, other) if row.estimate
        )
        doubt = "" if ratio.apart else "; the trials do not tell the two apart"
        yield (
            f"{cell}: the server spends {with_them} with them, {without} without "
            f"({times(ratio)}){doubt}."
        )


def _entry(ours: _Rows, lean: _Rows, cell: Cell, metric: Metric) -> Entry:
    rows = [found for rows in (ours, lean) if (found := rows.get((cell, metric.name))) is not None]
    ratio = ratio_of(rows[1], rows[0]) if len(rows) == 2 else None
    bad = [row.status for row in rows if row.status is not Status.OK]
    words = [times(ratio)] if ratio is not None else []
    words += dict.fromkeys(map(str, bad))
    return Entry(
        " / ".join(map(_number, rows)) or EMPTY, ", ".join(words), bad[0] if bad else Status.OK
    )


def _number(row: Row) -> str:
    if row.estimate is None:
        return EMPTY
    estimate, unit = readable(row.estimate, row.metric.unit)
    return short(estimate.value) if unit is row.metric.unit else with_unit(estimate, unit)
