"""A Socket.IO session whose link the test plays."""

from __future__ import annotations

from typing import Any

from loadtests.client import packets
from loadtests.client.cookies import Jar
from loadtests.client.link import OnPacket, Server
from loadtests.client.session import Session
from loadtests.client.stream import OnEnd
from loadtests.record.words import Transport

OPEN = b'0{"sid":"eio","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
SERVER = Server("x:1", ((0, None),))


class FakeLink:
    """Keeps what was asked of it; ``opening`` arrives as soon as it is opened."""

    opening: tuple[bytes, ...] = ()

    compressed = False
    connecting = ""

    def __init__(
        self, server: Server, on_packet: OnPacket, on_end: OnEnd, *, jar: Jar | None = None
    ) -> None:
        self.jar = jar
        self.waiting: list[tuple[bytes, int, int]] = []  # packets that are kept as they came
        self.on_packet = on_packet
        self.on_end = on_end
        self.calls: list[tuple[str, Any]] = []

    def open(self) -> None:
        self.calls.append(("open", None))
        for packet in self.opening:
            self.on_packet(packet, 1, 2)

    def joined(self, handshake: packets.Handshake) -> None:
        self.calls.append(("joined", handshake.sid))

    def send(self, packet: bytes, leaves: Any = None) -> None:
        self.calls.append(("send", packet))

    def keep(self) -> None:
        self.calls.append(("keep", None))

    @property
    def kept(self) -> int:
        return len(self.waiting)

    def read_kept(self) -> None:
        waiting, self.waiting = self.waiting, []
        for packet in waiting:
            self.on_packet(*packet)

    def say_goodbye(self) -> None:
        self.calls.append(("say_goodbye", None))

    def kill(self) -> None:
        self.calls.append(("kill", None))

    def reset(self) -> None:
        self.calls.append(("reset", None))

    def freeze(self) -> None:
        self.calls.append(("freeze", None))

    @property
    def sent(self) -> list[bytes]:
        return [value for name, value in self.calls if name == "send"]


class FakePolling(FakeLink):
    pass


def made(
    transport: Transport = Transport.WEBSOCKET, namespace: str = "/test"
) -> tuple[Session, FakeLink]:
    made_session = Session(SERVER, (transport,), namespace)
    link: Any = made_session._link
    return made_session, link


def connected(**arguments: Any) -> tuple[Session, FakeLink, list[tuple[list[Any], int, int]]]:
    heard: list[tuple[list[Any], int, int]] = []
    made_session, link = made(**arguments)
    made_session.connect()
    made_session.on("my response", lambda *event: heard.append(event))
    link.calls.clear()
    return made_session, link, heard
