"""Starting and stopping processes: where they listen, what goes before them, how they end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests import ROOT
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.machine.launch import LaunchError, serving, started
from loadtests.machine.processes import LEASH, process
from loadtests.record.ready import Listening
from loadtests.record.words import Transport
from tests.support.locusts import free_port
from tests.support.present import present
from tests.support.waiting import until

SLEEP = ("sleep", "60")

#: A parent that leashes a process, stops it and is killed.
STOPS_A_CHILD = """\
import os, signal, sys
from pathlib import Path
from loadtests.machine.launch import started

command = ("sh", "-c", "echo '{\\"ready\\": true}'; exec sleep 60")
with started("sleep", command, type=dict, log=Path(sys.argv[1]), kill=True) as child:
    os.kill(child.process.pid, signal.SIGSTOP)
    print(child.process.pid, flush=True)
    signal.pause()
"""


def options(folder: Path) -> dict[str, Any]:
    return {
        "ping_interval_s": 25,
        "ping_timeout_s": 20,
        "log": folder / "server.log",
        "journal": folder / "journal.jsonl",
    }


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_server_listens_where_it_is_told_to(tmp_path, host):
    if host == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    port = free_port()
    with serving("threading", **options(tmp_path), host=host, port=port) as server:
        assert server.ready.port == port
        session = Session(locate(server.url), (Transport.WEBSOCKET,), "/test")
        session.connect()
        session.close()


def test_server_can_come_back_to_its_port(tmp_path):
    port = free_port()
    for _ in range(2):
        with serving("gevent", **options(tmp_path), port=port) as server:
            session = Session(locate(server.url), (Transport.WEBSOCKET,), "/test")
            session.connect()
            server.process.kill()
            server.process.wait()
            session.kill()


def test_stopped_server_ends_as_quickly_as_another(tmp_path):
    with serving("threading", **options(tmp_path)) as server:
        server.process.send_signal(signal.SIGSTOP)
    assert server.process.returncode == 0  # asked, not made to


def test_prefix_goes_before_the_command_and_leaves_its_process(tmp_path):
    says = """echo '{"ready": true, "said": "'$SAID'", "pid": '$$'}'; exec sleep 60"""
    prefix = ("/usr/bin/env", "SAID=hello")
    with started(
        "sleep", ("sh", "-c", says), type=dict, log=tmp_path / "log", prefix=prefix
    ) as found:
        assert (found.ready["said"], found.ready["pid"]) == ("hello", found.process.pid)


def test_prefix_that_fails_is_told_in_its_own_words(tmp_path):
    prefix = ("sh", "-c", "echo no way in >&2; exit 3")
    with (
        pytest.raises(LaunchError, match=r"host ended with code 3 .*: no way in; its log: "),
        started("host", SLEEP, type=dict, log=tmp_path / "log", prefix=prefix),
    ):
        pass


@pytest.mark.parametrize("says", ['"pid": 1', '"port": "no", "pid": 1'])
def test_server_that_says_something_else_is_told_in_one_line(tmp_path, says):
    command = ("sh", "-c", f"""echo '{{"ready": true, "host": "::1", {says}}}'; exec sleep 60""")
    with (
        pytest.raises(LaunchError, match=r"^host says what it should not: .*`?port.*; its log: "),
        started("host", command, type=Listening, log=tmp_path / "log"),
    ):
        pass


def test_process_is_pinned_and_has_what_it_is_told(tmp_path):
    core = min(psutil.Process().cpu_affinity())
    says = "import os; print(input(), os.sched_getaffinity(0))"
    with (tmp_path / "log").open("wb") as output:
        with process((sys.executable, "-c", says), core=core, stdout=output, pipe=True) as running:
            present(running.stdin).write(b"hello\n")
            present(running.stdin).close()
            assert running.wait(5) == 0
        assert (tmp_path / "log").read_text() == f"hello {{{core}}}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of that death")
def test_stopped_process_dies_with_who_started_it(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", STOPS_A_CHILD, str(tmp_path / "log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        child = psutil.Process(int(present(parent.stdout).readline()))
    finally:
        parent.kill()
        parent.wait()
        present(parent.stdout).close()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_leash_that_is_too_late_starts_nothing(tmp_path):
    touched = tmp_path / "touched"
    leash = [sys.executable, "-I", "-S", str(LEASH), "--kill", "1", "-"]
    done = subprocess.run([*leash, "touch", str(touched)], timeout=10, check=False)
    assert done.returncode == 0
    assert not touched.exists()
