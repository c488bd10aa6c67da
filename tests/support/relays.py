"""Ways to a server that something happens on: it is slow, or somebody notes how it ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

REFUSED = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 17\r\nConnection: close\r\n\r\nno upgrades here."
)


@contextmanager
def relayed(
    url: str, *, polling_s: float = 0, websocket_s: float = 0, refuse_websocket: bool = False
) -> Iterator[str]:
    """The URL by which a server is reached until the block ends.

    Args:
        url: of the server.
        polling_s: by how much each piece is late, in both directions, on a connection for polling.
        websocket_s: the same on a connection for a WebSocket.
        refuse_websocket: answers every WebSocket handshake with 400, as some proxies do.
    """
    relay = _Relay(url, polling_s, websocket_s, refuse_websocket)
    try:
        yield relay.url
    finally:
        relay.close()


class _Relay:
    def __init__(
        self, url: str, polling_s: float, websocket_s: float, refuse_websocket: bool
    ) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._delays_s = {False: polling_s, True: websocket_s}
        self._refuse_websocket = refuse_websocket
        self._closing = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._run(self._accept)

    def close(self) -> None:
        self._closing.set()
        for each in (self._listener, *self._sockets):
            with suppress(OSError):  # its peer has ended it
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in (self._listener, *self._sockets):
            each.close()

    def _run(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed by us
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._run(self._carry, client)

    def _carry(self, client: socket.socket) -> None:
        with suppress(OSError):
            first = client.recv(65536)
            websocket = b"transport=websocket" in first.partition(b"\r\n")[0]
            if websocket and self._refuse_websocket:
                client.sendall(REFUSED)
                client.shutdown(socket.SHUT_RDWR)
                return
            server = socket.create_connection(self._server)
            self._sockets.append(server)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            delay_s = self._delays_s[websocket]
            self._run(self._pump, server, client, delay_s, b"")
            self._pump(client, server, delay_s, first)

    def _pump(
        self, source: socket.socket, sink: socket.socket, delay_s: float, data: bytes
    ) -> None:
        with suppress(OSError):
            data = data or source.recv(65536)
            while data and not self._closing.wait(delay_s):
                sink.sendall(data)
                data = source.recv(65536)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def witnessed(port: int) -> Iterator[tuple[str, list[str]]]:
    """A way to a server on which is noted how clients end their connections: FIN or RST."""
    ends: list[str] = []
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def pump(source: socket.socket, sink: socket.socket, note: list[str]) -> None:
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
                note.append("FIN")
            except OSError as error:
                note.append("RST" if isinstance(error, ConnectionResetError) else str(error))
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

        def accept() -> None:
            with suppress(OSError):  # closed by us
                while True:
                    client = stack.enter_context(listener.accept()[0])
                    server = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                    for way in ((client, server, ends), (server, client, [])):
                        threading.Thread(target=pump, args=way, daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", ends
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
