"""Tables of disconnects: what each cause brings in each cell, and what the rules say beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy

from loadtests.record.words import Status, Transport
from reports.facts.numbers import EMPTY, seconds, short
from reports.facts.run import Facts
from reports.facts.tables import Entry, Table
from reports.sections.disconnect.clients import Group, departures, outages
from reports.sections.disconnect.names import short_title, title
from reports.sections.disconnect.settings import CROWD, Point, main_heartbeat, points
from reports.sections.disconnect.words import figure, reasons_text, window_text

MAIN = "How long until disconnect fires"
SWEEP = "The same with other heartbeats and numbers of connections"
OUTAGES = "When the server goes, 50 / 95 / 100 % of the clients"
PREDICTED = (
    "Predicted, not measured: when one silent client of "
    f"{CROWD} is noticed at other heartbeats, by python-engineio's rules"
)
_WORDS = {Status.FAILED: "failed", Status.UNAVAILABLE: "not available"}
_TRANSPORTS = {Transport.POLLING: "long-polling", Transport.WEBSOCKET: "WebSocket"}
_PARTS = (50, 95, 100)


def tables(facts: Facts) -> list[Table]:
    """All that the run has something for."""
    gone = departures(facts.outcomes, facts.own_rows)
    lost = outages(facts.outcomes, facts.own_rows)
    found = [
        *by_transport(MAIN, [one for one in gone if not one.departure.setting], departed),
        *by_transport(SWEEP, [one for one in gone if one.departure.setting], departed),
        *by_transport(OUTAGES, lost, bereft),
        predictions(points(facts.result, gone, facts.own_rows)),
    ]
    return [table for table in found if table.lines]


def short_tables(facts: Facts) -> list[Table]:
    """The same for a narrow place: times alone, and rows in few words."""
    gone = departures(facts.outcomes, facts.own_rows)
    lost = outages(facts.outcomes, facts.own_rows)
    here = main_heartbeat(facts.result)
    at = f" ({here} s)" if here else ""
    found = [
        matrix(f"{MAIN}{at}: median / worst", gone, _times, short_title),
        matrix("When the server goes: noticed, median / worst", lost, _noticed, short_title),
        matrix("When the server goes: connected again, median / worst", lost, _again, short_title),
    ]
    return [table for table in found if table.lines]


def by_transport(
    caption: str, groups: Sequence[Group], entry: Callable[[Group], Entry]
) -> list[Table]:
    """A table per transport: the phrases of all cells do not fit beside each other."""
    found = [
        matrix(
            f"{caption}: {_TRANSPORTS[transport]}",
            [group for group in groups if group.cell.transport is transport],
            entry,
        )
        for transport in Transport
    ]
    return [replace(table, wordy=True) for table in found if table.lines]


def matrix(
    caption: str,
    groups: Sequence[Group],
    entry: Callable[[Group], Entry],
    name: Callable[[str], str] = title,
) -> Table:
    """A line per row name, a column per cell."""
    cells = list(dict.fromkeys(group.cell for group in groups))
    places = {(group.row, group.cell): group for group in groups}
    lines = [
        (Entry(name(row)), *(_entry(places.get((row, cell)), entry) for cell in cells))
        for row in dict.fromkeys(group.row for group in groups)
    ]
    return Table(caption, ("", *map(str, cells)), tuple(lines))


def departed(group: Group) -> Entry:
    """``2.10 s, worst 3.10 s`` and behind it why, when to be expected, and what was not."""
    if not group.times_s:
        return Entry("never", f"none of {len(group.clients)} noticed", group.status)
    half = group.half.value
    typical = EMPTY if half is None else seconds(half)
    worst = "never" if group.missed else seconds(max(group.times_s))
    return Entry(f"{typical}, worst {worst}", "; ".join(_asides(group)), group.status)


def bereft(group: Group) -> Entry:
    """``noticed 3 / 6 / 7 ms`` and behind it why, and when they were connected again."""
    total = len(group.clients)
    noticed = quantiles(group.times_s, total)
    again = quantiles(group.backs_s, total)
    asides = [f"connected again {again}", *_asides(group)]
    if lost := total - len(group.backs_s):
        asides.append(f"{lost} of {total} not connected again")
    return Entry(f"noticed {noticed}", "; ".join(asides), group.status)


def quantiles(times_s: Sequence[float], total: int) -> str:
    """``3.2 / 6.1 / 7.0 ms``: when half, 95 % and all of them had; a dash for what was not."""
    if not times_s:
        return "never"
    ends = [_quantile(times_s, percent, total) for percent in _PARTS]
    quick = max(times_s) < 1
    spelled = [EMPTY if end is None else short(end * 1000 if quick else end) for end in ends]
    return f"{' / '.join(spelled)} {'ms' if quick else 's'}"


def predictions(found: Sequence[Point]) -> Table:
    """A line per heartbeat that was not measured, a column per cell."""
    guessed = [one for one in found if not one.measured and one.window is not None]
    cells = list(dict.fromkeys(one.cell for one in guessed))
    places = {(one.heartbeat, one.cell): one for one in guessed}
    lines = [
        (Entry(f"{heartbeat} s, predicted"), *(_guess(places.get((heartbeat, c))) for c in cells))
        for heartbeat in sorted({one.heartbeat for one in guessed})
    ]
    return Table(PREDICTED, ("interval/timeout", *map(str, cells)), tuple(lines))


def _guess(one: Point | None) -> Entry:
    if one is None or one.window is None:
        return Entry(EMPTY)
    return Entry(window_text(one.window), f"middle {figure(one.typical_s)} s")


def _entry(group: Group | None, entry: Callable[[Group], Entry]) -> Entry:
    if group is None:
        return Entry(EMPTY)
    if not group.clients:
        return Entry(_WORDS.get(group.status, EMPTY), status=group.status)
    found = entry(group)
    if group.status is not Status.INVALID:
        return found
    return Entry(found.text, f"invalid; {found.detail}".removesuffix("; "), group.status)


def _asides(group: Group) -> list[str]:
    """Reasons, window, and how many the rules do not explain or nobody noticed."""
    total = len(group.clients)
    found = [reasons_text(group.reasons)]
    if group.window is not None:
        found.append(f"expected {window_text(group.window)}")
    if group.outside:
        found.append(f"{len(group.outside)} of {total} outside")
    if group.missed:
        found.append(f"{group.missed} of {total} not noticed")
    return [words for words in found if words]


def _times(group: Group) -> Entry:
    return Entry(_pair(group.times_s, len(group.clients)), status=group.status)


def _noticed(group: Group) -> Entry:
    return Entry(_pair(group.times_s, len(group.clients)), status=group.status)


def _again(group: Group) -> Entry:
    return Entry(_pair(group.backs_s, len(group.clients)), status=group.status)


def _pair(times_s: Sequence[float], total: int) -> str:
    """``2.06 / 3.57 ms``, with ``never`` for those that did not."""
    half = _quantile(times_s, 50, total)
    worst = _quantile(times_s, 100, total)
    if half is None or worst is None:
        return f"{'never' if half is None else seconds(half)} / never"
    factor, unit = (1000, "ms") if worst < 1 else (1, "s")
    return f"{short(half * factor)} / {short(worst * factor)} {unit}"


def _quantile(times_s: Sequence[float], percent: int, total: int) -> float | None:
    """The time within which this share of all had, those that never had among them."""
    rank = int(numpy.ceil(round(percent / 100 * total, 6)))
    return sorted(times_s)[rank - 1] if rank <= len(times_s) else None
