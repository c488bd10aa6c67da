"""Servers that misbehave: raw TCP in threads, and a function for what is done with a connection."""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.support.waiting import SLOWNESS

OPEN = (
    b"0"
    + json.dumps(
        {"sid": "eio", "upgrades": ["websocket"], "pingInterval": 25000, "pingTimeout": 20000}
    ).encode()
)
JOINED = b'40/test,{"sid":"me"}'
TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9  # opcodes of RFC 6455, section 5.2

#: What a client that has seen a fault may take to say so.
SOON_S = 1.0 * SLOWNESS

HTML = (
    b"<!doctype html><html><head><title>Down for\n maintenance</title></head>"
    b"<body><h1>Try again later</h1></body></html>"
)

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An HTTP response with its length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def frame(opcode: int, payload: bytes, first: int = 0x80) -> bytes:
    """A WebSocket frame as a server sends it; ``first`` has the bits beside the opcode."""
    length = len(payload)
    if length < 126:
        return bytes((first | opcode, length)) + payload
    if length < 65536:
        return bytes((first | opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first | opcode, 127)) + length.to_bytes(8, "big") + payload


class Connection:
    """The server's end of one connection. A connection that ends raises an OSError."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.head = b""  # of a request that has been read already, for who reads it next
        self.body = b""  # of the latest request
        self._buffer = b""

    def request(self) -> bytes:
        """Read an HTTP request; gives its head."""
        head, self.head = self.head, b""
        if head:
            return head
        while b"\r\n\r\n" not in self._buffer:
            self._read_more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
        self.body = self._take(int(lengths[0].partition(b":")[2]) if lengths else 0)
        return head

    def agree(self, accept: bytes | None = None, extensions: str = "") -> None:
        """Answer a request as RFC 6455 asks, or with another value of Sec-WebSocket-Accept."""
        key = self.request().partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        right = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        self.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: "
            + (right if accept is None else accept)
            + b"\r\n"
            + (f"Sec-WebSocket-Extensions: {extensions}\r\n".encode() if extensions else b"")
            + b"\r\n"
        )

    def welcome(self, extensions: str = "") -> None:
        """Agree to speak WebSocket, and let the client into its namespace.

        It has read all of that, since it has answered a ping: whatever is sent now comes after.
        """
        self.agree(extensions=extensions)
        self.send(frame(TEXT, OPEN))
        self.receive()
        self.send(frame(TEXT, JOINED) + frame(TEXT, b"2"))
        self.receive()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """The payload of the client's next WebSocket frame."""
        head = self._take(2)
        assert head[1] & 0x80, "a client masks its frames"
        length = head[1] & 0x7F
        if length >= 126:
            length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
        mask = self._take(4)
        return bytes(byte ^ mask[n % 4] for n, byte in enumerate(self._take(length)))

    def wait(self) -> None:
        """Do nothing until the client ends the connection."""
        while True:
            self._read_more()

    def reset(self) -> None:
        """End the connection by RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._read_more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _read_more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the client has ended the connection")
        self._buffer += data


#: What a server does with a connection; when it returns, the connection is closed.
Play = Callable[[Connection], object]


@contextmanager
def hostile(play: Play) -> Iterator[str]:
    """The URL of a server that does the same with every connection, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def run(sock: socket.socket) -> None:
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            play(Connection(sock))
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):  # closed by us
            while True:
                sock, _ = listener.accept()
                accepted.append(sock)
                threads.append(threading.Thread(target=run, args=(sock,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join(5)
        for sock in accepted:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
        for sock in (listener, *accepted):
            sock.close()


def script(*steps: bytes | Play) -> Play:
    """Does one thing after the other: sends bytes, or plays; then closes the connection."""

    def play(connection: Connection) -> None:
        for step in steps:
            if isinstance(step, bytes):
                connection.send(step)
            else:
                step(connection)

    return play


def answer(data: bytes) -> Play:
    """Answers whatever comes first with these bytes, and closes the connection."""
    return script(Connection.request, data)


class Polling:
    """A session of long-polling whose answers a test determines: a Play.

    Args:
        opening: the payload that begins the session.
        joined: the payload that follows the client's wish to join its namespace.
        post: the answer to every further POST.
        websocket: what is done with WebSocket handshakes; they are refused by default.

    Attributes:
        posted: the payloads that came, the client's wish to join being the first.
    """

    OK = response("200 OK", b"ok", "Content-Type: text/html")

    def __init__(
        self,
        opening: bytes = OPEN,
        joined: bytes = JOINED,
        post: bytes = OK,
        websocket: Play | None = None,
    ) -> None:
        self._opening = opening
        self._post = post
        self.posted: list[bytes] = []
        self._websocket = websocket or answer(response("400 Bad Request", b"no upgrades here"))
        self._answers: queue.Queue[tuple[bytes, bool]] = queue.Queue()
        self.say(joined)

    def say(self, payload: bytes) -> None:
        """Answer the next GET with a payload."""
        self.answer(response("200 OK", payload, "Content-Type: text/plain; charset=UTF-8"))

    def answer(self, whole: bytes, *, close: bool = False) -> None:
        """Answer the next GET with these bytes, and close the connection if so."""
        self._answers.put((whole, close))

    def __call__(self, connection: Connection) -> None:
        """Play it."""
        closing = False
        while not closing:
            head = connection.request()
            if b"transport=websocket" in head:
                connection.head = head
                self._websocket(connection)
                return
            whole, closing = self._answer(connection, head)
            connection.send(whole)

    def _answer(self, connection: Connection, head: bytes) -> tuple[bytes, bool]:
        if head.startswith(b"POST"):
            self.posted.append(connection.body)
            whole = self.OK if len(self.posted) == 1 else self._post
            return whole, not whole
        if b"sid=" not in head.partition(b"\r\n")[0]:
            return response("200 OK", self._opening), False
        # While its GET waits, the client says nothing: what can be read is the connection's end.
        while not select.select([connection.socket], [], [], 0)[0]:
            with suppress(queue.Empty):
                return self._answers.get(timeout=0.005)
        return b"", True


def assert_words(pattern: str, words: str) -> None:
    """They match, and are short enough for a line of a report."""
    assert re.search(pattern, words, re.DOTALL | re.IGNORECASE), words
    assert len(words) < 500


def rows(table: dict[str, tuple[Any, str]]) -> pytest.MarkDecorator:
    """One test for each row of what is done and the words that are expected."""
    return pytest.mark.parametrize(("done", "words"), table.values(), ids=table.keys())
