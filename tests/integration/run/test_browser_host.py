"""Tabs of a real Chromium: they join, are closed, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import psutil
import pytest

from loadtests import ROOT
from loadtests.machine.journal import entries
from loadtests.machine.processes import process
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.hosts.browser import BrowserHost, unavailable
from loadtests.scenarios.disconnect.hosts.handle import hosting, tell
from tests.support.waiting import SLOWNESS, until

MODULE = "loadtests.scenarios.disconnect.hosts.browser"
PATIENCE_S = 30 * SLOWNESS

needs_tabs = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


@pytest.fixture
def nowhere() -> str:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def two_tabs(url: str, transport: Transport) -> BrowserHost:
    return BrowserHost(url, transport, tabs=2, clients_per_tab=2)


def events(diary: Path, event: str) -> list[dict[str, Any]]:
    found = entries(diary) if diary.exists() else []
    return [each for each in found if each["event"] == event]


@contextmanager
def joined(config: BrowserHost, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A host whose clients have joined; its diary is in the folder."""
    diary = folder / "diary.jsonl"
    with (
        (folder / "host.log").open("wb") as output,
        process(
            [sys.executable, "-m", MODULE, str(diary)], core=None, stdout=output, pipe=True
        ) as running,
    ):
        tell(running, config)
        until(
            lambda: len(events(diary, "joined")) == config.clients,
            "the clients have joined",
            PATIENCE_S,
        )
        yield running


@needs_tabs
@pytest.mark.parametrize(
    ("transport", "reason"),
    [(Transport.WEBSOCKET, "transport close"), (Transport.POLLING, "ping timeout")],
)
def test_closed_tab_is_noticed_as_its_transport_has_it(
    transport: Transport, reason: str, serve: Any, tmp_path: Path
) -> None:
    with (
        serve("gevent", heartbeat_s=1) as server,
        hosting(
            "browser",
            MODULE,
            two_tabs(server.url, transport),
            log=tmp_path / "host.log",
            diary=tmp_path / "diary.jsonl",
        ) as host,
    ):
        sids = host.wait_until_joined(PATIENCE_S)
        journal = tmp_path / "gevent.jsonl"
        connects = {
            each["sid"]: each["transport"]
            for each in entries(journal)
            if each["event"] == "connect"
        }
        assert dict.fromkeys(sids, transport) == connects

        first_ns = time.monotonic_ns() + 100_000_000
        second_ns = first_ns + 300_000_000
        host.send_away([first_ns, second_ns + 10**12, second_ns, first_ns])
        until(lambda: len(host.gone()) == 4, "they have gone", PATIENCE_S)
        until(lambda: len(events(journal, "disconnect")) == 4, "they are noticed", PATIENCE_S)

        gone = host.gone()
        assert [each.client for each in gone] == [0, 1, 2, 3]
        together = [each.gone_ns for each in gone]
        assert together[0] == together[1] >= first_ns
        assert together[2] == together[3] >= second_ns
        assert [each.pinged_ns for each in gone] == [None] * 4
        noticed = events(journal, "disconnect")
        assert set(sids) == {each["sid"] for each in noticed}
        assert {reason} == {each["reason"] for each in noticed}


@needs_tabs
@pytest.mark.parametrize("end", ["its input ends", "it is asked to end", "it is killed"])
def test_nothing_is_left_of_a_host(end: str, serve: Any, tmp_path: Path) -> None:
    with (
        serve("gevent") as server,
        joined(two_tabs(server.url, Transport.WEBSOCKET), tmp_path) as host,
    ):
        children = psutil.Process(host.pid).children(recursive=True)
        assert len(children) > 4  # a driver, a browser, and a renderer for each tab at least
        if end == "its input ends":
            assert host.stdin is not None
            host.stdin.close()
        else:
            host.send_signal(signal.SIGTERM if end == "it is asked to end" else signal.SIGKILL)
        code = host.wait(PATIENCE_S)
        assert code == (-signal.SIGKILL if end == "it is killed" else 0)
        # psutil compares the time of creation too, so a number used again is no child of ours.
        _ended, left = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert left == []
        assert (tmp_path / "host.log").read_text() == ""


@needs_tabs
def test_clients_that_lose_their_server_are_lost(serve: Any, tmp_path: Path) -> None:
    diary = tmp_path / "diary.jsonl"
    with (
        serve("gevent") as server,
        joined(two_tabs(server.url, Transport.WEBSOCKET), tmp_path) as host,
    ):
        server.process.kill()
        until(lambda: len(events(diary, "lost")) == 4, "somebody says so", PATIENCE_S)
        assert {each["client"] for each in events(diary, "lost")} == {0, 1, 2, 3}
        assert all(each["why"].endswith(": transport close") for each in events(diary, "lost"))
        assert host.poll() is None


@needs_tabs
def test_tab_that_crashes_is_lost_and_never_said_to_have_gone(serve: Any, tmp_path: Path) -> None:
    diary = tmp_path / "diary.jsonl"
    with (
        serve("gevent") as server,
        joined(BrowserHost(server.url, Transport.WEBSOCKET, 1, 2), tmp_path) as host,
    ):
        for child in psutil.Process(host.pid).children(recursive=True):
            if "--type=renderer" in child.cmdline():
                child.kill()
        until(lambda: len(events(diary, "lost")) == 2, "somebody says so", PATIENCE_S)
        for lost in events(diary, "lost"):
            assert lost["why"].startswith("its tab has ended: ")

        assert host.stdin is not None
        now_ns = time.monotonic_ns()
        host.stdin.write(json.dumps({"due_ns": [now_ns, now_ns]}).encode() + b"\n")
        host.stdin.close()
        assert host.wait(PATIENCE_S) == 0
        assert events(diary, "gone") == []


def run(config: str, folder: Path, **environment: str) -> tuple[int, list[dict[str, Any]], str]:
    """A host that fails by itself: its code, its diary and what it printed."""
    diary = folder / "diary.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(diary)],
        cwd=ROOT,
        env=os.environ | environment,
        input=f"{config}\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, entries(diary), done.stdout + done.stderr


@needs_tabs
def test_server_that_is_not_there_is_one_line(nowhere: str, tmp_path: Path) -> None:
    config = msgspec.json.encode(BrowserHost(nowhere, Transport.WEBSOCKET, 1, 1)).decode()
    code, diary, printed = run(config, tmp_path)
    why = f"client 0 could not connect to {nowhere} over websocket: websocket error"
    assert diary == [{"event": "failed", "why": why}]
    assert printed == why + "\n"
    assert code == 4


@needs_tabs
def test_server_is_asked_for_nothing_but_socket_io(tmp_path: Path) -> None:
    asked: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            config = msgspec.json.encode(BrowserHost(url, Transport.POLLING, 2, 2)).decode()
            code, diary, printed = run(config, tmp_path)
        finally:
            server.shutdown()
            thread.join()
    assert (code, [each["event"] for each in diary]) == (4, ["failed"])
    assert "over polling: xhr poll error" in printed
    assert asked
    assert {"/socket.io/"} == {path.partition("?")[0] for path in asked}


def test_missing_browser_is_one_line(nowhere: str, tmp_path: Path) -> None:
    config = msgspec.json.encode(BrowserHost(nowhere, Transport.WEBSOCKET, 1, 1)).decode()
    empty = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    code, diary, printed = run(config, tmp_path, **empty)
    (failed,) = diary
    assert failed["event"] == "failed"
    assert failed["why"].startswith("no tabs: ")
    assert "\n" not in failed["why"]
    assert (code, printed) == (4, "")


def test_configuration_that_cannot_be_is_one_line(nowhere: str, tmp_path: Path) -> None:
    words = {"url": nowhere, "transport": "polling", "tabs": 1, "clients_per_tab": 5}
    code, diary, printed = run(json.dumps(words), tmp_path)
    (failed,) = diary
    assert "take 4 at most, and more tabs" in failed["why"]
    assert (code, printed) == (2, "")
