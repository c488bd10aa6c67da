"""The server under test, with the answers that a protocol test suite wants to hear.

``python server.py SUITE MODE OPTIONS...``, with SUITE ``engine.io`` or ``socket.io`` and the rest
as for ``python -m servers``. Serving is left to the mode: only handlers differ.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from servers.__main__ import main

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIO


def engine_io(_app: Flask, socketio: SocketIO) -> None:
    """Send every Engine.IO message back to its sender, on the protocol's own path."""
    socketio.sockio_mw.engineio_path = "/engine.io/"
    eio = socketio.server.eio
    # In the place of python-socketio's, which would take the messages for Socket.IO packets.
    eio.on("connect", lambda sid, environ: None)
    eio.on("message", lambda sid, data: eio.send(sid, data))
    eio.on("disconnect", lambda sid, reason: None)


def socket_io(_app: Flask, socketio: SocketIO) -> None:
    """Greet with the credentials, and send back or acknowledge with what came."""
    from flask_socketio import emit

    # The library's option for clients that want their acceptance before anything else, as the suite
    # does: by default what a connect handler emits goes out first (socketio.server.Server, 5.18,
    # _handle_connect).
    socketio.server.always_connect = True

    def greet(auth: Any) -> None:
        emit("auth", auth or {})

    def send_back(*content: Any) -> None:
        emit("message-back", content)

    def acknowledge(*content: Any) -> tuple[Any, ...]:
        return content

    for namespace in ("/", "/custom"):
        socketio.on_event("connect", greet, namespace=namespace)
    socketio.on_event("message", send_back)
    socketio.on_event("message-with-ack", acknowledge)


SUITES: dict[str, Callable[[Flask, SocketIO], None]] = {
    "engine.io": engine_io,
    "socket.io": socket_io,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in SUITES:
        names = ", ".join(SUITES)
        print(f"python server.py: name a suite first: {names}", file=sys.stderr)
        sys.exit(2)
    main(sys.argv[2:], customise=SUITES[sys.argv[1]])
