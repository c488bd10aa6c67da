"""``python -m servers``: what it says of itself, and how it starts and stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import gevent
import msgspec
import psutil
import pytest

from loadtests import ROOT
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.machine.meter import serving
from loadtests.record.words import Transport
from servers.modes import ADAPTERS, module_of
from tests.support.measuring import faulty
from tests.support.modes import MODES
from tests.support.present import present
from tests.support.waiting import until

#: Mode -> how many processes its master has started.
UNDER_A_MASTER = {"gunicorn-gevent": 1, "gunicorn-threads": 1, "uwsgi-gevent": 2}


@pytest.fixture(autouse=True)
def _can_serve(request):
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if "mode" in parameters and (lack := ADAPTERS[parameters["mode"]].MODE.missing()):
        pytest.skip(lack)


@pytest.mark.parametrize("mode", MODES)
def test_ready_line_tells_what_really_runs(serve, mode):
    with serve(mode) as server:
        expected = ADAPTERS[mode].MODE
        assert server.ready.async_mode == expected.async_mode
        assert server.ready.patched is expected.patched
        assert server.ready.websocket == expected.websocket
        # Whose CPU is measured: what the master has started, or the one process.
        started = [each.pid for each in psutil.Process(server.process.pid).children()]
        assert len(started) == UNDER_A_MASTER.get(mode, 0)
        measured = [each.pid for each in serving(server.ready.pid)]
        assert server.ready.pid in measured
        assert measured == (started or [server.process.pid])
        assert {"python", "flask", "flask-socketio", "python-engineio"} <= set(
            server.ready.versions
        )
        # Every word of it is known.
        [line] = [each for each in server.log.read_text().splitlines() if each.startswith("{")]
        assert json.loads(line) == msgspec.to_builtins(server.ready)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("mode", MODES)
def test_signal_ends_a_server_cleanly(serve, mode, number):
    with serve(mode) as server:
        server.process.send_signal(number)
        assert server.process.wait(5) == 0
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("mode", MODES)
def test_server_with_connections_ends_within_three_seconds_and_whole(serve, mode):
    with serve(mode) as server, connected(server.url, *Transport):
        processes = family(server)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == 0
        assert time.monotonic() - begun < 3
        assert [each for each in processes if each.is_running()] == []
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("mode", UNDER_A_MASTER)
def test_killed_master_leaves_no_worker(serve, mode):
    with serve(mode) as server, connected(server.url, *Transport):
        processes = family(server)
        assert len(processes) == 1 + UNDER_A_MASTER[mode]
        server.process.kill()
        _gone, left = psutil.wait_procs(processes, 2)
        assert left == []


@pytest.mark.parametrize("mode", MODES)
def test_server_ends_with_its_terminal(serve, mode):
    with serve(mode) as server:
        processes = family(server)
        server.process.send_signal(signal.SIGHUP)
        _gone, left = psutil.wait_procs(processes, 3)
        assert left == []


@pytest.mark.parametrize("mode", MODES)
def test_server_writes_a_line_per_client_that_left_and_nothing_per_request(serve, mode):
    with serve(mode) as server:
        before = server.log.read_text()
        with connected(server.url, Transport.POLLING) as (session,):
            session.emit("my event", {"data": "hello"})
            gevent.sleep(0.2)
            session.close()
            until(lambda: "Client disconnected" in server.log.read_text())
        assert server.log.read_text().removeprefix(before) == "Client disconnected\n"


@pytest.mark.parametrize("mode", MODES)
def test_server_leaves_no_files_behind(mode, tmp_path):
    done = _serve_for_a_moment(mode, HOME=str(tmp_path), XDG_RUNTIME_DIR="", folder=tmp_path)
    assert done.returncode == 0
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("mode", ["threading", "gunicorn-gevent"])
def test_other_interface_is_warned_of_in_one_line(mode, tmp_path):
    done = _serve_for_a_moment(mode, "--host", "0.0.0.0", folder=tmp_path)
    assert done.stderr.count("whoever reaches this machine can use this server") == 1
    assert "listening on 0.0.0.0" in done.stderr.splitlines()[0]
    quiet = _serve_for_a_moment(mode, folder=tmp_path)
    assert "whoever" not in quiet.stderr


@pytest.mark.parametrize("mode", MODES)
def test_taken_port_is_one_line_and_exit_code_2(mode):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = _serve(mode, "--port", str(port))
    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 is taken" in _only_line(done)


def test_unknown_mode_is_refused_with_the_known_ones():
    done = _serve("gvent")
    assert done.returncode == 2
    line = _only_line(done)
    assert all(mode in line for mode in ADAPTERS)


@pytest.mark.parametrize("port", ["-1", "70000", "many"])
def test_impossible_port_is_exit_code_2_without_a_traceback(port):
    done = _serve("threading", "--port", port)
    assert done.returncode == 2
    assert port in _only_line(done)


@pytest.mark.parametrize("option", ["--ping-interval", "--ping-timeout"])
@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_impossible_heartbeat_is_exit_code_2_without_a_traceback(option, value):
    done = _serve("threading", option, value)
    assert done.returncode == 2
    assert f"{value} is not a number of seconds above 0" in _only_line(done)


@pytest.mark.parametrize("mode", MODES)
def test_missing_package_is_one_line_that_says_how_to_install_it(mode, tmp_path):
    wanted = ADAPTERS[mode].MODE
    module = tmp_path / module_of(wanted.packages[0])
    module.mkdir()
    (module / "__init__.py").write_text("raise ImportError('not for this test')")
    done = _serve(mode, path=str(tmp_path))
    assert done.returncode == 2
    assert f"pip install {wanted.packages[0]}" in _only_line(done)


def test_journal_has_a_line_per_connect_and_disconnect_and_none_per_message(serve, tmp_path):
    from socketio import SimpleClient

    with serve("threading") as server:
        with SimpleClient() as client:
            client.connect(server.url, namespace="/test", transports=["websocket"])
            assert client.receive(timeout=5) == ["my response", {"data": "Connected"}]
            client.emit("my event", {"data": "hello"})
            assert client.receive(timeout=5) == ["my response", {"data": "hello"}]
            sid = client.client.get_sid("/test")
        until(lambda: "Client disconnected" in server.log.read_text())
        text = (tmp_path / "threading.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["event"], line["sid"]) for line in lines] == [
        ("connect", sid),
        ("disconnect", sid),
    ]
    assert lines[0]["transport"] == "websocket"
    # python-socketio's client closes its socket right behind its goodbye: either may be seen first.
    assert lines[1]["reason"] in ("client disconnect", "transport close")
    assert lines[0]["at_ns"] < lines[1]["at_ns"]


@pytest.mark.parametrize(("burst", "answered"), [(16, 17), (17, 1)])
def test_post_of_more_than_sixteen_packets_is_thrown_away_in_silence(serve, burst, answered):
    """Should python-engineio mend it, docs/findings.md loses a page."""
    heard = []
    with serve("eventlet") as server:
        session = Session(locate(server.url), (Transport.POLLING,), "/test")
        session.connect()
        session.on("my response", lambda arguments, *_: heard.append(arguments[0]["data"]))
        session.emit("my event", {"data": 0})  # leaves by itself; the others gather behind it
        for number in range(1, burst + 1):
            session.emit("my event", {"data": number})
        if answered > 1:
            until(lambda: len(heard) == answered)
        else:
            until(lambda: "Too many packets" in server.log.read_text())
            gevent.sleep(0.5)  # what was read nevertheless would have come by now
        session.kill()
        assert session.ended is None
        told = "Too many packets in payload" in server.log.read_text()
    assert heard == list(range(answered))
    assert told == (burst > 16)


def test_broadcast_of_bytes_breaks_for_polling_once_websocket_was_served(serve):
    """Should python-engineio mend it, docs/findings.md loses a page."""
    heard = {}
    with serve("gevent", command=faulty("bytes:0")) as server:
        sessions = [
            Session(locate(server.url), (transport,), "/test")
            for transport in (Transport.WEBSOCKET, Transport.POLLING)
        ]
        for session in sessions:
            session.connect()
            session.on("bytes", lambda found, *_, sid=session.sid: heard.update({sid: found}))
        gevent.sleep(0.2)  # the greetings are through
        sessions[0].emit("my event", {"data": "go"})
        until(lambda: sessions[1].ended)
        until(lambda: heard)
        for session in sessions:
            session.kill()
    assert heard == {sessions[0].sid: [b"\x00\x01\x02"]}
    assert "500" in present(sessions[1].ended)


@contextmanager
def connected(url, *transports):
    """A session of our client over each transport."""
    sessions = [Session(locate(url), (transport,), "/test") for transport in transports]
    for session in sessions:
        session.connect()
    yield sessions
    for session in sessions:
        session.kill()


def family(server):
    leader = psutil.Process(server.process.pid)
    return [leader, *leader.children(recursive=True)]


def _serve(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "servers", *arguments],
        cwd=ROOT,
        env=os.environ | ({"PYTHONPATH": path} if path else {}),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def _serve_for_a_moment(
    mode: str, *arguments: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Serve until it is ready, then ask it to end."""
    command = [sys.executable, "-B", "-m", "servers", mode, "--port", "0", *arguments]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in present(process.stdout):
            if line.startswith('{"ready"'):
                break
        process.terminate()
        try:
            out, err = process.communicate(timeout=5)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _only_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]
