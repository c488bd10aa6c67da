"""The server under test with one known fault, so that what is measured can be compared with it.

``python faulty_server.py FAULT MODE OPTIONS...``, with FAULT one of the functions below and its
argument: ``delays:0.01,0.06``, ``spoil:10``, ``die:20``, ``bytes:0``, ``mute:0``,
``drop_client:20``, ``stall:20,1.5``, ``busy:20,1.5``, ``hang:20``, ``leave:0.5``, ``absent:0``,
``costs:200``, ``serves:0.005``, ``keeps:64``, ``late_disconnect:3``, ``no_disconnect:0``,
``double_disconnect:0``, ``lie:0``, ``refuses:5,10``.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from servers.__main__ import main

NAMESPACE = "/test"


def delays(app, socketio, several):
    """Answer an echo after the first delay, the next after the second, ..., and from the first."""
    from flask_socketio import emit

    seconds = [float(each) for each in several.split(",")]
    count = 0

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        nonlocal count
        count += 1
        socketio.sleep(seconds[(count - 1) % len(seconds)])
        emit("my response", {"data": message["data"]})


def spoil(app, socketio, every):
    """Spoil every N-th broadcast for the first three clients that connected.

    The first does not get it, the second gets it twice, the third after the one that follows it.
    """
    from flask import request
    from flask_socketio import emit

    clients = []
    held = []
    count = 0

    @socketio.on("connect", namespace=NAMESPACE)
    def connected():
        clients.append(request.sid)

    @socketio.on("my broadcast event", namespace=NAMESPACE)
    def broadcast(message):
        nonlocal count
        count += 1
        body = {"data": message["data"]}
        spoilt = count % int(every) == 0
        one, two, three, *others = clients
        copies = [*([] if spoilt else [one]), *([two, two] if spoilt else [two]), *others]
        for sid in copies:
            emit("my response", body, to=sid)
        if spoilt:
            held.append(body)
        else:
            for each in (body, *held):
                emit("my response", each, to=three)
            held.clear()


def _at_the(number, socketio, act: Callable):
    """Do something, once, before the N-th echo is answered."""
    from flask_socketio import emit

    count = 0

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        nonlocal count
        count += 1
        if count == int(number):
            act()
        emit("my response", {"data": message["data"]})


def die(app, socketio, after):
    """End the process, without a word, at the N-th echo."""
    _at_the(after, socketio, lambda: os._exit(3))


def stall(app, socketio, argument):
    """Stand still for some seconds, once, at the N-th echo: ``number,seconds``."""
    number, seconds = argument.split(",")
    # Waits for none of all signals: time.sleep is the loop's own, under gevent and eventlet.
    _at_the(number, socketio, lambda: signal.sigtimedwait((), float(seconds)))


def busy(app, socketio, argument):
    """The same, and compute all the while."""
    number, seconds = argument.split(",")

    def compute():
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            pass

    _at_the(number, socketio, compute)


def hang(app, socketio, number):
    """Stand still for good at the N-th echo."""
    _at_the(number, socketio, lambda: os.kill(os.getpid(), signal.SIGSTOP))


def leave(app, socketio, seconds):
    """End the process, without a word, when no echo has come for so long since the last."""
    from flask_socketio import emit

    latest = float("inf")

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        nonlocal latest
        latest = time.monotonic()
        emit("my response", {"data": message["data"]})

    def watch():
        while time.monotonic() < latest + float(seconds):
            socketio.sleep(0.02)
        os._exit(3)

    socketio.start_background_task(watch)


def absent(app, socketio, _nothing):
    """End before anything is served."""
    sys.exit(1)


def costs(app, socketio, microseconds):
    """Compute for so long before each echo is answered."""
    from flask_socketio import emit

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        end_ns = time.thread_time_ns() + 1000 * int(microseconds)
        while time.thread_time_ns() < end_ns:
            pass
        emit("my response", {"data": message["data"]})


def serves(app, socketio, seconds):
    """Take exactly so long for each echo, one after the other in the order in which they come.

    For threads: in an event loop an answer leaves only when all that came meanwhile was handled.
    Answers leave at once: else the second to a client would wait for it to acknowledge the first.
    """
    from flask import request
    from werkzeug.serving import WSGIRequestHandler

    WSGIRequestHandler.disable_nagle_algorithm = True

    waiting = queue.SimpleQueue()

    def serve():
        free_ns = 0
        while True:
            sid, data, came_ns = waiting.get()
            # By when it came, not by when this thread woke: that it is late adds to nothing.
            free_ns = max(free_ns, came_ns) + round(float(seconds) * 1e9)
            while (left_ns := free_ns - time.monotonic_ns()) > 0:
                signal.sigtimedwait((), left_ns / 1e9)
            socketio.emit("my response", {"data": data}, namespace=NAMESPACE, to=sid)

    threading.Thread(target=serve, daemon=True).start()

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        waiting.put((request.sid, message["data"], time.monotonic_ns()))


def keeps(app, socketio, kib):
    """Keep so much memory for each client that ever came, whether it goes or not."""
    from flask_socketio import emit

    kept = []

    @socketio.on("connect", namespace=NAMESPACE)
    def connected():
        kept.append(b"x" * (1024 * int(kib)))
        emit("my response", {"data": "Connected"})


def bytes(app, socketio, _nothing):
    """Answer an echo with bytes for everybody."""

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        socketio.emit("bytes", b"\x00\x01\x02", namespace=NAMESPACE)


def drop_client(app, socketio, after):
    """Disconnect the client that sends the N-th echo."""
    from flask import request
    from flask_socketio import disconnect, emit

    count = 0

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        nonlocal count
        count += 1
        if count == int(after):
            disconnect(request.sid, namespace=NAMESPACE)
        else:
            emit("my response", {"data": message["data"]})


def mute(app, socketio, _nothing):
    """Take echoes and never answer."""

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        pass


def _disconnects(socketio, handle: Callable):
    """Have every disconnect handled as told, given the handler and its arguments."""
    handlers = socketio.server.handlers[NAMESPACE]
    original = handlers["disconnect"]
    handlers["disconnect"] = lambda *arguments: handle(original, arguments)


def late_disconnect(app, socketio, seconds):
    """Call the disconnect handler that much later; nothing else waits for it."""
    environments = {}
    remembered = socketio.server.get_environ

    def later(original, arguments):
        sid = arguments[0]
        environments[sid] = remembered(sid, NAMESPACE)  # the library forgets it when this returns

        def run():
            socketio.sleep(float(seconds))
            original(*arguments)

        socketio.start_background_task(run)

    socketio.server.get_environ = lambda sid, namespace=None: (
        environments.get(sid) or remembered(sid, namespace)
    )
    _disconnects(socketio, later)


def no_disconnect(app, socketio, _nothing):
    """Never call the disconnect handler."""
    _disconnects(socketio, lambda _original, _arguments: None)


def double_disconnect(app, socketio, _nothing):
    """Call the disconnect handler twice for each client."""

    def twice(original, arguments):
        original(*arguments)
        original(*arguments)

    _disconnects(socketio, twice)


def refuses(app, socketio, argument):
    """Answer so many handshakes with 503, after some that are served: ``served,refused``."""
    serve = app.wsgi_app
    served, refused = map(int, argument.split(","))
    count = 0

    def guarded(environ, start_response):
        nonlocal count
        query = environ.get("QUERY_STRING", "")
        if "EIO=" in query and "sid=" not in query:
            count += 1
            if served < count <= served + refused:
                start_response("503 Service Unavailable", [("Content-Length", "0")])
                return []
        return serve(environ, start_response)

    app.wsgi_app = guarded


def lie(app, socketio, _nothing):
    """Say of compression the opposite of what is so."""
    from servers import ready

    truth = ready.compresses
    ready.compresses = lambda eio: not truth(eio)


if __name__ == "__main__":
    name, _, argument = sys.argv[1].partition(":")
    main(sys.argv[2:], customise=lambda app, socketio: globals()[name](app, socketio, argument))
