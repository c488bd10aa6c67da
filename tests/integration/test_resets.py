"""Connections that end with RST: seen by the peer's kernel, and by the server's application."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from loadtests import ROOT
from loadtests.machine.journal import entries
from loadtests.record.words import Cause, Client, Transport

PATIENCE_S = 10

#: In a process of its own, since python-socketio's client needs gevent's patches.
DEPART = """
import sys
from gevent import monkey
monkey.patch_all()
import time
from loadtests.client.link import locate
from loadtests.record.words import Cause, Client, Transport
from loadtests.client.sessions import make_session
url, transport, client, cause = sys.argv[1:]
session = make_session(Client(client), locate(url), Transport(transport), "/test")
session.connect()
time.sleep(0.1)
session.depart(Cause(cause))
print(session.sid, flush=True)
time.sleep(0.1)
assert session.ended is None, session.ended
sys.stdin.read()
"""


def departed(url: str, transport: Transport, client: Client, cause: Cause):
    """A process whose only client goes at once and that then stays."""
    arguments = [url, transport, client, cause]
    return subprocess.Popen(
        [sys.executable, "-c", DEPART, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


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
        accepting.join(PATIENCE_S)


@pytest.mark.parametrize("client", Client)
@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize(("cause", "end"), [(Cause.RESET, "RST"), (Cause.KILL, "FIN")])
def test_reset_client_ends_every_connection_with_rst_and_a_killed_one_with_fin(
    serve, client, transport, cause, end
):
    connections = 1 if transport is Transport.WEBSOCKET else 2
    with serve("gevent") as server, witnessed(server.ready.port) as (url, ends):
        with departed(url, transport, client, cause) as process:
            assert process.stdout.readline()
            give_up = time.monotonic() + PATIENCE_S
            while len(ends) < connections and time.monotonic() < give_up:
                time.sleep(0.01)
            assert ends == [end] * connections
            process.communicate()
        assert process.returncode == 0


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
@pytest.mark.parametrize(
    ("transport", "reason"),
    [(Transport.WEBSOCKET, "transport close"), (Transport.POLLING, "ping timeout")],
)
def test_reset_is_noticed_at_once_over_websocket_and_never_over_polling(
    serve, tmp_path, mode, transport, reason
):
    with (
        serve(mode, heartbeat_s=0.5) as server,
        departed(server.url, transport, Client.TRANSPORT_BENCH, Cause.RESET) as process,
    ):
        sid = process.stdout.readline().decode().strip()
        give_up = time.monotonic() + PATIENCE_S
        noticed = []
        while not noticed and time.monotonic() < give_up:
            noticed = [e for e in entries(tmp_path / f"{mode}.jsonl") if e["event"] == "disconnect"]
            time.sleep(0.01)
        assert [(each["sid"], each["reason"]) for each in noticed] == [(sid, reason)]
        process.communicate()
