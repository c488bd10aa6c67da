"""A world without sockets and without time of its own, in which a scenario can be measured.

The clock stands still until the scenario sleeps; then everything happens that is due by then.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from loadtests.arithmetic.usage import Reading
from loadtests.client import packets
from loadtests.record.application import NAMESPACE, RESPONSE_EVENT
from loadtests.record.generator_facts import SliceFacts
from loadtests.record.words import Cause, Transport
from loadtests.scenarios.bench import Bench, Place
from loadtests.scenarios.turns import Lone, Shared, Turns

MS = 1_000_000
SECOND = 1_000_000_000

#: How long before a send is due its callback comes.
_LEAD_NS = 1000

#: Decides what becomes of a message: (session number, message number) -> delays of its replies.
Fate = Callable[[int, int], list[int]]


class World:
    """A clock, and what is due when; does duty as the alarm, too.

    Attributes:
        now_ns: its clock.
        frozen: from when to when no callback runs, though who sleeps may wake: [begin, end).
    """

    def __init__(self, now_ns: int = 1000 * SECOND) -> None:
        self.now_ns = now_ns
        self.frozen = (0, 0)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._ties = count()

    def time_ns(self) -> int:
        """This world's clock."""
        return self.now_ns

    def at(self, due_ns: int, callback: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (due_ns, next(self._ties), callback))

    def shortly_before(self, due_ns: int, callback: Callable[[], None]) -> None:
        self.at(due_ns - _LEAD_NS, callback)

    def wait_until(self, due_ns: int) -> None:
        assert due_ns <= self.now_ns + _LEAD_NS
        self.now_ns = max(self.now_ns, due_ns)

    def after(self, delay_ns: int, callback: Callable[[], None]) -> None:
        self.at(self.now_ns + delay_ns, callback)

    def run_until(self, moment_ns: int) -> None:
        begin_ns, end_ns = self.frozen
        while self._queue and self._queue[0][0] <= moment_ns:
            due_ns = self._queue[0][0]
            if begin_ns <= due_ns < end_ns:
                if moment_ns < end_ns:
                    break
                due_ns = end_ns
            _, _, callback = heapq.heappop(self._queue)
            self.now_ns = max(self.now_ns, due_ns)
            callback()
        self.now_ns = max(self.now_ns, moment_ns)


class FakeSession:
    """Keeps what was sent; what comes is said by the test."""

    def __init__(self, number: int = 0) -> None:
        self.sid = f"sid-{number}"
        self.number = number
        self.namespace = NAMESPACE
        self.sent: list[tuple[str, str]] = []
        self.departed: Cause | None = None
        self.ended: str | None = None
        self.ended_ns = 0
        self.heartbeats = array("q")
        self.pinged_ns = 0
        self.max_payload: int | None = 1_000_000
        self.handlers: dict[str, Callable[[list[Any], int, int], None]] = {}
        self.gathered: list[tuple[bytes, int, int]] | None = None
        self.compressed = False
        self.kept: list[tuple[bytes, int, int]] = []
        self.expected: dict[int, Callable[[list[Any], int, int], None]] = {}
        self.unheard: dict[str, int] | None = None
        self.codings: list[str] = []
        self.on_send: Callable[[str, str], None] = lambda *_: None

    def on(self, event: str, handler: Callable[[list[Any], int, int], None]) -> None:
        self.handlers[event] = handler

    def gather(self, event: str) -> list[tuple[bytes, int, int]]:
        self.gathered = [] if event == RESPONSE_EVENT else None
        return self.gathered if self.gathered is not None else []

    @property
    def unread(self) -> int:
        """See Session."""
        return len(self.kept)

    def read_up(self) -> None:
        """See Session."""
        if self.gathered is not None:
            self.gathered += self.kept
            self.kept.clear()

    def send(self, packet: bytes, leaves: Callable[[], None] | None = None) -> None:
        name, message = packets.decode(packet).data
        if leaves is not None:
            leaves()
        data = message["data"] if isinstance(message, dict) and "data" in message else message
        self.sent.append((name, data))
        self.on_send(name, data)

    def expect(self, on_ack: Callable[[list[Any], int, int], None]) -> int:
        """See Session."""
        self.expected[len(self.expected)] = on_ack
        return len(self.expected) - 1

    def receive(self, data: str, kernel_ns: int, user_ns: int | None = None) -> None:
        user_ns = kernel_ns if user_ns is None else user_ns
        if self.gathered is not None:
            packet = packets.encode_event(NAMESPACE, RESPONSE_EVENT, {"data": data})
            arrivals = self.kept if self.compressed else self.gathered
            arrivals.append((packet, kernel_ns, user_ns))
            return
        self.handlers[RESPONSE_EVENT]([{"data": data}], kernel_ns, user_ns)

    def close(self) -> None:
        """See Session."""
        self.ended = "closed"

    def depart(self, cause: Cause) -> None:
        self.departed = cause


class FakeMeter:
    """A server and a generator that use a tenth of a core each."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self) -> Reading:
        now_ns = self._world.now_ns
        return Reading(now_ns, now_ns // 10, now_ns // 10)

    def server_mib(self) -> float:
        return 50.0


class FakeBench:
    """What a scenario has at its disposal (loadtests.scenarios.bench.Bench), in a world."""

    def __init__(self, world: World, clients: int) -> None:
        self.world = world
        self.sessions = [FakeSession(number) for number in range(clients)]
        self.alarm = world
        self.meter = FakeMeter(world)
        self.seed = 1
        self.now_ns = world.time_ns
        self.place = Place(url="http://127.0.0.1:1", transport=Transport.POLLING, label="trial")
        self.judged: Sequence[FakeSession] | None = None
        self.numbers: dict[str, float] = {}
        self.turns: Turns = Lone()
        self.slices: list[SliceFacts] = []
        self.shared: Shared | None = None
        self.crew = None

    def first_due_ns(self, rate_hz: float) -> int:
        return Bench.first_due_ns(self, rate_hz)  # type: ignore[arg-type]  # it has what is needed

    def sleep(self, seconds: float) -> None:
        self.world.run_until(self.world.now_ns + round(seconds * 1e9))

    def sleep_until(self, moment_ns: int) -> None:
        self.world.run_until(moment_ns)


def number_of(data: str) -> int:
    """The number of a message."""
    return int(data.split(":")[1])


def echoing(bench: FakeBench, fate: Fate) -> None:
    """Have every session answered as ``fate`` decides."""
    for session in bench.sessions:

        def answer(_name: str, data: str, session: FakeSession = session) -> None:
            for delay_ns in fate(session.number, number_of(data)):
                bench.world.after(delay_ns, lambda: session.receive(data, bench.world.now_ns))

        session.on_send = answer


def broadcasting(bench: FakeBench, fate: Callable[[int, int, int], list[int]]) -> None:
    """Deliver every broadcast as ``fate`` decides: (publisher, number, recipient) -> delays."""
    for session in bench.sessions:

        def deliver(_name: str, data: str, publisher: int = session.number) -> None:
            for recipient in bench.sessions:

                def arrive(recipient: FakeSession = recipient) -> None:
                    recipient.receive(data, bench.world.now_ns)

                for delay_ns in fate(publisher, number_of(data), recipient.number):
                    bench.world.after(delay_ns, arrive)

        session.on_send = deliver
