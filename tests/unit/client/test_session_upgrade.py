"""The wait for an upgrade: done, refused, too late, or of a session that is over."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from loadtests.client import session
from loadtests.client.errors import ConnectionFailed
from loadtests.client.session import Session
from loadtests.record.words import Transport
from tests.unit.client.played import OPEN, SERVER, FakeLink, connected

#: Long enough for what comes, short enough for what does not.
SOON_S, LATE_S = 0.001, 10


class FakeUpgrading(FakeLink):
    transport = Transport.POLLING
    failure = "the server offers no upgrade"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.settled = Event()


class FakePolling(FakeLink):
    transport = Transport.POLLING


class FakeWebSocket(FakeLink):
    transport = Transport.WEBSOCKET


@pytest.fixture(autouse=True)
def _links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "WebSocketLink", FakeWebSocket)
    monkeypatch.setattr(session, "PollingLink", FakePolling)
    monkeypatch.setattr(session, "UpgradingLink", FakeUpgrading)
    monkeypatch.setattr(FakeLink, "opening", (OPEN, b'40/test,{"sid":"me"}'))


def upgrading() -> tuple[Session, FakeUpgrading]:
    found = Session(SERVER, (Transport.POLLING, Transport.WEBSOCKET), "/test")
    found.connect()
    link: Any = found._link
    return found, link


def test_upgraded_session_is_waited_for() -> None:
    found, link = upgrading()
    waiting = gevent.spawn(found.wait_for_upgrade, LATE_S)
    gevent.sleep(0)
    assert (waiting.ready(), found.transport) == (False, Transport.POLLING)
    link.transport = Transport.WEBSOCKET
    link.settled.set()
    waiting.get(timeout=LATE_S)
    assert found.transport is Transport.WEBSOCKET


def test_session_that_stays_on_polling_says_why() -> None:
    found, link = upgrading()
    link.settled.set()
    with pytest.raises(ConnectionFailed, match="stays on long-polling: the server offers no"):
        found.wait_for_upgrade()


def test_upgrade_that_does_not_come_is_given_up() -> None:
    found, link = upgrading()
    with pytest.raises(ConnectionFailed, match=r"no upgrade to WebSocket within 0\.001 s"):
        found.wait_for_upgrade(SOON_S)
    assert (found.ended, ("kill", None) in link.calls) == (None, False)


@pytest.mark.parametrize("transport", Transport)
def test_session_that_ends_before_its_upgrade_says_why(transport: Transport) -> None:
    found, link = upgrading()
    link.transport = transport
    link.on_end("broken")
    link.settled.set()
    with pytest.raises(ConnectionFailed, match="broken"):
        found.wait_for_upgrade()


def test_session_of_one_transport_does_not_wait_for_another() -> None:
    connected()[0].wait_for_upgrade()
    with pytest.raises(ConnectionFailed, match="stays on long-polling: no upgrade was asked for"):
        connected(transport=Transport.POLLING)[0].wait_for_upgrade()
