"""An application that is started by itself, with one line for transport-bench."""

from __future__ import annotations

import sys
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

import transport_bench

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")
transport_bench.probe(socketio)


@socketio.on("price")
def price(_item: Any) -> int:
    """What something costs."""
    return 100


if __name__ == "__main__":
    print("started", flush=True)
    socketio.run(app, port=int(sys.argv[1]), allow_unsafe_werkzeug=True)
