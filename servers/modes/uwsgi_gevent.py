"""uWSGI with its gevent loop: ``uwsgi --http :5000 --gevent 1000 --http-websockets --master``.

That is the command of Flask-SocketIO's and python-socketio's documentation. What it means (uWSGI
2.0.31):

- A router process speaks HTTP with the clients and uWSGI's own protocol with the one worker. It
  closes the connection after each response, so each long-polling request costs one here and one
  behind it. ``--http-keepalive`` changes nothing where a response has no Content-Length, and
  python-engineio's have none; with ``--http-auto-chunked`` they are kept and each waits 40 ms in
  Nagle's algorithm, as in the mode gevent. ``--http11-socket``, without a router, breaks under the
  gevent loop at the second request of a connection.
  Both processes count as the server's CPU, and share its core where it has one.
- WebSocket is uWSGI's own, and so is its heartbeat of 30 s and 3 s, beside python-engineio's.
- What a WebSocket client sends right before it closes is lost, its goodbye too: python-engineio's
  driver throws away what it has read together with the end
  (loadtests/scenarios/disconnect/windows.py).

The package pyuwsgi needs no compiler, but its wheels (2.0.30) are built without OpenSSL: every
WebSocket handshake fails. uwsgi is compiled when it is installed, with OpenSSL if its headers are
there.
"""

from __future__ import annotations

from .. import under_uwsgi
from . import Application, Mode

_GREENLETS = 1000

MODE = Mode(
    name="uwsgi-gevent",
    async_mode="gevent_uwsgi",
    patched=True,
    websocket="uwsgi",
    packages=("uwsgi", "gevent"),
    most_connections=_GREENLETS,  # a request has one, a WebSocket too
)


def patch() -> None:
    """Make sockets, threads and sleeps cooperative, in uWSGI's worker."""
    if under_uwsgi.is_inside():
        from gevent import monkey

        monkey.patch_all()
    else:
        under_uwsgi.require()  # asked for here so that its absence is one clear line


def serve(application: Application, host: str, port: int) -> None:
    """Serve with one worker that has a greenlet for each request, and no line per request."""
    under_uwsgi.run(application, host, port, gevent=_GREENLETS, http_websockets=True)
