"""The load client's links to servers of other people's making: the upgrade, heartbeats and TLS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.record.words import Transport
from tests.integration.client.peers.listening import (
    GOODBYES,
    PATIENCE_S,
    POLLING,
    UPGRADE,
    WAYS,
    Listener,
    Peer,
    Transports,
    connected,
    why_left,
)
from tests.support.certificates import Issued, issue
from tests.support.measuring import in_a_quiet_moment
from tests.support.relays import relayed
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("loop_errors")

# --- the upgrade, while both sides talk all the time


@contextmanager
def upgrading(url: str, **auth: Any) -> Iterator[Listener]:
    """A session that has joined its namespace and has not been waited for any further."""
    client = Listener(url, UPGRADE, "/test")
    client.listen("n", "echoed")
    try:
        client.session.connect(auth=auth, timeout_s=PATIENCE_S)
        yield client
    finally:
        client.session.kill()


def talk_while_it_upgrades(client: Listener, pause_ms: float) -> int:
    """Send numbered messages until it has upgraded, and some more."""
    count = still = 0
    while still < 20:
        client.session.emit("echo", count, b"\x00" * (count % 3))
        count += 1
        still += client.session.transport is Transport.WEBSOCKET
        assert client.session.ended is None
        gevent.sleep(pause_ms / 1000)
    return count


# Whichever connection is the slower one, what goes by it must not be overtaken.
SLOW: dict[str, tuple[float, dict[str, Any]]] = {
    "as fast as can be": (0, {}),
    "with pauses": (1, {}),
    "polling slow": (0, {"polling_s": 0.02}),
    "polling slow, with pauses": (1, {"polling_s": 0.02}),
    "websocket slow, with pauses": (1, {"websocket_s": 0.02}),
    "both slow, with pauses": (1, {"polling_s": 0.01, "websocket_s": 0.01}),
}


@pytest.mark.parametrize(("pause_ms", "slow"), SLOW.values(), ids=SLOW.keys())
def test_what_both_sides_send_during_the_upgrade_arrives_once_and_in_order(
    peer: Peer, pause_ms: float, slow: dict[str, Any]
) -> None:
    flood = 300
    with (
        relayed(peer(), **slow) as url,
        upgrading(url, flood=flood, pause_ms=pause_ms) as client,
    ):
        count = talk_while_it_upgrades(client, pause_ms)
        assert [[n, b"\x00" * (n % 3)] for n in range(count)] == client.take("echoed", count)
        assert [[n] for n in range(flood)] == client.take("n", flood)
        assert client.silent("n", "echoed")
        client.session.wait_for_upgrade(timeout_s=PATIENCE_S)
        assert client.session.transport is Transport.WEBSOCKET
        assert client.session.call("transport") == ["websocket"]
        assert client.session.ended is None


def test_many_upgrade_at_the_same_time(peer: Peer) -> None:
    url = peer()
    with ExitStack() as stack:
        clients = [stack.enter_context(upgrading(url, flood=50)) for _ in range(30)]
        for client in clients:
            client.session.emit("echo", "during")
        for client in clients:
            client.session.wait_for_upgrade(timeout_s=PATIENCE_S)
            assert client.next("echoed") == ["during"]
            assert [[n] for n in range(50)] == client.take("n", 50)
            assert client.session.call("transport") == ["websocket"]


def test_session_stays_on_polling_where_the_server_offers_nothing_else(peer: Peer) -> None:
    with upgrading(peer(transports=["polling"])) as client:
        with pytest.raises(ConnectionFailed, match="stays on long-polling"):
            client.session.wait_for_upgrade(timeout_s=PATIENCE_S)
        assert client.session.call("transport") == ["polling"]


def test_session_stays_on_polling_where_something_between_refuses_websockets(peer: Peer) -> None:
    with (
        relayed(peer(), refuse_websocket=True) as url,
        upgrading(url, flood=300, pause_ms=0.5) as client,
    ):
        with pytest.raises(ConnectionFailed, match="polling"):
            client.session.wait_for_upgrade(timeout_s=PATIENCE_S)
        assert client.session.transport is Transport.POLLING
        assert client.session.call("transport") == ["polling"]
        assert [[n] for n in range(300)] == client.take("n", 300)


def test_session_goes_on_polling_while_a_probe_is_not_answered(peer: Peer) -> None:
    with relayed(peer(), websocket_s=60) as url, upgrading(url) as client:
        with pytest.raises(ConnectionFailed, match=r"no upgrade .* within 0\.2 s"):
            client.session.wait_for_upgrade(timeout_s=0.2)
        assert client.session.call("transport") == ["polling"]


def has_posted(link: Any) -> bool:
    return link._polling is None or not link._polling._posts.busy


def test_goodbye_during_the_upgrade_is_said(peer: Peer) -> None:
    with relayed(peer(), websocket_s=0.003) as url, connected(url, POLLING) as witness:
        for pause_ms in range(0, 30, 2):
            with upgrading(url) as client:
                # A POST under way has both goodbyes leave in the next, which the official server
                # reads as the end of the transport: of the namespace it thinks a tick later.
                link: Any = client.session._link
                until(partial(has_posted, link))
                gevent.sleep(pause_ms / 1000)
                client.session.close()
                assert why_left(witness.session, client.session.sid) in GOODBYES, pause_ms
                assert client.session.ended is None


# --- heartbeats


def beating(name: str) -> dict[str, float]:
    # python-engineio tells whole seconds of its interval in the handshake, and 0 for less than one.
    return {"ping_interval_s": 1 if name == "asgi" else 0.3, "ping_timeout_s": 0.3}


@pytest.mark.parametrize("name", ["node", "asgi"])
def test_session_outlives_its_heartbeats_idle_and_flooded(
    running: Peer, name: str, tmp_path: Path
) -> None:
    """A server whose pings stay unanswered for its timeout hangs up."""
    url = running(name, **beating(name))
    in_a_quiet_moment(lambda _: outlive(url, fewest=1 if name == "asgi" else 4), tmp_path)


def outlive(url: str, fewest: int) -> None:
    """Sessions over each transport, idle and flooded, that see so many pings and live on."""
    with ExitStack() as stack:
        sessions = {
            (way, flooded): stack.enter_context(connected(url, transports))
            for way, transports in WAYS.items()
            for flooded in (False, True)
        }
        with gevent.Timeout(2.2, False):
            while True:
                for (_, flooded), client in sessions.items():
                    if flooded:
                        client.session.emit("flood", 100)
                for (_, flooded), client in sessions.items():
                    if flooded:
                        client.take("n", 100)
                gevent.sleep(0.001)
        for key, client in sessions.items():
            assert client.session.ended is None, key
            assert len(client.session.heartbeats) >= fewest, key
            assert client.session.call("ask", "alive?") == ["alive?"], key


# --- TLS


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def encrypted(peer: Peer, issued: Issued) -> str:
    """The URL of a peer that speaks TLS, with a certificate for 127.0.0.1."""
    return peer(certificate=str(issued.certificate), key=str(issued.key))


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_encrypted_session_works_as_any_other(
    encrypted: str,
    issued: Issued,
    transports: Transports,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(issued.authority))
    url = encrypted.replace("https", scheme)
    blob = bytes(300_000)
    with connected(url, transports, auth={"flood": 500}) as client:
        client.session.on("question", lambda arguments, *_: arguments)
        assert client.session.call("ask", "é", blob) == ["é", blob]
        client.session.emit("ask me", blob, "é")
        assert client.next("answered") == [blob, "é"]
        assert [[n] for n in range(500)] == client.take("n", 500)
        assert client.session.call("transport") == [client.session.transport.value]


def test_certificate_of_an_unknown_authority_is_refused_in_openssls_words(
    encrypted: str, stranger: Issued, transports: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger.authority))
    session = Session(locate(encrypted), transports, "/test")
    with pytest.raises(ConnectionFailed, match="unable to get local issuer certificate"):
        session.connect(timeout_s=PATIENCE_S)


def test_certificate_for_another_name_is_refused_in_openssls_words(
    encrypted: str, issued: Issued, transports: Transports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(issued.authority))
    session = Session(locate(encrypted.replace("127.0.0.1", "localhost")), transports, "/test")
    with pytest.raises(ConnectionFailed, match=r"[Hh]ostname mismatch.*localhost"):
        session.connect(timeout_s=PATIENCE_S)


def test_plain_http_to_a_server_that_wants_tls_fails(
    encrypted: str, transports: Transports
) -> None:
    session = Session(locate(encrypted.replace("https", "http")), transports, "/test")
    with pytest.raises(ConnectionFailed, match=r"closed|reset|refused|400"):
        session.connect(timeout_s=2)


def test_tls_to_a_server_that_speaks_plain_http_fails_in_openssls_words(
    peer: Peer, transports: Transports
) -> None:
    session = Session(locate(peer().replace("http", "https")), transports, "/test")
    with pytest.raises(ConnectionFailed, match=r"(?i)tls|ssl"):
        session.connect(timeout_s=2)
