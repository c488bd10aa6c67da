"""Trials in virtual time: who goes when is chance, who notices is the library."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.windows import Situation
from tests.unit.scenarios.disconnect.virtual_clients import CLIENTS, Client, VirtualServer

EXACT_S = 1e-6
MOMENT_S = 1e-4
MODES = ("threading", "gevent", "eventlet")
POLLING, WEBSOCKET = Transport
SILENT_CAUSES = (Cause.FREEZE, Cause.CUT)


def situation(
    mode: str,
    transport: Transport,
    cause: Cause = Cause.FREEZE,
    heartbeat: tuple[float, float] = (25, 20),
    connections: int = 1,
    leaving: int = 1,
    sent_every_s: float | None = None,
) -> Situation:
    websocket = "eventlet" if mode == "eventlet" else "simple-websocket"
    interval_s, timeout_s = heartbeat
    return Situation(
        transport, cause, interval_s, timeout_s, websocket, connections, leaving, sent_every_s
    )


def send_every(server: VirtualServer, client: Client, every_s: float, first_s: float) -> None:
    """Have the server send to a client; nothing that this does may wait."""

    def send() -> None:
        server.eio.send(client.sid, "data")
        server.time.after(every_s, send)

    server.time.at(first_s, send)


@dataclass(frozen=True)
class Trial:
    """A situation in a mode, and what chance decides.

    Attributes:
        slowest_answer_s: a client takes up to so long to answer a ping.
        late_s: see VirtualServer.
        joining: clients that connect while others go, and stay.
        after_another: a client was there before all others, and the server empty after it.
    """

    mode: str
    situation: Situation
    seed: int = 0
    slowest_answer_s: float = 0.0
    late_s: float = 0.0
    joining: int = 0
    after_another: bool = False

    def run(self) -> list[Client]:
        """The clients that went, after all was noticed; nobody else was lost."""
        case, chance = self.situation, random.Random(self.seed)
        interval_s, timeout_s = case.ping_interval_s, case.ping_timeout_s
        longest_s = windows.longest_s(interval_s, timeout_s, case.connections)
        with VirtualServer(self.mode, interval_s, timeout_s, late_s=self.late_s) as server:
            time, clients = server.time, list[Client]()
            if self.after_another:
                another = CLIENTS[case.transport](server)
                time.run_until(time.now_s + chance.random() * timeout_s)
                another.depart(Cause.CLOSE)
                time.run_until(time.now_s + 3 * timeout_s)
                assert server.gone.pop(another.sid)
                assert not server.eio.sockets
            for _ in range(case.connections):
                time.run_until(time.now_s + chance.random() * interval_s / case.connections)
                answers_after_s = chance.random() * self.slowest_answer_s
                clients.append(CLIENTS[case.transport](server, answers_after_s))
            time.run_until(time.now_s + interval_s * (1 + chance.random()))
            going = chance.sample(clients, case.leaving)
            for client in going:
                gone_s = time.now_s + chance.random() * interval_s
                time.at(gone_s, partial(client.depart, case.cause))
                if case.sent_every_s is not None:
                    first_s = time.now_s + chance.random() * case.sent_every_s
                    send_every(server, client, case.sent_every_s, first_s)
            for _ in range(self.joining):
                joined_s = time.now_s + chance.random() * interval_s
                time.at(joined_s, lambda: CLIENTS[case.transport](server))
            time.run_until(time.now_s + interval_s + longest_s + 1)
            assert server.gone.keys() == {client.sid for client in going}
            return going


def assert_in_its_window(case: Situation, client: Client) -> None:
    """Noticed once, by the rules alone."""
    ((detected_s, reason),) = client.noticed
    window = windows.window_at(case, client.silent_s)
    assert window.earliest_s - EXACT_S <= detected_s <= window.latest_s + EXACT_S
    assert reason in window.reasons
    if client.silent_s <= case.ping_interval_s:
        whole = windows.window(case)
        assert whole.earliest_s <= window.earliest_s + EXACT_S
        assert whole.latest_s >= window.latest_s - EXACT_S
        assert reason in whole.reasons
