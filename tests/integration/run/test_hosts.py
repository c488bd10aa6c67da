"""Clients that are really killed, stopped and cut off, and hosts that leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest

from loadtests import ROOT
from loadtests.client.target import Target
from loadtests.machine import network
from loadtests.machine.journal import entries
from loadtests.machine.launch import serving
from loadtests.record.words import Cause, Client, Transport
from loadtests.scenarios.disconnect.hosts.handle import HostError, hosting
from loadtests.scenarios.disconnect.hosts.process import ProcessHost
from tests.support.measuring import in_a_quiet_moment
from tests.support.present import present
from tests.support.waiting import PATIENCE_S, until

KILL, FREEZE, CUT = Cause.KILL, Cause.FREEZE, Cause.CUT
WEBSOCKET, POLLING = Transport.WEBSOCKET, Transport.POLLING
MS = 1_000_000


def config(url, causes, transport=WEBSOCKET, client=Client.TRANSPORT_BENCH, *, interface=None):
    return ProcessHost(
        url=url, transport=transport, client=client, causes=causes, interface=interface
    )


@pytest.fixture
def host(tmp_path):
    """Start a host of clients of a server."""

    def start(*arguments, **options):
        return hosting(
            "processes",
            "loadtests.scenarios.disconnect.hosts",
            config(*arguments, **options),
            log=tmp_path / "host.log",
            diary=tmp_path / "diary.jsonl",
        )

    return start


def disconnects(journal):
    """Session id -> when its handler ran and the reason."""
    return {
        each["sid"]: (each["at_ns"], each["reason"])
        for each in entries(journal)
        if each["event"] == "disconnect"
    }


def alive(pids):
    """Those that run or are stopped; the dead that nobody has reaped are dead."""
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def below(pid):
    """A process and all that it started."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


# --- what the server is told


@pytest.mark.parametrize(
    ("mode", "transport", "client", "reasons"),
    [
        ("gevent", WEBSOCKET, Client.TRANSPORT_BENCH, {KILL: "close", FREEZE: "timeout"}),
        ("gevent", POLLING, Client.TRANSPORT_BENCH, {KILL: "timeout", FREEZE: "timeout"}),
        ("threading", WEBSOCKET, Client.TRANSPORT_BENCH, {KILL: "close", FREEZE: "timeout"}),
        ("eventlet", POLLING, Client.TRANSPORT_BENCH, {KILL: "timeout", FREEZE: "timeout"}),
        ("gevent", WEBSOCKET, Client.REFERENCE, {KILL: "close", FREEZE: "timeout"}),
        ("gevent", POLLING, Client.REFERENCE, {KILL: "timeout", FREEZE: "timeout"}),
    ],
)
def test_client_that_is_killed_or_stopped_is_noticed_as_the_rules_say(
    serve, host, tmp_path, mode, transport, client, reasons
):
    words = {"close": "transport close", "timeout": "ping timeout"}
    causes = [KILL, FREEZE] * 2
    # python-engineio announces whole seconds, and its own client believes what is announced.
    beat_s = 1 if client is Client.REFERENCE else 0.5
    with (
        serve(mode, heartbeat_s=beat_s) as server,
        host(server.url, causes, transport, client) as clients,
    ):
        sids = clients.wait_until_joined(PATIENCE_S)
        start_ns = time.monotonic_ns() + 50 * MS
        due_ns = [start_ns + number * 100 * MS for number in range(4)]
        clients.send_away(due_ns)
        journal = tmp_path / f"{mode}.jsonl"
        until(lambda: disconnects(journal).keys() >= set(sids), "all are noticed")
        noticed, gone = disconnects(journal), clients.gone()
    assert sorted(each.client for each in gone) == [0, 1, 2, 3]
    for each in gone:
        at_ns, reason = noticed[sids[each.client]]
        cause = causes[each.client]
        assert reason == words[reasons[cause]], cause
        assert due_ns[each.client] <= each.gone_ns <= at_ns
        assert each.pinged_ns <= each.gone_ns
        if reason == "ping timeout":
            # Interval and timeout after its last heartbeat; less the time that the handshake was
            # under way, where that was the last: the server counts from when it sent it.
            assert at_ns - each.pinged_ns >= round(1.5 * beat_s * 1e9)


def test_clients_go_when_they_are_due(serve, host, tmp_path):
    def check(_folder):
        with serve("gevent") as server, host(server.url, [KILL, FREEZE] * 3) as clients:
            clients.wait_until_joined(PATIENCE_S)
            start_ns = time.monotonic_ns() + 100 * MS
            due_ns = [start_ns + number * 7 * MS for number in (3, 1, 4, 0, 5, 2)]
            clients.send_away(due_ns)
            until(lambda: len(clients.gone()) == 6, "all have gone")
            for each in clients.gone():
                assert 0 <= each.gone_ns - due_ns[each.client] < 5 * MS

    in_a_quiet_moment(check, tmp_path)


@pytest.mark.parametrize("transport", Transport)
def test_clients_that_are_cut_off_go_together_and_time_out(tmp_path, transport):
    if reason := network.unavailable():
        pytest.skip(reason)
    journal = tmp_path / "journal"
    with (
        network.isolated(log=tmp_path / "network.log") as made,
        serving(
            "gevent",
            ping_interval_s=0.5,
            ping_timeout_s=0.5,
            log=tmp_path / "server.log",
            journal=journal,
            host=made.address,
            prefix=made.outer,
        ) as server,
        hosting(
            "network",
            "loadtests.scenarios.disconnect.hosts",
            config(server.url, [CUT] * 3, transport, interface=made.interface),
            log=tmp_path / "host.log",
            diary=tmp_path / "diary",
            prefix=(*made.outer, *made.inner),
        ) as clients,
    ):
        sids = clients.wait_until_joined(PATIENCE_S)
        clients.send_away([time.monotonic_ns() + 200 * MS] * 3)
        until(lambda: disconnects(journal).keys() >= set(sids), "all are noticed")
        noticed, gone = disconnects(journal), clients.gone()
    assert sorted(each.client for each in gone) == [0, 1, 2]
    assert len({each.gone_ns for each in gone}) == 1
    for each in gone:
        at_ns, reason = noticed[sids[each.client]]
        pinged_ns = present(each.pinged_ns)
        assert pinged_ns < each.gone_ns < at_ns
        assert at_ns - pinged_ns >= 750 * MS
        assert reason == "ping timeout"


# --- what goes wrong


def complaint(call, *arguments):
    with pytest.raises(HostError) as raised:
        call(*arguments)
    (words,) = [each for each in str(raised.value).splitlines() if "host.log" in each]
    return words


def test_url_where_nobody_listens_is_one_line(host):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with host(url, [KILL, FREEZE]) as clients:
        words = complaint(clients.wait_until_joined, PATIENCE_S)
    assert words.count("cannot connect to 127.0.0.1:") == words.count(": Connection refused") == 1


@pytest.mark.parametrize("client", Client)
def test_server_that_refuses_is_one_line_in_its_own_words(host, client):
    program = (
        "import http.server, sys\n"
        "class Refuses(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_error(403, 'no room for you')\n"
        "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Refuses)\n"
        "print(server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as refusing:
        try:
            url = f"http://127.0.0.1:{int(present(refusing.stdout).readline())}"
            with host(url, [KILL], POLLING, client) as clients:
                words = complaint(clients.wait_until_joined, PATIENCE_S)
        finally:
            refusing.kill()
    assert "client 0 could not connect: " in words
    assert "403" in words


def test_url_that_is_none_is_one_line(host):
    with host("gopher://somewhere", [KILL]) as clients:
        assert "expected http://HOST:PORT" in complaint(clients.wait_until_joined, PATIENCE_S)


def lost(clients):
    """Those that were lost by now."""
    assert clients.gone() == []
    return clients.lost()


def test_server_that_goes_first_loses_its_clients(serve, host):
    with serve("gevent") as server, host(server.url, [FREEZE]) as clients:
        clients.wait_until_joined(PATIENCE_S)
        server.process.kill()
        until(lambda: lost(clients), "it is lost")
        assert clients.lost() == {0: "connection closed by the server"}


def test_client_that_somebody_else_killed_is_lost(serve, host):
    with serve("gevent") as server, host(server.url, [KILL, KILL]) as clients:
        clients.wait_until_joined(PATIENCE_S)
        (first, _) = sorted(below(clients._process.pid)[1:])
        os.kill(first, signal.SIGKILL)
        until(lambda: lost(clients), "it is lost")
        assert clients.lost() == {0: "its process ended with code -9"}


def test_interface_that_is_not_there_is_one_line(tmp_path):
    broken = config("http://127.0.0.1:1", [CUT], interface="no-such-link")
    files = {"log": tmp_path / "host.log", "diary": tmp_path / "diary"}
    with hosting("network", "loadtests.scenarios.disconnect.hosts", broken, **files) as clients:
        words = complaint(clients.wait_until_joined, PATIENCE_S)
    assert "no-such-link cannot be taken down: No such device" in words


def test_what_connections_are_told_is_in_no_list_of_processes(tmp_path):
    told = ProcessHost(
        url="http://127.0.0.1:1",
        transport=WEBSOCKET,
        client=Client.TRANSPORT_BENCH,
        causes=[KILL],
        target=Target(auth="hush-hush"),
    )
    files = {"log": tmp_path / "host.log", "diary": tmp_path / "diary"}
    with hosting("processes", "loadtests.scenarios.disconnect.hosts", told, **files) as clients:
        listed = str(clients._process.args)
        complaint(clients.wait_until_joined, PATIENCE_S)
    assert str(files["diary"]) in listed
    assert "hush" not in listed


# --- what is left behind


@contextmanager
def some_gone(serve, host):
    """A host with a client that was stopped, one that was killed, and two that stay."""
    with serve("gevent") as server, host(server.url, [FREEZE, KILL, FREEZE, KILL]) as clients:
        clients.wait_until_joined(PATIENCE_S)
        now_ns = time.monotonic_ns()
        clients.send_away([now_ns, now_ns, now_ns + 3600_000 * MS, now_ns + 3600_000 * MS])
        until(lambda: len(clients.gone()) == 2, "two have gone")
        pids = below(clients._process.pid)
        until(lambda: len(alive(pids)) == 4, "the killed one is dead")
        yield clients, alive(pids)


def test_nothing_is_left_when_the_block_ends(serve, host):
    with some_gone(serve, host) as (_, pids):
        assert len(pids) == 4
    assert alive(pids) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_die_with_their_host_and_the_parent_is_told(serve, host, number):
    with some_gone(serve, host) as (clients, pids):
        os.kill(pids[0], number)
        until(lambda: not alive(pids), "all are dead")
        assert "ended with code" in complaint(clients.gone)
        assert "does not listen" in complaint(clients.send_away, [0] * 4)


#: Patched, as Locust's process is.
PARENT = """
import sys
from gevent import monkey
monkey.patch_all()
import json, time
from pathlib import Path
import psutil
from loadtests.scenarios.disconnect.hosts.handle import hosting
from loadtests.scenarios.disconnect.hosts.process import ProcessHost
from loadtests.record.words import Cause, Client, Transport
folder, url = Path(sys.argv[1]), sys.argv[2]
config = ProcessHost(
    url=url,
    transport=Transport.WEBSOCKET,
    client=Client.TRANSPORT_BENCH,
    causes=[Cause.FREEZE, Cause.FREEZE, Cause.KILL],
)
files = {"log": folder / "host.log", "diary": folder / "diary"}
with hosting("processes", "loadtests.scenarios.disconnect.hosts", config, **files) as host:
    host.wait_until_joined(10)
    now_ns = time.monotonic_ns()
    host.send_away([now_ns, now_ns + 3600 * 10**9, now_ns + 3600 * 10**9])
    while not host.gone():
        time.sleep(0.01)
    print(json.dumps([each.pid for each in psutil.Process().children(recursive=True)]), flush=True)
    time.sleep(3600)
"""


def test_killed_parent_leaves_no_process_not_even_a_stopped_one(serve, tmp_path):
    with (
        serve("gevent") as server,
        subprocess.Popen(
            [sys.executable, "-c", PARENT, str(tmp_path), server.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        ) as parent,
    ):
        try:
            pids = json.loads(present(parent.stdout).readline())
            assert len(alive(pids)) == 4
        finally:
            parent.kill()
        until(lambda: not alive(pids), "all are dead")
