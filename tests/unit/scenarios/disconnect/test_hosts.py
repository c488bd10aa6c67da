"""Hosts of clients: what they may be asked for, and what their parent makes of their diary."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests import ROOT
from loadtests.record.words import Cause, Client, Transport
from loadtests.scenarios.disconnect.hosts.diary import Diary
from loadtests.scenarios.disconnect.hosts.handle import Gone, Host, HostError
from loadtests.scenarios.disconnect.hosts.interface import check_link
from loadtests.scenarios.disconnect.hosts.process import ProcessHost

KILL, FREEZE, CUT = Cause.KILL, Cause.FREEZE, Cause.CUT


def config(*causes: Cause, interface: str | None = None) -> ProcessHost:
    return ProcessHost(
        url="http://127.0.0.1:5000",
        transport=Transport.POLLING,
        client=Client.TRANSPORT_BENCH,
        causes=list(causes),
        interface=interface,
    )


# --- what a host of processes may be asked for


@pytest.mark.parametrize("cause", [Cause.CLOSE, Cause.RESET, Cause.TAB])
def test_cause_that_needs_no_process_is_refused_by_name(cause: Cause) -> None:
    with pytest.raises(ValueError, match=f"cannot go by {cause};"):
        config(KILL, cause)


def test_cut_clients_are_alone_in_their_host() -> None:
    with pytest.raises(ValueError, match=r"cannot go by cut; .* all clients of a host together"):
        config(KILL, CUT, interface="eth0")


def test_interface_is_there_for_those_that_are_cut_and_for_no_others() -> None:
    with pytest.raises(ValueError, match="need an interface"):
        config(CUT, CUT)
    with pytest.raises(ValueError, match="an interface is for"):
        config(KILL, interface="eth0")


def test_host_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no clients"):
        config()


def test_what_is_refused_here_is_refused_on_the_command_line() -> None:
    words = msgspec.json.encode(config(KILL)).replace(b'["kill"]', b'["tab"]')
    with pytest.raises(msgspec.ValidationError, match="cannot go by tab"):
        msgspec.json.decode(words, type=ProcessHost)


def test_each_client_that_is_killed_or_stopped_has_a_process_and_those_cut_share_one() -> None:
    assert config(KILL, FREEZE, KILL).children == [[0], [1], [2]]
    assert config(CUT, CUT, CUT, interface="eth0").children == [[0, 1, 2]]


@pytest.mark.parametrize("client", Client)
def test_nothing_that_is_imported_before_the_fork_leaves_a_loop_behind(client: Client) -> None:
    # Of the host's own process, where python-socketio is patched before it is imported.
    program = (
        "from loadtests.scenarios.disconnect.hosts import __main__ as host\n"
        f"if {client is Client.REFERENCE}: host._import_reference()\n"
        "import loadtests.scenarios.disconnect.hosts.process, threading\n"
        "from gevent._hub_local import get_hub_if_exists\n"
        "assert get_hub_if_exists() is None\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_interface_that_is_not_there_has_the_systems_words() -> None:
    with pytest.raises(OSError, match="No such device"):
        check_link("no-such-link")


# --- the parent's side


class FakeProcess:
    def __init__(self) -> None:
        self.stdin: Any = io.BytesIO()
        self.ended: int | None = None

    def poll(self) -> int | None:
        return self.ended


@pytest.fixture
def running() -> FakeProcess:
    return FakeProcess()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "diary.jsonl"


@pytest.fixture
def diary(path: Path) -> Diary:
    return Diary(path)


@pytest.fixture
def host(running: FakeProcess, tmp_path: Path, path: Path) -> Host:
    (tmp_path / "host.log").write_text("Traceback\nKeyError: 'x'\n", encoding="utf-8")
    process: Any = running
    return Host("processes", 3, process, log=tmp_path / "host.log", diary=path)


def test_session_ids_are_in_the_order_of_clients(host: Host, diary: Diary) -> None:
    for client in (2, 0, 1):
        diary.joined(client, f"sid-{client}")
    assert host.wait_until_joined(0) == ["sid-0", "sid-1", "sid-2"]


def test_those_that_went_are_told_once_in_their_order(host: Host, diary: Diary) -> None:
    assert host.gone() == []
    diary.gone(2, 20, 10)
    assert host.gone() == [Gone(2, 20, 10)]
    diary.gone(0, 30, None)
    assert host.gone() == [Gone(2, 20, 10), Gone(0, 30, None)]
    assert host.gone() == [Gone(2, 20, 10), Gone(0, 30, None)]


def test_line_that_is_being_written_is_left_for_the_next_look(host: Host, path: Path) -> None:
    line = b'{"event": "gone", "client": 1, "gone_ns": 5, "pinged_ns": 4}\n'
    for byte in line[:-1]:
        with path.open("ab") as file:
            file.write(bytes((byte,)))
        assert host.gone() == []
    with path.open("ab") as file:
        file.write(line[-1:] + line)
    assert len(host.gone()) == 2


def test_moments_are_one_line_on_standard_input(host: Host, running: FakeProcess) -> None:
    host.send_away([3, 1, 2])
    line = running.stdin.getvalue()
    assert json.loads(line) == {"due_ns": [3, 1, 2]}
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")


def test_moments_that_are_not_as_many_as_the_clients_are_refused(host: Host) -> None:
    with pytest.raises(ValueError, match="2 moments for 3 clients"):
        host.send_away([1, 2])


def complaint(call: Any, *arguments: Any) -> str:
    """The one line of a host's error, which names it and its log."""
    with pytest.raises(HostError) as raised:
        call(*arguments)
    words = str(raised.value)
    assert "\n" not in words
    assert words.startswith("processes: ")
    assert words.endswith("host.log")
    return words


def test_client_that_could_not_connect_is_named_with_the_first_reason(
    host: Host, diary: Diary
) -> None:
    diary.failed("client 1 could not connect:\n  Connection refused")
    diary.failed("client 2 could not connect: too late")
    words = complaint(host.wait_until_joined, 5)
    assert "client 1 could not connect: Connection refused; its log: " in words


def test_clients_that_do_not_come_are_counted(host: Host, diary: Diary) -> None:
    diary.joined(1, "sid")
    assert "1 of 3 clients connected within 0.001 s" in complaint(host.wait_until_joined, 0.001)


def test_client_that_was_lost_is_told_of_and_costs_the_others_nothing(
    host: Host, diary: Diary
) -> None:
    diary.gone(0, 20, 10)
    diary.lost(1, "connection closed by the server")
    diary.gone(2, 30, 10)
    assert host.gone() == [Gone(0, 20, 10), Gone(2, 30, 10)]
    assert host.lost() == {1: "connection closed by the server"}


def test_client_that_is_lost_while_others_connect_is_an_error(host: Host, diary: Diary) -> None:
    diary.joined(0, "sid-0")
    diary.lost(0, "connection closed by the server")
    words = complaint(host.wait_until_joined, 5)
    assert "client 0 is lost: connection closed by the server" in words


def test_host_that_ended_is_told_with_its_last_words(host: Host, running: FakeProcess) -> None:
    running.ended = 1
    for call, arguments in ((host.gone, ()), (host.wait_until_joined, (5,))):
        assert "ended with code 1: KeyError: 'x'" in complaint(call, *arguments)


def test_reason_that_was_written_before_the_end_is_the_better_one(
    host: Host, running: FakeProcess, diary: Diary
) -> None:
    diary.failed("eth9 cannot be taken down: No such device")
    running.ended = 0
    assert "eth9 cannot be taken down" in complaint(host.gone)


def test_host_that_does_not_listen_is_an_error(host: Host, running: FakeProcess) -> None:
    class Broken(io.BytesIO):
        def write(self, _words: Any) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    running.stdin = Broken()
    assert "does not listen any more (Broken pipe)" in complaint(host.send_away, [1, 2, 3])
