"""One jar for a session's GETs, POSTs, WebSocket and upgrade."""

from __future__ import annotations

import time

import pytest

from loadtests.client.cookies import Jar
from loadtests.client.link import Server
from loadtests.client.packets import Handshake
from loadtests.client.polling import PollingLink
from loadtests.client.session import Session
from loadtests.client.target import Target
from loadtests.client.websocket import WebSocketLink
from loadtests.record.words import Transport
from tests.unit.client.streams import FakeStream, play
from tests.unit.client.test_websocket_link import upgrade
from tests.unit.client.upgrading import OPEN

SERVER = Server("example:5000", ((2, ("127.0.0.1", 5000)),), target=Target(cookies={"token": "x"}))


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[FakeStream]:
    return play(monkeypatch)


def setting(body: bytes, *cookies: bytes, status: bytes = b"200 OK") -> bytes:
    lines = b"".join(b"Set-Cookie: %s\r\n" % cookie for cookie in cookies)
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, lines, len(body), body)


def cookies(request: bytes) -> set[bytes]:
    head = dict(
        line.split(b": ", 1) for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    )
    return set(head.get(b"Cookie", b"").split(b"; ")) - {b""}


def test_what_any_response_sets_is_said_in_whatever_request_comes_next(
    streams: list[FakeStream],
) -> None:
    link = PollingLink(SERVER, lambda *_: None, pytest.fail)
    link.open()
    assert cookies(streams[0].sent[0]) == {b"token=x"}
    link.joined(Handshake("abc", [], 25_000, 20_000))
    streams[0].say(setting(b"6", b"route=a; Path=/", b"io=abc"))
    assert cookies(streams[0].sent[1]) == {b"token=x", b"route=a", b"io=abc"}
    link.send(b"4x")
    assert cookies(streams[1].sent[0]) == {b"token=x", b"route=a", b"io=abc"}
    streams[1].say(setting(b"OK", b"route=b; Path=/"))
    link.send(b"4y")
    assert cookies(streams[1].sent[1]) == {b"token=x", b"route=b", b"io=abc"}
    streams[0].say(setting(b"6"))
    assert cookies(streams[0].sent[2]) == {b"token=x", b"route=b", b"io=abc"}


def test_cookie_that_has_expired_is_said_no_more(
    streams: list[FakeStream], monkeypatch: pytest.MonkeyPatch
) -> None:
    link = PollingLink(SERVER, lambda *_: None, pytest.fail)
    link.open()
    streams[0].say(setting(b"6", b"route=a; Max-Age=60"))
    assert cookies(streams[0].sent[1]) == {b"token=x", b"route=a"}
    later_s = time.time() + 100
    monkeypatch.setattr(time, "time", lambda: later_s)
    streams[0].say(setting(b"6"))
    assert cookies(streams[0].sent[2]) == {b"token=x"}


def test_websocket_handshake_says_and_takes_cookies(streams: list[FakeStream]) -> None:
    jar = SERVER.jar()
    WebSocketLink(SERVER, lambda *_: None, pytest.fail, jar=jar).open()
    assert cookies(streams[0].sent[0]) == {b"token=x"}
    streams[0].say(upgrade(streams[0])[:-2] + b"Set-Cookie: route=a; Path=/\r\n\r\n")
    assert set(jar.header.split(b"; ")) == {b"token=x", b"route=a"}


def test_upgrade_says_what_polling_was_told(streams: list[FakeStream]) -> None:
    session = Session(SERVER, (Transport.POLLING, Transport.WEBSOCKET))
    session._link.open()
    streams[0].say(setting(OPEN, b"AWSALB=worker-2; Path=/"))
    [handshake] = [each for each in streams if b"transport=websocket" in each.sent[0]]
    assert cookies(handshake.sent[0]) == {b"token=x", b"AWSALB=worker-2"}
    assert isinstance(session.cookies, Jar)
    assert b"AWSALB=worker-2" in session.cookies.header
    session.kill()


def test_sessions_share_no_cookies(streams: list[FakeStream]) -> None:
    for _ in range(2):
        PollingLink(SERVER, lambda *_: None, pytest.fail).open()
    streams[0].say(setting(b"6", b"route=a"))
    streams[1].say(setting(b"6"))
    assert cookies(streams[0].sent[1]) == {b"token=x", b"route=a"}
    assert cookies(streams[1].sent[1]) == {b"token=x"}
