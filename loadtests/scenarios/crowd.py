"""Clients that a scenario connects by itself, more of them or fewer as it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests.client.errors import ConnectionFailed, tallied
from loadtests.machine import limits
from loadtests.scenarios.bench import Bench

if TYPE_CHECKING:
    from loadtests.client.link import Server
    from loadtests.client.session import Session

#: So many connect at the same time.
_AT_ONCE = 16
#: A server that does not answer a handshake for so long has no room for it: nobody else tries.
_PATIENCE_S = 5.0
#: After so many failures nobody else tries: each may take as long as that.
_ENOUGH_FAILURES = 16
#: For those that left to be gone from the server.
_LEAVING_S = 0.2


@dataclass(frozen=True, slots=True)
class Arrived:
    """When one client had what, monotonic nanoseconds.

    Attributes:
        began_ns: it began to connect.
        opened_ns: it had the server's handshake.
        joined_ns: it was in its namespace.
    """

    began_ns: int
    opened_ns: int
    joined_ns: int


class Crowd:
    """As many sessions of one server as are wanted, of the trial's transport.

    Args:
        bench: whose sessions they become.

    Attributes:
        sessions: those that are there, in the order in which they came.
        arrived: all that ever were, the same way.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._server = _located(bench)
        self.sessions: list[Session] = []
        self.arrived: list[Arrived] = []

    @property
    def most(self) -> int | None:
        """How many this machine's limits allow; None where none is known."""
        wanted = 1_000_000
        allowed = limits.allow_open_files(wanted)
        if allowed is None:
            return None
        limits.allow_open_files(allowed)
        return max(1, (allowed - limits.OTHER_FILES) // 2)  # a polling client holds two

    def become(self, many: int) -> str:
        """Connect more, or have the last ones leave.

        Returns:
            Why some could not connect, with how many; empty where all could.
        """
        self._forget()
        missing = many - len(self.sessions)
        if missing <= 0:
            leaving, self.sessions = self.sessions[many:], self.sessions[:many]
            for session in leaving:
                session.close()
            if leaving:
                self._bench.sleep(_LEAVING_S)
            return self._told("")
        failures = self._connect_all(missing)
        there = f"{len(self.sessions)} of {many} are connected"
        return self._told(f"{tallied(failures)} ({there})" if failures else "")

    def leave(self) -> None:
        """End every session without a word."""
        for session in self.sessions:
            session.kill()

    def _told(self, failure: str) -> str:
        self._bench.sessions[:] = self.sessions
        return failure

    def _forget(self) -> None:
        self.sessions = [each for each in self.sessions if each.ended is None]

    def _connect_all(self, many: int) -> list[str]:
        """Why some could not connect, as long as others still try."""
        from gevent.pool import Pool

        failures: list[str] = []
        now_ns = self._bench.now_ns
        has_room = True

        def connect() -> None:
            nonlocal has_room
            begun_ns = now_ns()
            if has_room and len(failures) < _ENOUGH_FAILURES and (why := self._connect()):
                failures.append(why)
                has_room = now_ns() - begun_ns < _PATIENCE_S * 1e9

        pool = Pool(_AT_ONCE)
        for _ in range(many):
            pool.spawn(connect)
        pool.join()
        return failures

    def _connect(self) -> str:
        """Add one; why it could not connect, or nothing."""
        from loadtests.client.sessions import make_session

        place, now_ns = self._bench.place, self._bench.now_ns
        session = make_session(place.client, self._server, place.transport, place.namespace)
        began_ns = now_ns()
        try:
            session.connect(place.target.auth, _PATIENCE_S)
            joined_ns = now_ns()
            if place.messages is not None:
                place.messages.begin(session)
        except ConnectionFailed as error:
            session.kill()
            return str(error)
        self.arrived.append(Arrived(began_ns, session.pinged_ns, joined_ns))
        self.sessions.append(session)
        return ""


def _located(bench: Bench) -> Server:
    from loadtests.client.link import locate

    place = bench.place
    return locate(place.url, place.target, compression=place.compression)
