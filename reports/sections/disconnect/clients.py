"""The clients behind a row: when each was noticed (or noticed), and when it was to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.record.results import Detection, Reconnection, Window
from loadtests.record.words import Status
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.rows import DepartureRow, OutageRow
from reports.facts.rows import Cell, Outcomes, Row, RowTrial


@dataclass(frozen=True, slots=True)
class Noticed:
    """One going away that was to be noticed: a client's by the server, or the server's by a client.

    Attributes:
        after_s: from the moment it happened; None if not within the observation window.
        reason: what the handler was given, in the library's words.
        window: when it was to be; its own where that is known, else its row's.
        calls: how often the handler ran.
        silent_s: how long before it went the client had answered its last heartbeat.
        back_s: from when the server could be reached again to the next connect event.
    """

    after_s: float | None
    reason: str | None
    window: Window | None
    calls: int = 1
    silent_s: float | None = None
    back_s: float | None = None

    @property
    def outside(self) -> bool:
        """Whether it was noticed at another time, or for another reason, than the rules imply."""
        if self.after_s is None or self.window is None:
            return False
        return windows.is_outside(self.after_s, self.reason, self.window)

    @property
    def beyond_s(self) -> float:
        """How far outside its window: later if positive, earlier if negative, 0 inside."""
        if self.after_s is None or self.window is None:
            return 0.0
        late = max(0.0, self.after_s - self.window.latest_s)
        return late or min(0.0, self.after_s - self.window.earliest_s)


@dataclass(frozen=True, slots=True)
class Group:
    """All clients of one row in one cell, of all trials.

    Attributes:
        row: its name.
        half: the row of the median, with what it is worth.
        clients: in the order of trials.
        window: of the row, whatever the phase of a client; None where there is no rule.
    """

    row: str
    cell: Cell
    half: Row
    clients: tuple[Noticed, ...]
    window: Window | None

    @property
    def departure(self) -> DepartureRow:
        """What its row's name says, of clients that went away."""
        found = DepartureRow.parse(self.row)
        assert found is not None, self.row
        return found

    @property
    def outage(self) -> OutageRow:
        """The same, of clients whose server went away."""
        found = OutageRow.parse(self.row)
        assert found is not None, self.row
        return found

    @property
    def status(self) -> Status:
        """What its numbers are worth."""
        return self.half.status

    @property
    def times_s(self) -> list[float]:
        """When those were noticed that were."""
        return [one.after_s for one in self.clients if one.after_s is not None]

    @property
    def backs_s(self) -> list[float]:
        """When those were connected again that were."""
        return [one.back_s for one in self.clients if one.back_s is not None]

    @property
    def missed(self) -> int:
        """How many were not noticed (or did not notice)."""
        return len(self.clients) - len(self.times_s)

    @property
    def outside(self) -> list[Noticed]:
        """Those that the rules do not explain."""
        return [one for one in self.clients if one.outside]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """What handlers were given and how often, the most frequent first."""
        given = (one.reason or "no reason" for one in self.clients if one.after_s is not None)
        return Counter(given).most_common()


def departures(outcomes: Outcomes, rows: Iterable[Row]) -> list[Group]:
    """Every row of clients that went away, in the order of rows."""
    return [
        _group(row, outcomes[row.row, row.cell])
        for row in rows
        if row.metric.name == "detection_p50" and DepartureRow.parse(row.row)
    ]


def outages(outcomes: Outcomes, rows: Iterable[Row]) -> list[Group]:
    """Every row of clients whose server went away, in the order of rows."""
    return [
        _group(row, outcomes[row.row, row.cell])
        for row in rows
        if row.metric.name == "noticed_p50" and OutageRow.parse(row.row)
    ]


def hull(windows: Iterable[Window]) -> Window | None:
    """The smallest window that holds all of them; None for none."""
    found = list(windows)
    if not found:
        return None
    return Window(
        min(one.earliest_s for one in found),
        max(one.latest_s for one in found),
        list(dict.fromkeys(reason for one in found for reason in one.reasons)),
    )


def at_once(window: Window) -> bool:
    """Whether the rules leave no time at all."""
    return window.latest_s <= windows.TOLERANCE_S


def _group(row: Row, outcomes: Sequence[RowTrial]) -> Group:
    measured = [outcome.measurement for outcome in outcomes if outcome.measurement]
    clients = [
        client
        for one in measured
        for client in (
            *(_of_detection(each, one.expected) for each in one.detections),
            *(_of_reconnection(each, one.expected) for each in one.reconnections),
        )
    ]
    window = hull(one.expected for one in measured if one.expected is not None)
    return Group(row.row, row.cell, row, tuple(clients), window)


def _of_detection(one: Detection, window: Window | None) -> Noticed:
    return Noticed(
        one.detected_s, one.reason, one.expected or window, one.calls, silent_s=one.silent_s
    )


def _of_reconnection(one: Reconnection, window: Window | None) -> Noticed:
    return Noticed(one.noticed_s, one.reason, window, back_s=one.reconnected_s)
