"""A server in a world without time of its own: it serves one message after the other."""

from __future__ import annotations

from functools import partial

from tests.support.simulation import FakeBench, FakeSession, World


class Queue:
    """Answers each message when those before it are done, each of which takes equally long.

    Attributes:
        bench: whose sessions it serves.
        service_ns: of each message.
    """

    def __init__(self, clients: int, service_ns: int) -> None:
        self.bench = FakeBench(World(), clients)
        self.service_ns = service_ns
        self._free_ns = 0
        for session in self.bench.sessions:
            session.on_send = partial(self._asked, session)

    def hold(self, held_ns: int) -> int:
        """Serve nobody for so long, after what is there already; when that is over."""
        self._free_ns = max(self._free_ns, self.bench.world.now_ns) + held_ns
        return self._free_ns

    def _asked(self, session: FakeSession, _name: str, data: str) -> None:
        world = self.bench.world
        self._free_ns = max(self._free_ns, world.now_ns) + self.service_ns
        world.at(self._free_ns, lambda: session.receive(data, world.now_ns))
