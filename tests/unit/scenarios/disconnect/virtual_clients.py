"""A real ``engineio.Server`` in virtual time, and clients that go away from it.

Everything takes no time but the waiting: what is sent has arrived. The clients know no more of
Engine.IO than its heartbeat.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from unittest import mock

import engineio
import engineio.base_socket
import engineio.socket

from loadtests.client import frames
from loadtests.client.frames import FrameDecoder, Opcode
from loadtests.record.words import Cause, Transport
from tests.unit.scenarios.disconnect.virtual_time import ServerSocket, Task, VirtualTime, pieces

_SILENT = logging.getLogger("engineio in virtual time")
_SILENT.setLevel(logging.CRITICAL)
_MASK = b"mask"


class VirtualServer:
    """The library's server as a mode has it; use it in a ``with``.

    Args:
        mode: ``threading``, ``gevent`` (with simple-websocket) or ``eventlet``.
        interval_s: of pings.
        timeout_s: of pings.
        late_s: how late each wait of the scan ends.
        handler_s: how long the disconnect handler takes.

    Attributes:
        gone: session -> each time that the disconnect handler was called: when, and the reason.
    """

    def __init__(
        self,
        mode: str,
        interval_s: float,
        timeout_s: float,
        *,
        late_s: float = 0.0,
        handler_s: float = 0.0,
    ) -> None:
        self.time = VirtualTime(late_s)
        self.mode = mode
        self.gone: dict[str, list[tuple[float, str]]] = {}
        self._handler_s = handler_s
        self.eio = engineio.Server(
            "threading", ping_interval=interval_s, ping_timeout=timeout_s, logger=_SILENT
        )
        self.eio._async = pieces(self.time, mode)
        self.eio.on("disconnect", self._disconnected)

    def __enter__(self) -> VirtualServer:
        clock = SimpleNamespace(time=self.time.time)
        self._patches = [
            mock.patch.object(module, "time", clock)
            for module in (engineio.base_socket, engineio.socket)
        ]
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.time.close()
        for patch in self._patches:
            patch.stop()

    def _disconnected(self, sid: str, reason: str) -> None:
        self.gone.setdefault(sid, []).append((self.time.now_s, reason))
        if self._handler_s:
            self.time.sleep(self._handler_s)

    def request(self, method: str, query: str, body: bytes = b"", **more: Any) -> tuple[str, str]:
        """One HTTP request, waited for: status and body."""
        statuses = []
        environ = {
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            **more,
        }
        answer = self.eio.handle_request(environ, lambda status, headers: statuses.append(status))
        return statuses[0] if statuses else "", b"".join(answer).decode()


class Client:
    """Connects at once, answers heartbeats, goes.

    Args:
        server: to connect to.
        answers_after_s: from a ping's coming to the answer.

    Attributes:
        answered_s: when it answered last, or connected.
        gone_s: when it went.
        packets: all that the server sent to it, while it was there and after.
        serving: the server's handler of its WebSocket.
    """

    def __init__(self, server: VirtualServer, answers_after_s: float = 0.0) -> None:
        self.server = server
        self.sid = ""
        self.answers_after_s = answers_after_s
        self.answered_s = 0.0
        self.gone_s: float | None = None
        self.packets: list[str] = []
        self.serving: Task | None = None
        self.connect()

    def connect(self) -> None:
        raise NotImplementedError

    def send(self, packet: str) -> None:
        raise NotImplementedError

    def depart(self, cause: Cause) -> None:
        """Go as the cause says; over polling all but ``close`` is the same to the server."""
        self.gone_s = self.server.time.now_s
        if cause is Cause.CLOSE:
            self.send("1")

    @property
    def silent_s(self) -> float:
        """How long before it went it had answered."""
        assert self.gone_s is not None
        return self.gone_s - self.answered_s

    @property
    def noticed(self) -> list[tuple[float, str]]:
        """Each call of the server's disconnect handler: how long after it went, and the reason."""
        assert self.gone_s is not None
        calls = self.server.gone.get(self.sid, [])
        return [(moment_s - self.gone_s, reason) for moment_s, reason in calls]

    def _received(self, packet: str) -> None:
        self.packets.append(packet)
        if self.gone_s is not None:
            return
        if packet.startswith("0"):
            self.sid = json.loads(packet[1:])["sid"]
            self.answered_s = self.server.time.now_s
        elif packet == "2":
            self.server.time.after(self.answers_after_s, self._answer)

    def _answer(self) -> None:
        if self.gone_s is None:
            self.answered_s = self.server.time.now_s
            self.send("3")


class PollingClient(Client):
    """One GET waits at all times; it comes again at once, before a ping is answered."""

    def connect(self) -> None:
        self.server.time.spawn(self._poll)

    def send(self, packet: str) -> None:
        query = f"transport=polling&sid={self.sid}"
        self.server.time.spawn(self.server.request, "POST", query, packet.encode())

    def _poll(self) -> None:
        query = "transport=polling&EIO=4"
        while self.gone_s is None:
            status, body = self.server.request("GET", query)
            if not status.startswith("200"):
                return
            for packet in filter(None, body.split("\x1e")):
                self._received(packet)
            query = f"transport=polling&sid={self.sid}"


class WebSocketClient(Client):
    """A WebSocket from the start."""

    def connect(self) -> None:
        self._socket = ServerSocket(self.server.time, self._arrived)
        self._decoder: FrameDecoder | None = None  # none before the handshake is over
        self.serving = self.server.time.spawn(self._serve)

    def send(self, packet: str) -> None:
        self._socket.arrive(frames.encode(Opcode.TEXT, packet.encode(), _MASK))

    def depart(self, cause: Cause) -> None:
        super().depart(cause)
        if cause is Cause.TAB:  # 1001: going away (RFC 6455, section 7.4.1)
            self._socket.arrive(frames.encode(Opcode.CLOSE, b"\x03\xe9", _MASK))
        if cause in (Cause.KILL, Cause.TAB):
            self._socket.finish()
        elif cause is Cause.RESET:
            self._socket.reset()

    def _serve(self) -> None:
        where: dict[str, Any]
        if self.server.mode == "threading":
            where = {"werkzeug.socket": self._socket}
        elif self.server.mode == "gevent":
            raw = SimpleNamespace(_sock=self._socket)
            where = {"SERVER_SOFTWARE": "gevent", "wsgi.input": SimpleNamespace(raw=raw)}
        else:
            where = {"eventlet.input": SimpleNamespace(get_socket=lambda: self._socket)}
        try:
            self.server.request(
                "GET",
                "transport=websocket&EIO=4",
                PATH_INFO="/socket.io/",
                HTTP_HOST="virtual",
                HTTP_CONNECTION="Upgrade",
                HTTP_UPGRADE="websocket",
                HTTP_SEC_WEBSOCKET_KEY="dGhlIHNhbXBsZSBub25jZQ==",
                HTTP_SEC_WEBSOCKET_VERSION="13",
                **where,
            )
        except ConnectionError:
            # So engineio's SimpleWebSocketWSGI tells Werkzeug to leave the connection alone.
            assert self.server.mode == "threading"

    def _arrived(self, data: bytes) -> None:
        if self._decoder is None:
            self._decoder = FrameDecoder()
            data = data.partition(b"\r\n\r\n")[2]
        for opcode, payload in self._decoder.feed(data):
            if opcode == Opcode.TEXT:
                self._received(payload.decode())


CLIENTS: dict[Transport, Callable[..., Client]] = {
    Transport.POLLING: PollingClient,
    Transport.WEBSOCKET: WebSocketClient,
}
