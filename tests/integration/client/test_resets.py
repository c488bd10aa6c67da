"""Connections that end with RST: seen by the peer's kernel, and by the server's application."""

from __future__ import annotations

import subprocess
import sys

import pytest

from loadtests import ROOT
from loadtests.machine.journal import entries
from loadtests.record.words import Cause, Client, Transport
from tests.support.relays import witnessed
from tests.support.waiting import until

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
            until(lambda: len(ends) >= connections, "all connections have ended")
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
        journal = tmp_path / f"{mode}.jsonl"
        noticed = until(lambda: [e for e in entries(journal) if e["event"] == "disconnect"])
        assert [(each["sid"], each["reason"]) for each in noticed] == [(sid, reason)]
        process.communicate()
