"""Cells against each other: the ratios within blocks, who is ahead by them, and by how much.

What the machine did to a block it did to every cell of it, so a ratio within blocks is far more
precise than either of its two numbers. Which cell is best is therefore decided by ratios too: a
mean may be better only because its trials fell into better moments, or lack one in a bad one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from loadtests.record.words import Better, Status
from reports.facts.rows import Cell, Place, Row, Standing
from reports.facts.stats import Ratio, log_ratio, ratio, within_blocks


def ratio_of(base: Row, other: Row) -> Ratio | None:
    """How many times as much ``other`` has, block by block.

    Trials pair within a block and, where both have one, within a group: those took turns. Rows of
    two names (another client) are never in one group and pair by their block alone.

    Returns:
        None where no block has both numbers, or one of them is not above 0.
    """
    return ratio(*_paired(base, other))


def _paired(base: Row, other: Row) -> tuple[list[float | None], list[float | None]]:
    pairs = list(_pairs(base, other))
    return [one for one, _ in pairs], [two for _, two in pairs]


def _pairs(base: Row, other: Row) -> Iterator[tuple[float | None, float | None]]:
    alike = base.row == other.row
    waiting: dict[int, list[tuple[int | None, float | None]]] = defaultdict(list)
    for place, value in zip(other.places, other.values, strict=True):
        waiting[place.block].append((place.group, value))
    for place, value in zip(base.places, base.values, strict=True):
        beside = waiting[place.block]
        for position, (group, theirs) in enumerate(beside):
            if not alike or group is None or place.group is None or group == place.group:
                yield value, theirs
                del beside[position]
                break


def is_ahead(one: Row, other: Row) -> bool:
    """Whether one is better, by ratio within blocks; by estimates where there is no ratio."""
    lead = log_ratio(*_paired(other, one))
    if lead is None:
        lead = (one.value or 0.0) - (other.value or 0.0)
    return lead > 0 if one.metric.better is Better.HIGHER else lead < 0


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Those that have an estimate, best first.

    By how many others a row is ahead of. Where every cell has a number in every block that is the
    order of their geometric means; where numbers are missing, it is still by blocks that two cells
    share (A. Copeland's rule for pairwise majorities, 1951). Equal rows stand by their estimates.

    Args:
        rows: one metric of one row name.
    """
    found = [row for row in rows if row.estimate]
    sign = 1 if found and found[0].metric.better is Better.HIGHER else -1
    wins = [sum(is_ahead(row, other) for other in found if other is not row) for row in found]
    standing = [(count, sign * (row.value or 0.0)) for count, row in zip(wins, found, strict=True)]
    order = sorted(range(len(found)), key=lambda place: standing[place], reverse=True)
    return [found[place] for place in order]


def compared(rows: Sequence[Row]) -> list[Row]:
    """The same rows, each with its standing and its interval within blocks."""
    together: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        together[row.row, row.metric.name].append(row)
    standings: dict[int, Standing] = {}
    reaches: dict[int, float] = {}
    for alike in together.values():
        own = {row.cell: id(row) for row in alike}
        standings |= {own[cell]: found for cell, found in standings_of(alike).items()}
        reaches |= {own[cell]: found for cell, found in reaches_of(alike).items()}
    return [
        replace(row, standing=standings.get(id(row)), within=reaches.get(id(row))) for row in rows
    ]


def standings_of(rows: Sequence[Row]) -> dict[Cell, Standing]:
    """The best cell of one metric of one row name, and every cell's ratio to it.

    Only ``ok`` rows can be best, as in "Best at". Cells without an interval are absent, and so is
    the best one where no other has one: nothing is then said about anybody.
    """
    if not rows or rows[0].metric.better is Better.NEITHER:
        return {}
    first = next(iter(ranked(row for row in rows if row.status is Status.OK)), None)
    if first is None:
        return {}
    found = {
        row.cell: Standing(first.cell, beside)
        for row in rows
        if row is not first and (beside := ratio_of(first, row)) and _has_ends(beside)
    }
    return found | {first.cell: Standing(first.cell, Ratio(1.0, 1.0, 1.0))} if found else {}


def reaches_of(rows: Sequence[Row]) -> dict[Cell, float]:
    """How far the interval within blocks of each ``ok`` cell reaches, as a factor.

    Args:
        rows: one metric of one row name.
    """
    sound = [row for row in rows if row.status is Status.OK]
    turns = {row.cell: list(_turns(row.places)) for row in sound}
    order = sorted({turn for own in turns.values() for turn in own})
    numbers = {row.cell: dict(zip(turns[row.cell], row.values, strict=True)) for row in sound}
    return within_blocks({cell: [own.get(turn) for turn in order] for cell, own in numbers.items()})


def _turns(places: Sequence[Place]) -> Iterator[tuple[int, int, int]]:
    """Block, group, and how manieth trial of the cell in it: what a cell shares with others."""
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for place in places:
        turn = (place.block, -1 if place.group is None else place.group)
        yield *turn, seen[turn]
        seen[turn] += 1


def _has_ends(found: Ratio) -> bool:
    return found.low is not None and found.high is not None and math.isfinite(found.high)
