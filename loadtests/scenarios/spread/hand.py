"""Carrying out what the conducting process orders, with the clients of this one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from loadtests.scenarios.broadcast import local_broadcasts
from loadtests.scenarios.broadcasts import LocalBroadcasts
from loadtests.scenarios.echoed import Echoed
from loadtests.scenarios.echoes import Echoes, LocalEchoes
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.gathering import LocalGathering
from loadtests.scenarios.own_echo_client import echo_clients
from loadtests.scenarios.spread import orders
from loadtests.scenarios.spread.orders import Answer, EchoedSince, Order, PublishedSince

if TYPE_CHECKING:
    from loadtests.client.session import Session
    from loadtests.scenarios.bench import Bench


class Hand:
    """One trial's clients in this process.

    Args:
        bench: theirs; its sessions are those of this process.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._echoes: Echoes = LocalEchoes([])
        self._told: list[dict[str, int]] = []
        self._broadcasts = LocalBroadcasts([], [])
        self._gathering: LocalGathering | None = None

    def carry_out(self, order: Order) -> Answer:
        """Do it; what went wrong is in the answer."""
        try:
            given = self._carried_out(order)
        except TrialFailed as error:
            return Answer(error=str(error))
        sessions = self._bench.sessions
        return Answer(
            given=msgspec.Raw(msgspec.msgpack.encode(given)),
            ended=[
                (place, session.ended)
                for place, session in enumerate(sessions)
                if session.ended is not None
            ],
            unheard=_unheard(sessions),
            codings=sorted({coding for session in sessions for coding in session.codings}),
        )

    def _carried_out(self, order: Order) -> object:
        match order:
            case orders.MakeEchoes(payload_bytes, publishers):
                self._echoes = echo_clients(self._bench, payload_bytes, publishers)
                self._told = [dict.fromkeys(Echoed.GROWING, 0) for _ in self._echoes]
            case orders.OpenLoop(schedules, until_ns):
                self._echoes.open_loop(schedules, until_ns)
            case orders.ClosedLoop(starts_ns, until_ns):
                self._echoes.closed_loop(until_ns, starts_ns)
            case orders.GoOn(waited_ns):
                self._echoes.go_on(waited_ns)
            case orders.Outstanding():
                return self._echoes.outstanding()
            case orders.StopEchoes():
                self._echoes.stop()
                return [
                    _since(client, told)
                    for client, told in zip(self._echoes, self._told, strict=True)
                ]
            case _:
                return self._cast(order)
        return None

    def _cast(self, order: Order) -> object:
        match order:
            case orders.MakeBroadcasts(publishers, payload_bytes):
                self._broadcasts = local_broadcasts(self._bench, publishers, payload_bytes)
            case orders.Begin(schedules, until_ns):
                self._broadcasts.begin(schedules, until_ns)
            case orders.GetProgress():
                return tuple(self._broadcasts.progress())
            case orders.StopBroadcasts():
                self._broadcasts.stop()
                return [
                    PublishedSince(each.due_ns.tobytes(), each.sent_ns.tobytes())
                    for each in self._broadcasts.published
                ]
            case orders.CameBetween(begin_ns, end_ns):
                return self._broadcasts.came_between(begin_ns, end_ns)
            case orders.GetReceived():
                received = self._broadcasts.received()
                return [tuple(column.tobytes() for column in each) for each in received]
            case _:
                return self._gather(order)
        return None

    def _gather(self, order: Order) -> object:
        match order:
            case orders.Become():
                return self._become(order)
            case orders.GetLost():
                return [] if self._gathering is None else self._gathering.ended()
            case orders.Leave():
                if self._gathering is not None:
                    self._gathering.leave()
            case _:
                raise TrialFailed(f"a load generator was told what it does not know: {order}")
        return None

    def _become(self, order: orders.Become) -> orders.Become.Became:
        if self._gathering is None:
            self._gathering = LocalGathering(self._bench, order.payload_bytes, order.publishes)
        gathering = self._gathering
        failure = gathering.become(order.many)
        if order.afresh:
            gathering.begin_anew()
        self._broadcasts = gathering.broadcasts()
        return orders.Become.Became(gathering.there, failure, gathering.afresh)


def _since(client: Echoed, told: dict[str, int]) -> EchoedSince:
    """What a client has that was not told yet, of which is kept how far it was told."""
    times = {}
    for name in Echoed.GROWING:
        found = getattr(client, name)
        times[name] = found[told[name] :].tobytes()
        told[name] = len(found)
    return EchoedSince(
        **times,
        unanswered=sorted(client.unanswered),
        first=client.first,
        is_acknowledged=client.is_acknowledged,
        goes_by_order=client.goes_by_order,
        surplus=client.surplus,
        says_something=client.says_something,
    )


def _unheard(sessions: Sequence[Session]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for session in sessions:
        found.update(session.unheard or {})
    return dict(found)
