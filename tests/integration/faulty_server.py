"""The server under test with one known fault, so that what is measured can be compared with it.

``python faulty_server.py FAULT MODE OPTIONS...``, with FAULT one of the functions below and its
argument: ``delay:0.05``, ``delays:0.01,0.06``, ``slow:100,0.2``, ``drop:10``, ``double:10``,
``swap:10``, ``die:20``, ``bytes:0``, ``mute:0``,
``drop_client:20``, ``late_disconnect:3``, ``no_disconnect:0``, ``double_disconnect:0``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from servers.__main__ import main

NAMESPACE = "/test"


def _delayed(socketio, seconds_of: Callable[[int], float]):
    """Answer the N-th echo, from 1, so many seconds later; the others do not wait for it."""
    from flask_socketio import emit

    count = 0

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        nonlocal count
        count += 1
        if seconds := seconds_of(count):
            socketio.sleep(seconds)
        emit("my response", {"data": message["data"]})


def delay(app, socketio, seconds):
    """Answer each echo that much later."""
    _delayed(socketio, lambda _number: float(seconds))


def delays(app, socketio, several):
    """Answer after the first delay, the second, ..., and again from the first."""
    seconds = [float(each) for each in several.split(",")]
    _delayed(socketio, lambda number: seconds[number % len(seconds)])


def slow(app, socketio, every_and_seconds):
    """Answer every N-th echo that much later."""
    every, seconds = every_and_seconds.split(",")
    _delayed(socketio, lambda number: 0 if number % int(every) else float(seconds))


def _broadcasts(socketio, to_first: Callable):
    """Broadcast as the application does, but to the first client that connected as told."""
    from flask import request
    from flask_socketio import emit

    clients = []
    count = 0

    @socketio.on("connect", namespace=NAMESPACE)
    def connected():
        clients.append(request.sid)

    @socketio.on("my broadcast event", namespace=NAMESPACE)
    def broadcast(message):
        nonlocal count
        count += 1
        body = {"data": message["data"]}
        for sid in clients[1:]:
            emit("my response", body, to=sid)
        to_first(count, lambda each: emit("my response", each, to=clients[0]), body)


def drop(app, socketio, every):
    """Leave out every N-th broadcast to one client."""

    def to_first(count, send, body):
        if count % int(every):
            send(body)

    _broadcasts(socketio, to_first)


def double(app, socketio, every):
    """Send every N-th broadcast twice to one client."""

    def to_first(count, send, body):
        send(body)
        if count % int(every) == 0:
            send(body)

    _broadcasts(socketio, to_first)


def swap(app, socketio, every):
    """Send every N-th broadcast to one client after the one that follows it."""
    held = []

    def to_first(count, send, body):
        if count % int(every) == 0:
            held.append(body)
            return
        send(body)
        if held:
            send(held.pop())

    _broadcasts(socketio, to_first)


def die(app, socketio, after):
    """End the process, without a word, at the N-th echo."""
    count = 0

    @socketio.on("my event", namespace=NAMESPACE)
    def echo(message):
        nonlocal count
        count += 1
        if count == int(after):
            os._exit(3)


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


if __name__ == "__main__":
    name, _, argument = sys.argv[1].partition(":")
    main(sys.argv[2:], customise=lambda app, socketio: globals()[name](app, socketio, argument))
