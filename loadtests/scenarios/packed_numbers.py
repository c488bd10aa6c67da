"""The numbers of compression, from what its turns gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import quantiles_ms
from loadtests.arithmetic.usage import metrics, together
from loadtests.record.application import ECHO_EVENT, JOIN_EVENT, ROOM_EVENT
from loadtests.record.results import Measurement
from loadtests.scenarios import broadcast
from loadtests.scenarios.echo_loops import combine_closed, combine_open, doubts
from loadtests.scenarios.echoing import CLOSED, OPEN, USED
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.packed import METRICS
from loadtests.scenarios.packing import Party

COPIES = broadcast.KIND
HINT = f"does it handle {ECHO_EVENT!r}, {JOIN_EVENT!r} and {ROOM_EVENT!r}?"


@dataclass(frozen=True, slots=True)
class Carried:
    """What went over the connections of a party's echo clients so far.

    Attributes:
        sent_bytes, received_bytes: None where the system does not count them.
        sent, received: messages.
    """

    sent_bytes: int | None
    received_bytes: int | None
    sent: int
    received: int

    @classmethod
    def of(cls, party: Party) -> Carried:
        """By now."""
        counted = [session.carried() for session in party.sessions[: len(party.clients)]]
        known = [each for each in counted if each is not None]
        whole = len(known) == len(counted)
        return cls(
            sum(sent for sent, _ in known) if whole else None,
            sum(received for _, received in known) if whole else None,
            sum(len(client.sent_ns) for client in party.clients),
            sum(len(client.numbers) for client in party.clients),
        )

    def since(self, before: Carried) -> tuple[float | None, float | None]:
        """Bytes per message, to the server and from it."""
        return (
            _per(self.sent_bytes, before.sent_bytes, self.sent - before.sent),
            _per(self.received_bytes, before.received_bytes, self.received - before.received),
        )


def _per(now: int | None, before: int | None, messages: int) -> float | None:
    if now is None or before is None or not messages:
        return None
    return (now - before) / messages


@dataclass(frozen=True, slots=True)
class Gave:
    """What a party's turns gave, by the kind of load.

    Attributes:
        counted: those that count.
        every: all of them.
        reasons: why their numbers are not to be trusted.
    """

    counted: Mapping[str, list[Any]]
    every: Mapping[str, list[Any]]
    reasons: Mapping[str, str | None]


def summary(
    party: Party, gave: Gave, wire: tuple[float | None, float | None], server_mib: float | None
) -> Measurement:
    """The metrics of one size with compression or without.

    Args:
        party: whose they are.
        gave: what it was measured by.
        wire: bytes per message, to the server and from it.
        server_mib: the server's memory at the end, mebibytes; None where it is not known.
    """
    own = gave.counted
    opened = combine_open(party.clients, [each.window for each in own[OPEN]])
    closed = combine_closed(party.clients, [each.window for each in own[CLOSED]])
    if not closed.answered:
        raise TrialFailed(f"the server answered no echo of {party.row.size} bytes; {HINT}")
    lost_open, lost_closed, missing = _not_come(party, gave.every)
    closed, lost = replace(closed, lost=lost_closed), lost_open + lost_closed
    spent = together([piece.usage for piece in own[COPIES]])
    common, unavailable = metrics(closed.usage, closed.answered, server_mib)
    of_copies, _ = metrics(spent, sum(piece.messages for piece in own[COPIES]), None)
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "latency", opened.latency_ns),
        "throughput": closed.answered / (closed.usage.wall_ns / 1e9),
        "copy_cpu": of_copies["server_cpu"],
        "connection_rss": party.kib_each,
        "wire_sent": wire[0],
        "wire_received": wire[1],
        "lost": lost,
        "missing": missing,
        **quantiles_ms(METRICS, "lateness", opened.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", opened.receive_lag_ns),
        **common,
    }
    unavailable |= _lacking(values, unavailable)
    found = doubts(METRICS, values, opened, closed, families=("latency",), rates=("throughput",))
    measured = Measurement(
        row=str(party.row),
        metrics=values,
        invalid=found.invalid | validity.busy_generator(("copy_cpu",), spent),
        disturbed=[] if lost else found.disturbed,
        unavailable=unavailable,
        samples={"latency": len(opened.latency_ns), "throughput": closed.answered},
        distributions={"latency": histogram(opened.latency_ns)},
    )
    return _disturbed(measured, gave.reasons)


def _not_come(party: Party, every: Mapping[str, list[Any]]) -> tuple[int, int, int]:
    """Echoes of the open loop and of the closed one, and copies, that never came in any turn."""
    lost_open = combine_open(party.clients, [each.window for each in every[OPEN]]).lost
    lost_closed = combine_closed(party.clients, [each.window for each in every[CLOSED]]).lost
    casts = party.casts
    audit = broadcast.collect(casts.published, casts.received(), every[COPIES]).audit
    return lost_open, lost_closed, audit.missing


def _disturbed(measured: Measurement, reasons: Mapping[str, str | None]) -> Measurement:
    """The same with what the machine or the generator did to each kind of load."""
    lost, missing = (measured.metrics[name] or 0 for name in ("lost", "missing"))
    timed = validity.names_of(METRICS, "latency")
    measured = measured.disturbed_by(reasons[OPEN], timed, lost=lost)
    measured = measured.disturbed_by(reasons[CLOSED], ("throughput", *USED), lost=lost)
    return measured.disturbed_by(reasons[COPIES], ("copy_cpu",), lost=missing)


def _lacking(values: Mapping[str, float | None], unavailable: Mapping[str, str]) -> dict[str, str]:
    """Why numbers of compression's own are not there, beside those of every trial."""
    found = dict.fromkeys(
        ("wire_sent", "wire_received"), "this system does not count a connection's bytes"
    )
    found |= dict.fromkeys(
        ("copy_cpu", "connection_rss"),
        unavailable.get("server_rss", "no copy of a broadcast arrived"),
    )
    return {name: why for name, why in found.items() if values[name] is None}
