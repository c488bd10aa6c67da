"""Disconnect: clients go away; how long until the server's disconnect handler runs?

Each client goes at a random phase of its heartbeat. The moment of detection is the server's own
(its journal has the monotonic time at which the handler began); both clocks are the same host's.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.arithmetic.usage import Usage, between
from loadtests.client import packets
from loadtests.client.alarm import Alarm
from loadtests.client.session import Session
from loadtests.machine.journal import entries, verify_connections
from loadtests.record.results import Measurement
from loadtests.record.words import Cause
from loadtests.scenarios.bench import LEAD_NS, Bench, Place, connect_timeout_s
from loadtests.scenarios.disconnect.departures import Departure, Notice, Surroundings, summarise
from loadtests.scenarios.disconnect.hosts.handle import HostError
from loadtests.scenarios.disconnect.leaving import Hosted, assembled
from loadtests.scenarios.disconnect.options import Disconnect
from loadtests.scenarios.disconnect.rows import DEPARTURE_METRICS, DepartureRow
from loadtests.scenarios.disconnect.windows import Situation
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.scenario import without_numbers

#: What needs more than this project: without it the other rows are measured all the same.
OPTIONAL = {Cause.CUT, Cause.TAB}

#: After the last notice: a handler that runs twice does so by then.
_AFTERMATH_NS = 200_000_000
#: How late a client may be to go: a browser closes its tabs one after the other.
_LATE_NS = 3_000_000_000


def measure(bench: Bench, options: Disconnect) -> list[Measurement]:
    """One trial: heartbeats alone for an interval, then departures over an interval, then waiting.

    Raises:
        TrialFailed: there is no journal, or a client did not go.
    """
    if bench.place.journal is None:
        raise TrialFailed("the server keeps no journal that could be read")
    try:
        with assembled(bench, options) as groups:
            return _measure(bench, options, groups, Path(bench.place.journal))
    except HostError as error:
        raise TrialFailed(str(error)) from error


def _measure(
    bench: Bench, options: Disconnect, groups: Sequence[Hosted], journal: Path
) -> list[Measurement]:
    # Those that are to go are accounted for by their rows.
    bench.judged = bench.sessions[: options.bystanders]
    # Those that are cut off together connect over an interval.
    timeout_s = connect_timeout_s(options.connections) + options.ping_interval_s
    groups, sids, lacking = _joined(groups, timeout_s)
    connected = options.bystanders + sum(len(each) for each in sids)
    # Of a host that failed some clients may have connected before.
    verify_connections(journal, bench.place.transport, None if lacking else connected)
    missing = bench.place.missing | lacking
    usage, intervals = _heartbeats_alone(bench, options)
    lag_ns = [lag for session in bench.sessions for lag in session.heartbeats]

    start_ns = bench.now_ns() + LEAD_NS
    busy = [sid for group, own in zip(groups, sids, strict=True) for sid in _busy(group, own)]
    if busy:
        _Publisher(bench.sessions[0], bench.alarm, busy, options.busy_hz * len(busy), start_ns)
    due_ns = _send_away(bench, options, groups, start_ns)
    noticed = _wait(bench, options, groups, sids, start_ns, journal)
    departures = _departures(groups, sids, due_ns)
    lost = _lost(groups)
    around = Surroundings(
        start_ns=start_ns,
        window_ns=round(options.observed_s * 1e9),
        heartbeats=intervals * connected,
        own_heartbeats=intervals * len(bench.sessions),
        usage=usage,
        server_mib=bench.meter.server_mib(),
        receive_lag_ns=lag_ns,
    )
    measurements = [
        _unmeasured(str(replace(row, setting=bench.place.variant)), missing[row.cause])
        if row.cause in missing
        else _row(bench.place, options, row, departures, lost, noticed, around, connected)
        for row in options.departing
    ]
    there = {session.sid for session in bench.sessions[: options.bystanders]}
    gave_up = len(there & noticed.keys())
    if not gave_up:
        return measurements
    reason = f"the server gave up clients that had not gone ({gave_up})"
    return [each.distrusted(reason, above_all=True) for each in measurements]


def _unmeasured(row: str, why: str) -> Measurement:
    return without_numbers(DEPARTURE_METRICS, row, why)


def _joined(
    groups: Sequence[Hosted], timeout_s: float
) -> tuple[list[Hosted], list[list[str]], dict[str, str]]:
    """The groups whose clients are connected, with these; and why there is no other.

    A browser or a network that does not do costs its own rows, and no others'.
    """
    there: list[Hosted] = []
    sids: list[list[str]] = []
    lacking: dict[str, str] = {}
    for group in groups:
        try:
            sids.append(group.host.wait_until_joined(timeout_s))
            there.append(group)
        except HostError as error:
            causes = {row.cause for row in group.rows}
            if not causes <= OPTIONAL:
                raise
            lacking |= dict.fromkeys(map(str, causes), str(error))
    return there, sids, lacking


def _heartbeats_alone(bench: Bench, options: Disconnect) -> tuple[Usage, int]:
    """What server and generator use while there are heartbeats only.

    Each client is pinged an interval after its last pong (engineio.socket.Socket.schedule_ping,
    4.15), so in whole intervals it is pinged as often as there are intervals, whatever its phase.

    Returns:
        The usage, and over how many intervals.
    """
    begin = bench.meter.read()
    bench.sleep_until(bench.now_ns() + round(options.quiet_s * 1e9))
    return between(begin, bench.meter.read()), round(options.quiet_s / options.ping_interval_s)


def _busy(group: Hosted, sids: Sequence[str]) -> list[str]:
    """The clients of a group that the server is to send to."""
    return [sid for row, sid in zip(group.rows, sids, strict=True) if row.busy]


class _Publisher:
    """Has the server send to one client after the other, at a rate, until the trial is over.

    A session's id is also the name of its room, so that a message to a room reaches one client.
    """

    def __init__(
        self, session: Session, alarm: Alarm, sids: Sequence[str], rate_hz: float, start_ns: int
    ) -> None:
        self._session = session
        self._alarm = alarm
        self._packets = [
            packets.encode_event(session.namespace, "my room event", {"room": sid, "data": "busy"})
            for sid in sids
        ]
        self._pacer = ConstantRate(start_ns, rate_hz)
        self._sent = 0
        self._next()

    def _next(self) -> None:
        self._alarm.at(self._pacer.due_ns(self._sent), self._send)

    def _send(self) -> None:
        if self._session.ended is None:
            self._session.send(self._packets[self._sent % len(self._packets)])
            self._sent += 1
            self._next()


def _send_away(
    bench: Bench, options: Disconnect, groups: Sequence[Hosted], start_ns: int
) -> list[list[int]]:
    """Tell every client when to go: at random within an interval.

    Returns:
        The moments, by group and client.
    """
    chooser = random.Random(bench.seed)
    moments = []
    for group in groups:
        due_ns: list[int] = []
        while len(due_ns) < len(group.rows):
            moment_ns = start_ns + round(chooser.random() * options.ping_interval_s * 1e9)
            due_ns += [moment_ns] * group.together
        group.host.send_away(due_ns)
        moments.append(due_ns)
    return moments


def _wait(
    bench: Bench,
    options: Disconnect,
    groups: Sequence[Hosted],
    sids: Sequence[Sequence[str]],
    start_ns: int,
    journal: Path,
) -> dict[str, Notice]:
    """Wait until every client's departure was noticed, or its window is over."""
    last_ns = start_ns + round(options.ping_interval_s * 1e9)
    give_up_ns = last_ns + round(options.observed_s * 1e9)
    bench.sleep_until(last_ns)
    _check_gone(bench, groups, last_ns + _LATE_NS)
    gone = {
        own[each.client]
        for group, own in zip(groups, sids, strict=True)
        for each in group.host.gone()
    }
    while not gone <= read_journal(journal).keys() and bench.now_ns() < give_up_ns:
        bench.sleep_until(bench.now_ns() + 50_000_000)
    bench.sleep_until(bench.now_ns() + _AFTERMATH_NS)
    return read_journal(journal)


def _check_gone(bench: Bench, groups: Sequence[Hosted], give_up_ns: int) -> None:
    for group in groups:
        while (missed := _still_there(group)) and bench.now_ns() < give_up_ns:
            bench.sleep_until(bench.now_ns() + 50_000_000)
        if missed:
            raise TrialFailed(f"{missed} of {len(group.rows)} clients did not go")
    lost = [why for group in groups for why in group.host.lost().values()]
    if lost and len(lost) == sum(len(group.rows) for group in groups):
        raise TrialFailed(f"all {len(lost)} clients lost their connection: {lost[0]}")


def _still_there(group: Hosted) -> int:
    """How many clients of a group have neither gone nor been lost."""
    return len(group.rows) - len(group.host.gone()) - len(group.host.lost())


def _lost(groups: Sequence[Hosted]) -> dict[DepartureRow, list[str]]:
    """Row -> why each of its clients was lost that did not live to go."""
    found: dict[DepartureRow, list[str]] = {}
    for group in groups:
        for client, why in group.host.lost().items():
            found.setdefault(group.rows[client], []).append(why)
    return found


def _departures(
    groups: Sequence[Hosted], sids: Sequence[Sequence[str]], due_ns: Sequence[Sequence[int]]
) -> list[Departure]:
    return [
        Departure(
            sid=own[gone.client],
            row=group.rows[gone.client],
            due_ns=due[gone.client],
            gone_ns=gone.gone_ns,
            pinged_ns=gone.pinged_ns,
        )
        for group, own, due in zip(groups, sids, due_ns, strict=True)
        for gone in group.host.gone()
    ]


def read_journal(path: Path) -> dict[str, Notice]:
    """Session id -> what the server's journal says of its end."""
    noticed: dict[str, Notice] = {}
    for entry in entries(path):
        if entry["event"] == "disconnect":
            before = noticed.get(entry["sid"])
            if before is None:
                noticed[entry["sid"]] = Notice(entry["at_ns"], entry["reason"])
            else:
                noticed[entry["sid"]] = replace(before, calls=before.calls + 1)
    return noticed


def _row(
    place: Place,
    options: Disconnect,
    row: DepartureRow,
    departures: Sequence[Departure],
    lost: Mapping[DepartureRow, Sequence[str]],
    noticed: Mapping[str, Notice],
    around: Surroundings,
    connected: int,
) -> Measurement:
    named = replace(row, setting=place.variant)
    situation = Situation(
        transport=place.transport,
        cause=row.cause,
        ping_interval_s=options.ping_interval_s,
        ping_timeout_s=options.ping_timeout_s,
        websocket=place.websocket or "",
        connections=connected,
        leaving=connected - options.bystanders,
        sent_every_s=1 / options.busy_hz if row.busy else None,
    )
    own = [each for each in departures if each.row == row]
    if not own:
        empty = _unmeasured(str(named), f"all its clients were lost: {lost[row][0]}")
        return msgspec.structs.replace(empty, unavailable={}, invalid=empty.unavailable)
    return summarise(named, own, noticed, situation, around, lost=lost.get(row, ()))
