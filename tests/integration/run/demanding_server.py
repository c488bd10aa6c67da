"""An application that asks for all that a connection can be told, mounted below a path.

Arguments: port, and a certificate and its key where it is to be encrypted.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterable
from typing import Any

from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO, emit
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading", path="/live")


@socketio.on("connect", namespace="/chat")
def connected(auth: Any) -> None:
    told = {
        "header": request.headers.get("X-Token"),
        "query": request.args.get("token"),
        "cookie": request.cookies.get("session"),
        "auth": auth.get("token") if isinstance(auth, dict) else None,
    }
    lacking = [name for name, value in told.items() if value != f"hush-{name}"]
    if lacking:
        raise ConnectionRefusedError(f"no {', '.join(lacking)}")


@socketio.on("my event", namespace="/chat")
def echo(message: Any) -> None:
    emit("my response", message)


@socketio.on("my broadcast event", namespace="/chat")
def everybody(message: Any) -> None:
    emit("my response", message, broadcast=True)


def _nothing(_environ: Any, start: Any) -> Iterable[bytes]:
    start("404 Not Found", [("Content-Type", "text/plain")])
    return [b"nothing here"]


def _main() -> None:
    port, *files = sys.argv[1:]
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    mounted: Any = DispatcherMiddleware(_nothing, {"/shop": app.wsgi_app})
    make_server("127.0.0.1", int(port), mounted, threaded=True, ssl_context=context).serve_forever()


if __name__ == "__main__":
    _main()
