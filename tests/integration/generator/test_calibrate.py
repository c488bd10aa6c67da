"""The responder answers our client, and a calibration leaves a file that a run finds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests import ROOT, __version__
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import Server, locate
from loadtests.client.session import Session
from loadtests.generator.calibrate.rounds import RESPONDER
from loadtests.machine import cores, facts
from loadtests.machine.launch import LaunchError, started
from loadtests.record import calibration
from loadtests.record.calibration import Limit
from loadtests.record.ready import Listening
from loadtests.record.words import Transport
from tests.support.measuring import loadtests
from tests.support.waiting import until

NAMESPACE = "/test"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Where a responder listens."""
    log = tmp_path / "responder.log"
    with started("responder", RESPONDER, type=Listening, log=log, core=None) as responder:
        yield locate(responder.url)


@pytest.fixture
def join(server: Server) -> Iterator[Callable[..., tuple[Session, list[Any]]]]:
    """Connect a session; what it hears is gathered in a list."""
    sessions: list[Session] = []

    def connect(transport: Transport, namespace: str = NAMESPACE) -> tuple[Session, list[Any]]:
        session = Session(server, (transport,), namespace)
        heard: list[Any] = []
        session.on("my response", lambda arguments, _kernel_ns, _user_ns: heard.extend(arguments))
        session.connect()
        sessions.append(session)
        return session, heard

    yield connect
    for session in sessions:
        session.kill()


@pytest.mark.parametrize("transport", list(Transport))
@pytest.mark.parametrize("length", [1, 100, 126, 70_000, 500_000])
def test_an_echo_comes_back_as_it_was_sent(
    join: Callable[..., tuple[Session, list[Any]]], transport: Transport, length: int
) -> None:
    session, heard = join(transport)
    message = {"data": "ä" * (length // 2) + "x" * (length % 2)}
    session.emit("my event", message)
    until(lambda: len(heard) == 1)
    assert heard == [message]


@pytest.mark.parametrize("transport", list(Transport))
def test_many_echoes_come_back_in_order(
    join: Callable[..., tuple[Session, list[Any]]], transport: Transport
) -> None:
    session, heard = join(transport)
    for number in range(500):
        session.emit("my event", number)
    until(lambda: len(heard) == 500)
    assert heard == list(range(500))


def test_a_broadcast_reaches_all_of_its_namespace_over_both_transports(
    join: Callable[..., tuple[Session, list[Any]]],
) -> None:
    inside = [join(transport) for transport in Transport for _ in range(3)]
    _, outside = join(Transport.WEBSOCKET, "/")
    for session, _ in inside:
        session.emit("my broadcast event", {"data": session.sid})
    until(lambda: all(len(heard) == len(inside) for _, heard in inside))
    expected = sorted(session.sid for session, _ in inside)
    for _, heard in inside:
        assert expected == sorted(one["data"] for one in heard)
    assert outside == []


@pytest.mark.parametrize("transport", list(Transport))
def test_an_event_is_acknowledged_when_that_is_asked_for(
    join: Callable[..., tuple[Session, list[Any]]], transport: Transport
) -> None:
    session, heard = join(transport, "/")
    assert session.call("my event", 1) == []
    until(lambda: heard == [1])


@pytest.mark.parametrize("transport", list(Transport))
def test_who_went_without_a_word_does_not_disturb_a_broadcast(
    join: Callable[..., tuple[Session, list[Any]]], transport: Transport
) -> None:
    gone, _ = join(transport)
    session, heard = join(transport)
    gone.kill()
    for number in range(3):
        session.emit("my broadcast event", number)
    until(lambda: len(heard) == 3)
    assert session.ended is None


def test_a_session_that_nobody_knows_is_refused(server: Server) -> None:
    stranger = Session(
        Server(host=server.host, addresses=server.addresses, path="/socket.io/?EIO=4&sid=nobody&"),
        (Transport.POLLING,),
    )
    with pytest.raises(ConnectionFailed):
        stranger.connect()


def test_the_responder_says_where_it_listens_and_ends_when_asked() -> None:
    process = subprocess.Popen(RESPONDER, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        with process.stdout as output:
            ready = json.loads(output.readline())
        assert set(ready) == {"ready", "host", "port", "pid"}
        assert ready["pid"] == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()


def test_the_responder_does_not_outlive_its_parent() -> None:
    parent = subprocess.run(
        [
            sys.executable,
            "-c",
            "import subprocess, sys\n"
            "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
            "print(child.stdout.readline().decode())",
            *RESPONDER,
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=20,
    )
    port = json.loads(parent.stdout)["port"]

    def gone() -> bool:
        try:
            Session(locate(f"http://127.0.0.1:{port}"), (Transport.WEBSOCKET,)).connect(timeout_s=1)
        except ConnectionFailed:
            return True
        return False

    until(gone)


def test_a_process_that_ends_too_early_is_named_with_its_last_words(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "raise SystemExit('no luck')"]
    with (
        pytest.raises(
            LaunchError,
            match=r"responder ended with code 1 before it was ready: no luck;",
        ),
        started("responder", failing, type=dict, log=tmp_path / "log", core=None),
    ):
        pass


def test_a_short_calibration_leaves_a_file_that_a_run_finds(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    short = ("--rounds", "1", "--seconds", "0.2", "--recipients", "5", "--connections", "10,20")
    done = loadtests("calibrate", *short, "--out", str(file))
    assert done.returncode == 0, done.stderr
    found, note = calibration.for_run(facts.describe(cores.pinning()), __version__, file)
    assert note is None
    assert found is not None
    assert [(one["scenario"], one["load"], one["transport"]) for one in found["capabilities"]] == [
        ("echo", "closed loop", "polling"),
        ("echo", "closed loop", "websocket"),
        ("echo", "200/s", "polling"),
        ("echo", "1,000/s", "polling"),
        ("echo", "200/s", "websocket"),
        ("echo", "1,000/s", "websocket"),
        ("echo", "closed loop, without a browser's headers", "polling"),
        ("echo", "closed loop, without compression", "websocket"),
        ("broadcast", "closed loop, 5 recipients", "websocket"),
        ("broadcast", "closed loop, 5 recipients, without compression", "websocket"),
        ("idle", "10 sessions", "websocket"),
        ("idle", "20 sessions", "websocket"),
        ("idle", "10 Locust users", "websocket"),
    ]
    for one in found["capabilities"]:
        assert one["limit"] in (None, *Limit)
        assert (one["limit"] is not None) == one["load"].startswith("closed loop")
        for figure in one["figures"]:
            assert figure["low"] <= figure["median"] <= figure["high"]
            if one["scenario"] != "idle":
                assert figure["median"] > 0
    assert not list(tmp_path.rglob("*-outcome.json"))
