"""Sessions of the load client whose events a test waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent.queue import Queue

from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.record.words import Transport
from tests.support.waiting import SLOWNESS

#: Starts a server with these options unless it runs already; gives its URL.
Peer = Callable[..., str]
Transports = tuple[Transport, ...]

WEBSOCKET: Transports = (Transport.WEBSOCKET,)
POLLING: Transports = (Transport.POLLING,)
UPGRADE: Transports = (Transport.POLLING, Transport.WEBSOCKET)
WAYS = {"websocket": WEBSOCKET, "polling": POLLING, "upgrade": UPGRADE}

#: How the two servers call it when a client says goodbye.
GOODBYES = ("client disconnect", "client namespace disconnect")

#: How long a test waits for what should take milliseconds.
PATIENCE_S = 5.0 * SLOWNESS


class Listener:
    """A session and what it has heard, in order, for each event's name."""

    def __init__(self, url: str, transports: Transports, namespace: str = "/test") -> None:
        self.session = Session(locate(url), transports, namespace)
        self._heard: dict[str, Queue[list[Any]]] = {}

    def listen(self, *names: str) -> None:
        """Keep what arrives under these names."""
        for name in names:
            heard = self._heard[name] = Queue()
            # Queue.put returns None, so nothing is acknowledged.
            self.session.on(name, lambda arguments, *_, heard=heard: heard.put(arguments))

    def next(self, name: str, timeout_s: float = PATIENCE_S) -> list[Any]:
        """The arguments of the next event of that name; waits for it."""
        with gevent.Timeout(timeout_s, AssertionError(f"no {name}; ended: {self.session.ended}")):
            found: list[Any] = self._heard[name].get()
        return found

    def take(self, name: str, count: int) -> list[list[Any]]:
        """The arguments of so many events of that name; waits for them."""
        return [self.next(name) for _ in range(count)]

    def silent(self, *names: str) -> bool:
        """Whether nothing else has arrived under these names."""
        return all(self._heard[name].empty() for name in names)

    def until_ended(self, timeout_s: float = 2) -> str:
        """Why the session ended; waits for it."""
        with gevent.Timeout(timeout_s, AssertionError("the session did not end")):
            while self.session.ended is None:
                gevent.sleep(0.002)
        return self.session.ended


def why_left(witness: Session, sid: str) -> str:
    """Why a session left, as its server tells a witness; waits until it has left."""
    with gevent.Timeout(PATIENCE_S, AssertionError("it never left")):
        while True:
            reason: str = witness.call("why left", sid)[0]
            if reason:
                return reason
            gevent.sleep(0.002)


@contextmanager
def connected(
    url: str,
    transports: Transports,
    namespace: str = "/test",
    *,
    listen: tuple[str, ...] = ("welcome", "echoed", "answered", "said", "n"),
    auth: Any = None,
) -> Iterator[Listener]:
    """A session in its namespace, upgraded if it is one that upgrades, until the block ends."""
    listener = Listener(url, transports, namespace)
    listener.listen(*listen)
    try:
        listener.session.connect(auth=auth, timeout_s=PATIENCE_S)
        if transports == UPGRADE:
            listener.session.wait_for_upgrade(timeout_s=PATIENCE_S)
        yield listener
    finally:
        listener.session.kill()
