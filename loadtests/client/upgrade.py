"""Polling first, WebSocket as soon as it is known to work: what the official clients do by default.

The switch is that of socketio/engine.io-protocol, "Upgrade": a probe over the new connection, then
polling falls silent, and only then the packet that moves the session. Each packet goes by one of
the two, in order, so nothing is lost or overtaken.
"""

from __future__ import annotations

from gevent.event import Event

from loadtests.client import packets
from loadtests.client.cookies import Jar
from loadtests.client.link import Link, OnLeave, OnPacket, Server
from loadtests.client.packets import Handshake
from loadtests.client.polling import PollingLink
from loadtests.client.stream import OnEnd
from loadtests.client.websocket import WebSocketLink
from loadtests.record.words import Transport


class UpgradingLink:
    """See Link. Where the upgrade fails, the session stays on polling, as with official clients.

    Attributes:
        settled: set once it is known on which transport the session stays.
        failure: why there was no upgrade, where there was none.
    """

    __slots__ = (
        "_held",
        "_jar",
        "_keeping",
        "_leaving",
        "_on_end",
        "_on_packet",
        "_polling",
        "_server",
        "_websocket",
        "codings",
        "failure",
        "settled",
    )

    def __init__(
        self, server: Server, on_packet: OnPacket, on_end: OnEnd, *, jar: Jar | None = None
    ) -> None:
        self._server = server
        self._jar = server.jar() if jar is None else jar
        self._on_packet = on_packet
        self._on_end = on_end
        self._keeping = False
        self._polling: PollingLink | None = PollingLink(
            server, on_packet, self._polling_ended, jar=self._jar
        )
        self.codings = self._polling.codings  # of the time before
        self._websocket: WebSocketLink | None = None
        # What is sent while neither of the two may carry it.
        self._held: list[tuple[bytes, OnLeave | None]] | None = None
        self._leaving = False
        self.failure = ""
        self.settled = Event()

    @property
    def transport(self) -> Transport:
        """What carries packets now."""
        return self._current.transport

    @property
    def _current(self) -> Link:
        if self._polling is not None:
            return self._polling
        assert self._websocket is not None, "one of the two is always there"
        return self._websocket

    def open(self) -> None:
        """Begin with polling."""
        self._current.open()

    def joined(self, handshake: Handshake) -> None:
        """Probe a WebSocket, if the server offers one."""
        self._current.joined(handshake)
        if Transport.WEBSOCKET not in handshake.upgrades:
            self.failure = "the server offers no upgrade"
            self.settled.set()
            return
        self._websocket = WebSocketLink(
            self._server,
            self._probed,
            self._probe_failed,
            jar=self._jar,
            session_id=handshake.sid,
            on_open=self._probe,
        )
        self._websocket.open()

    def send(self, packet: bytes, leaves: OnLeave | None = None) -> None:
        """Send by what carries packets now; keep it while that is changing."""
        if self._held is not None:
            self._held.append((packet, leaves))
        else:
            self._current.send(packet, leaves)

    def say_goodbye(self) -> None:
        """End on the transport of the moment; a switch under way is completed before."""
        self._leaving = True
        if self._held is not None:
            return
        if self._polling is not None:
            self._drop_probe()
        self._current.say_goodbye()

    @property
    def compressed(self) -> bool:
        """See Link."""
        return self._current.compressed

    @property
    def connecting(self) -> str:
        """See Link."""
        return self._current.connecting

    def carried(self) -> tuple[int, int] | None:
        """See Link."""
        return self._current.carried()

    def keep(self) -> None:
        """See Link."""
        self._keeping = True
        self._current.keep()

    @property
    def kept(self) -> int:
        """See Link."""
        return self._current.kept

    def read_kept(self) -> None:
        """See Link."""
        self._current.read_kept()

    def kill(self) -> None:
        """Close every connection without a word."""
        for link in (self._polling, self._websocket):
            if link is not None:
                link.kill()
        self.settled.set()

    def reset(self) -> None:
        """The same with RST instead of FIN."""
        for link in (self._polling, self._websocket):
            if link is not None:
                link.reset()
        self.settled.set()

    def freeze(self) -> None:
        """Leave every connection as it is."""
        for link in (self._polling, self._websocket):
            if link is not None:
                link.freeze()

    def _probe(self) -> None:
        assert self._websocket is not None
        self._websocket.send(packets.PROBE_PING)

    def _probed(self, packet: bytes, _kernel_ns: int, _user_ns: int) -> None:
        assert self._polling is not None
        assert self._websocket is not None
        if packet == packets.PROBE_PONG and self._held is None:
            self._held = []
            # The server ends the waiting GET by a packet that means nothing (NOOP).
            self._polling.pause(self._switch)
        else:
            self._websocket.kill()
            self._probe_failed(f"unexpected answer to the probe: {packet[:80]!r}")

    def _switch(self) -> None:
        assert self._polling is not None
        assert self._websocket is not None
        assert self._held is not None
        waiting = [(packets.UPGRADE_PACKET, None), *self._polling.take_unsent(), *self._held]
        self._held = None
        self._polling.kill()
        self._polling = None
        self._websocket.hand_over(self._on_packet, self._on_end)
        if self._keeping:
            self._websocket.keep()
        for packet, leaves in waiting:
            self._websocket.send(packet, leaves)
        self.settled.set()
        if self._leaving:
            self._websocket.say_goodbye()

    def _probe_failed(self, reason: str) -> None:
        self.failure = reason
        held, self._held = self._held, None
        self._websocket = None
        self.settled.set()
        if held is not None and self._polling is not None:
            for packet, leaves in held:
                self._polling.send(packet, leaves)
            self._polling.resume()
            if self._leaving:
                self._polling.say_goodbye()

    def _drop_probe(self) -> None:
        if self._websocket is not None:
            self._websocket.kill()
            self._websocket = None
        self.settled.set()

    def _polling_ended(self, reason: str) -> None:
        self._drop_probe()
        if not self._leaving:
            self._on_end(reason)
