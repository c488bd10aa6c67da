"""python-socketio's ASGI server with the events that test_peers.py speaks; see node_server.js.

``python asgi_server.py '{"ping_interval_s": 0.3}'`` prints a line ``{"ready": true, "port": ...}``
and takes the options of node_server.js.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import engineio.payload
import socketio
import uvicorn
from socketio.exceptions import ConnectionRefusedError


def made(options: dict[str, Any]) -> socketio.AsyncServer:
    """The server, with its events in both namespaces."""
    # Of a POST with more than 16 packets python-engineio reads none, and answers "ok"; its
    # handshake names a limit in bytes only, so the official client does not know either.
    engineio.payload.Payload.max_decode_packets = 100_000
    sio = socketio.AsyncServer(
        async_mode="asgi",
        async_handlers=False,  # events in the order in which they came
        ping_interval=options.get("ping_interval_s", 25),
        ping_timeout=options.get("ping_timeout_s", 20),
        max_http_buffer_size=options.get("max_payload_bytes", 1_000_000),
        transports=options.get("transports", ["polling", "websocket"]),
        # Under ASGI python-engineio takes every request for one of http (translate_request of its
        # driver), and so refuses the pages of its own origin that come over TLS: browsers, too.
        cors_allowed_origins="*" if "certificate" in options else None,
    )
    for name in ("/", "/test"):
        serve(Namespace(sio, name))
    return sio


Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True)
class Namespace:
    """One namespace of a server."""

    sio: socketio.AsyncServer
    name: str

    def on(self, event: str) -> Callable[[Handler], Handler]:
        """Register a handler of an event."""
        register: Callable[[Handler], Handler] = self.sio.on(event, namespace=self.name)
        return register

    async def say(self, sid: str, event: str, *arguments: Any, **options: Any) -> None:
        """Send an event to a client, or to all that joined a room of this name."""
        await self.sio.emit(event, arguments, to=sid, namespace=self.name, **options)

    async def flood(self, sid: str, count: int, pause_ms: float | None = None) -> None:
        """Send so many numbers."""
        for number in range(count):
            await self.say(sid, "n", number)
            await asyncio.sleep((pause_ms or 0) / 1000)


def serve(namespace: Namespace) -> None:
    """Register the events of a namespace."""
    hear_who_comes_and_goes(namespace)
    hear_what_is_asked(namespace)


def hear_who_comes_and_goes(namespace: Namespace) -> None:
    """Register what opens and ends sessions."""
    sio, left = namespace.sio, dict[str, str]()

    @namespace.on("connect")
    async def connect(sid: str, _environ: Any, auth: dict[str, Any] | None) -> None:
        auth = auth or {}
        if "refuse" in auth:
            raise ConnectionRefusedError(auth["refuse"])
        # The client gets this before it is told that it is connected.
        await namespace.say(sid, "welcome", sid)
        if "flood" in auth:
            sio.start_background_task(namespace.flood, sid, auth["flood"], auth.get("pause_ms"))

    @namespace.on("disconnect")
    async def disconnect(sid: str, reason: str) -> None:
        left[sid] = reason

    @namespace.on("why left")
    async def why_left(_sid: str, other: str) -> str:
        return left.get(other, "")

    @namespace.on("dismiss")
    async def dismiss(sid: str) -> None:
        await sio.disconnect(sid, namespace=namespace.name)

    @namespace.on("hang up")
    async def hang_up(sid: str) -> None:
        await sio.eio.disconnect(sio.manager.eio_sid_from_sid(sid, namespace.name))


def hear_what_is_asked(namespace: Namespace) -> None:
    """Register what clients say to the server and through it to each other."""
    sio = namespace.sio

    @namespace.on("echo")
    async def echo(sid: str, *arguments: Any) -> None:
        await namespace.say(sid, "echoed", *arguments)

    @namespace.on("ask")
    async def ask(_sid: str, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    @namespace.on("ask me")
    async def ask_me(sid: str, *arguments: Any) -> None:
        async def answered(*answer: Any) -> None:
            await namespace.say(sid, "answered", *answer)

        await namespace.say(sid, "question", *arguments, callback=answered)

    @namespace.on("flood")
    async def flood_event(sid: str, *arguments: Any) -> None:
        sio.start_background_task(namespace.flood, sid, *arguments)

    @namespace.on("transport")
    async def transport(sid: str) -> str:
        return str(sio.transport(sid, namespace.name))

    @namespace.on("join")
    async def join(sid: str, room: str) -> str:
        await sio.enter_room(sid, room, namespace=namespace.name)
        return room

    @namespace.on("to room")
    async def to_room(_sid: str, room: str, *arguments: Any) -> None:
        await namespace.say(room, "said", *arguments)


class Announced(uvicorn.Server):
    """Says that it is ready when it is."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the READY line."""
        await super().startup(sockets=sockets)
        assert sockets is not None
        print(json.dumps({"ready": True, "port": sockets[0].getsockname()[1]}), flush=True)


def main(options: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    # asyncio switches Nagle's algorithm off only where a socket names its protocol; with it, an
    # answer of two segments waits 40 ms for an acknowledgement.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        socketio.ASGIApp(made(options)),
        log_level="warning",
        ws="websockets-sansio",  # not whichever is installed; it compresses
        ssl_certfile=options.get("certificate"),
        ssl_keyfile=options.get("key"),
    )
    Announced(config).run(sockets=[listener])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
