"""What a session knows of its server's limits: how long it may be silent, and how much it reads."""

from __future__ import annotations

import time
from typing import Any

import pytest

from loadtests.client import notices, packets, session
from loadtests.client.errors import ConnectionFailed
from loadtests.client.hearing import TOO_LONG
from loadtests.client.packets import Handshake
from loadtests.client.polling import TOO_MANY_PACKETS, PollingLink
from loadtests.client.session import DEPARTURES, Session
from loadtests.record.words import Cause
from tests.support.waiting import until
from tests.unit.client.played import FakeLink, FakePolling, made
from tests.unit.client.streams import SERVER, play

JOINED = b'40/test,{"sid":"me"}'


def opening(interval_ms: int = 25_000, timeout_ms: int = 20_000, more: str = "") -> bytes:
    beats = f'"pingInterval":{interval_ms},"pingTimeout":{timeout_ms}{more}'
    return f'0{{"sid":"eio","upgrades":[],{beats}}}'.encode()


@pytest.fixture(autouse=True)
def _links(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "WebSocketLink", FakeLink)
    monkeypatch.setattr(session, "PollingLink", FakePolling)
    notices.forget()
    yield
    notices.forget()


def connected(monkeypatch: pytest.MonkeyPatch, first: bytes) -> tuple[Session, FakeLink]:
    monkeypatch.setattr(FakeLink, "opening", (first, JOINED))
    found, link = made()
    found.connect()
    link.calls.clear()
    return found, link


# --- silence


def test_session_that_hears_nothing_for_as_long_as_announced_ends_with_that_as_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, link = connected(monkeypatch, opening(2, 1))
    until(lambda: found.ended)
    assert found.ended is not None
    assert found.ended.startswith("no heartbeat: nothing came from the server")
    assert "a ping every 0.002 s, 0.001 s of patience" in found.ended
    assert link.calls == [("kill", None)]


def test_server_that_says_nothing_after_the_handshake_is_given_up_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeLink, "opening", (opening(2, 1),))
    with pytest.raises(ConnectionFailed, match="no heartbeat"):
        made()[0].connect(timeout_s=10)


@pytest.mark.parametrize("packet", [b"2", b"6", b'42/test,["x"]', b'42/other,["x"]'])
def test_whatever_arrives_is_a_sign_of_life(monkeypatch: pytest.MonkeyPatch, packet: bytes) -> None:
    found, link = connected(monkeypatch, opening())
    now_ns = time.monotonic_ns()
    link.on_packet(packet, now_ns, now_ns + 5)
    assert found.heard_ns == now_ns + 5
    found.kill()


def test_server_that_announces_no_heartbeat_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    # python-engineio tells whole seconds of its interval, and so 0 for less than one.
    found, _ = connected(monkeypatch, opening(0, 0))
    assert found._vigil is None


@pytest.mark.parametrize("cause", DEPARTURES)
def test_departed_session_is_not_watched(monkeypatch: pytest.MonkeyPatch, cause: Cause) -> None:
    found, _ = connected(monkeypatch, opening())
    watching = [found._vigil is not None]
    found.depart(cause)
    watching.append(found._vigil is not None)
    assert (watching, found.ended) == ([True, False], None)


def test_session_that_ended_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    found, link = connected(monkeypatch, opening())
    link.on_end("broken")
    assert (found._vigil, found.ended) == (None, "broken")


# --- length


def test_message_longer_than_the_server_reads_is_named_when_it_hangs_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found, link = connected(monkeypatch, opening(more=',"maxPayload":100'))
    short = packets.encode_event("/test", "x", "y" * 50)
    long = packets.encode_event("/test", "x", "y" * 200)
    found.send(short)
    assert notices.counted() == {}
    found.send(long)
    found.send(long)
    assert link.sent == [short, long, long], "it is for the server to refuse it"
    assert notices.counted() == {TOO_LONG: 2}
    assert len(caplog.messages) == 1
    link.on_end("connection closed by the server")
    assert found.ended == (
        "connection closed by the server, after a message of "
        f"{len(long)} bytes, where it reads 100 at most"
    )


def test_message_of_any_length_may_go_where_the_server_names_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, link = connected(monkeypatch, opening())
    found.emit("x", "y" * 2_000_000)
    link.on_end("broken")
    assert (notices.counted(), found.ended) == ({}, "broken")


@pytest.mark.parametrize(("count", "told"), [(16, 0), (17, 1)])
def test_post_that_python_engineio_would_throw_away_is_told(
    monkeypatch: pytest.MonkeyPatch, count: int, told: int
) -> None:
    streams = play(monkeypatch)
    link: Any = PollingLink(SERVER, lambda *_: None, pytest.fail)
    link.open()
    link.joined(Handshake("abc", [], 25_000, 20_000))
    for number in range(1 + count):  # the first goes by itself, the others wait for its answer
        link.send(b"4%d" % number)
    streams[1].say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
    assert notices.counted() == ({TOO_MANY_PACKETS: 1} if told else {})


# --- what is kept, through the session


def test_what_is_kept_is_counted_and_read_into_what_is_gathered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, link = connected(monkeypatch, opening())
    others: list[list[Any]] = []
    found.on("other", lambda arguments, *_: others.append(arguments))
    gathered = found.gather("my response")
    assert link.calls == [("keep", None)]
    link.waiting += [
        (b'42/test,["my response",1]', 1, 2),
        (b'42/test,["other",2]', 3, 4),
        (b'42/test,["my response",3]', 5, 6),
    ]
    assert (found.unread, gathered) == (3, [])
    found.read_up()
    assert (found.unread, others) == (0, [[2]])
    assert gathered == [(b'42/test,["my response",1]', 1, 2), (b'42/test,["my response",3]', 5, 6)]
    assert found.heard_ns == 6
    found.kill()


def test_heartbeat_that_came_behind_what_is_kept_counts_as_the_latest_thing_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, link = connected(monkeypatch, opening())
    found.gather("my response")
    link.waiting.append((b'42/test,["my response",1]', 3, 4))
    link.on_packet(b"2", 50, 60)
    found.read_up()
    assert found.heard_ns == 60
    found.kill()
