"""A way to a server on which is noted what goes by: WebSocket messages as they are on the wire.

It reads frames by itself (RFC 6455, section 5.2): what is said of the client's codec is not to rest
on that codec.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

_TEXT, _BINARY = 1, 2
_RSV1 = 0x40

Side = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class WireMessage:
    """A data frame.

    Attributes:
        side: who said it.
        compressed: whether its RSV1 is set (RFC 7692, section 6).
        length: of its payload, bytes.
    """

    side: Side
    compressed: bool
    length: int


class Tap:
    """What went by so far; connections that are not WebSockets are carried and not noted."""

    def __init__(self) -> None:
        self._said: list[tuple[Side, bytearray]] = []

    def listen(self, side: Side) -> bytearray:
        """Where to put what a side of a new connection says."""
        said = bytearray()
        self._said.append((side, said))
        return said

    def agreed(self) -> list[str]:
        """What each WebSocket handshake was answered with as extensions; empty where with none."""
        heads = [
            bytes(said).partition(b"\r\n\r\n")[0] for side, said in self._said if side == "server"
        ]
        return [_extensions(head) for head in heads if head.split(b" ", 2)[1:2] == [b"101"]]

    def messages(self) -> list[WireMessage]:
        """All frames with data that are whole."""
        found = []
        for side, said in self._said:
            head, _, rest = bytes(said).partition(b"\r\n\r\n")
            if b"websocket" in head.lower():
                found += [WireMessage(side, *frame) for frame in _data_frames(rest)]
        return found


def _extensions(head: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"sec-websocket-extensions":
            return value.strip().decode()
    return ""


def _data_frames(data: bytes) -> Iterator[tuple[bool, int]]:
    at = 0
    while at + 2 <= len(data):
        first, length = data[at], data[at + 1] & 0x7F
        extended = {126: 2, 127: 8}.get(length, 0)
        if extended:
            length = int.from_bytes(data[at + 2 : at + 2 + extended], "big")
        masked = 4 if data[at + 1] & 0x80 else 0
        at += 2 + extended + masked + length
        if at <= len(data) and first & 0x0F in (_TEXT, _BINARY):
            yield bool(first & _RSV1), length


@contextmanager
def tapped(url: str) -> Iterator[tuple[str, Tap]]:
    """The URL by which a server is reached until the block ends, and what goes by there."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    address = (parts.hostname, parts.port)
    tap = Tap()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))

        def pump(source: socket.socket, sink: socket.socket, said: bytearray) -> None:
            with suppress(OSError):  # one of the two has ended it
                while data := source.recv(65536):
                    said += data
                    sink.sendall(data)
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

        def accept() -> None:
            with suppress(OSError):  # closed by us
                while True:
                    client = stack.enter_context(listener.accept()[0])
                    server = stack.enter_context(socket.create_connection(address))
                    for each in (client, server):
                        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    for way in (
                        (client, server, tap.listen("client")),
                        (server, client, tap.listen("server")),
                    ):
                        threading.Thread(target=pump, args=way, daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", tap
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
