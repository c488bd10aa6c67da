"""Carrying out what the conducting process orders, with the clients of this one."""

from __future__ import annotations

from collections import Counter
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
from loadtests.scenarios.spread.orders import EchoedSince, Sent, Told, WorkerAnswer, WorkerOrder

if TYPE_CHECKING:
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

    @property
    def ended(self) -> list[tuple[int, str]]:
        """Which sessions have ended, and why."""
        return [
            (which, session.ended)
            for which, session in enumerate(self._bench.sessions)
            if session.ended is not None
        ]

    def carry_out(self, order: WorkerOrder) -> WorkerAnswer:
        """Do it; what went wrong is in the answer."""
        try:
            given = self._carried_out(order)
        except TrialFailed as error:
            return WorkerAnswer(error=str(error))
        stops = isinstance(order, orders.StopEchoes | orders.StopBroadcasts)
        return WorkerAnswer(
            given=msgspec.Raw(msgspec.msgpack.encode(given)),
            ended=self.ended,
            told=self._of_sessions() if stops else None,
        )

    def _carried_out(self, order: WorkerOrder) -> object:
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
                return self._broadcast(order)
        return None

    def _broadcast(self, order: WorkerOrder) -> object:
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
                    Sent(each.due_ns.tobytes(), each.sent_ns.tobytes())
                    for each in self._broadcasts.published
                ]
            case orders.CameBetween(begin_ns, end_ns):
                return self._broadcasts.came_between(begin_ns, end_ns)
            case orders.GetReceived():
                return self._received()
            case _:
                return self._gather(order)
        return None

    def _received(self) -> list[tuple[bytes, ...]]:
        found = []
        for recipient in self._broadcasts.recipients:
            found.append(tuple(column.tobytes() for column in recipient.received()))
            self._bench.sleep(0)  # Locust's master is to hear of this process meanwhile
        return found

    def _gather(self, order: WorkerOrder) -> object:
        if isinstance(order, orders.GetMost) or self._gathering is None:
            payload_bytes = getattr(order, "payload_bytes", 0)
            self._gathering = LocalGathering(self._bench, payload_bytes)
        gathering = self._gathering
        match order:
            case orders.GetMost():
                return gathering.most
            case orders.Become(many, publishes):
                gathering.publishes = publishes
                failure = gathering.become(many)
                self._broadcasts = gathering.broadcasts()
                return orders.Become.Became(gathering.there, failure, gathering.afresh)
            case orders.BeginAnew():
                gathering.begin_anew()
                self._broadcasts = gathering.broadcasts()
            case orders.GetLost():
                return gathering.ended()
            case orders.Leave():
                gathering.leave()
            case _:
                raise TrialFailed(f"a load generator was told what it does not know: {order}")
        return None

    def _of_sessions(self) -> Told:
        unheard: Counter[str] = Counter()
        codings: set[str] = set()
        for session in self._bench.sessions:
            unheard.update(session.unheard or {})
            codings.update(session.codings)
        return Told(dict(unheard), sorted(codings))


def _since(client: Echoed, told: dict[str, int]) -> EchoedSince:
    """What a client has that was not told yet; ``told`` keeps how far it was."""
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
