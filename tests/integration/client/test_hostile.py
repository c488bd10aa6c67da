"""The load client against servers that misbehave: it always says why, and it never hangs."""

from __future__ import annotations

import gzip
import socket
import time

import pytest

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from tests.integration.client.hostile import (
    BINARY,
    CLOSE,
    HTML,
    OPEN,
    SOON_S,
    TEXT,
    Connection,
    Play,
    Polling,
    answer,
    assert_words,
    frame,
    hostile,
    response,
    rows,
    script,
)
from tests.integration.client.peers.listening import (
    POLLING,
    UPGRADE,
    WEBSOCKET,
    Transports,
)

pytestmark = pytest.mark.usefixtures("loop_errors")


def failure(
    url: str, transports: Transports, namespace: str = "/test", timeout_s: float = 5
) -> str:
    """The words with which connecting fails, soon."""
    session = Session(locate(url), transports, namespace)
    began = time.monotonic()
    with pytest.raises(ConnectionFailed) as raised:
        session.connect(timeout_s=timeout_s)
    assert time.monotonic() - began < SOON_S
    return str(raised.value)


# --- an answer that is no session, whatever was asked for

TWICE = b"X-Header: again and again\r\n" * 9999


@rows(
    {
        "400": (
            answer(response("400 Bad Request", b'{"code":0,"message":"Transport unknown"}')),
            "400.*Transport unknown",
        ),
        "403": (
            answer(response("403 Forbidden", b'{"code":4,"message":"Origin not allowed"}')),
            "403.*Origin not allowed",
        ),
        "404": (
            answer(response("404 Not Found", b"<h1>No such page</h1>")),
            "404.*: a page of HTML$",
        ),
        "502": (answer(response("502 Bad Gateway", HTML)), "502.*Down for maintenance"),
        "503 compressed": (
            answer(response("503 Busy", gzip.compress(HTML), "Content-Encoding: gzip")),
            "503.*Down for maintenance",
        ),
        "503 without a word": (answer(response("503 Service Unavailable")), "503"),
        "503 that ends with its connection": (
            answer(b"HTTP/1.1 503 Service Unavailable\r\n\r\n" + HTML),
            "503.*Down for maintenance",
        ),
        "503 of a megabyte": (answer(response("503 Busy", b"Busy!" * 200_000)), "503.*Busy!"),
        "redirect": (
            answer(response("302 Found", b"", "Location: https://elsewhere.example/")),
            "302.*https://elsewhere.example/",
        ),
        "another protocol": (answer(b"SSH-2.0-OpenSSH_9.9\r\n"), "SSH-2.0-OpenSSH_9.9"),
        "another protocol that speaks first": (
            script(b"220 mail.example ESMTP\r\n", Connection.wait),
            "220 mail.example ESMTP",
        ),
        "garbage": (answer(b"\x00\xff\x16\x03 garbage\r\n\r\n"), "garbage"),
        "nothing": (answer(b""), "closed by the server"),
        "nothing, before it has read": (script(), "closed by the server|reset"),
        "half a head": (answer(b"HTTP/1.1 200 OK\r\nContent-Le"), "closed by the server"),
        "half a body": (
            answer(b"HTTP/1.1 500 Error\r\nContent-Length: 1000\r\n\r\nIt broke because"),
            "closed by the server|500.*It broke because",
        ),
        "half a chunk": (
            answer(b"HTTP/1.1 500 Error\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nIt broke"),
            "closed by the server|500.*It broke",
        ),
        "reset at once": (script(Connection.reset), "reset"),
        "reset after the request": (script(Connection.request, Connection.reset), "reset"),
        "head without an end": (
            script(Connection.request, b"HTTP/1.1 200 OK\r\n", TWICE, Connection.wait),
            "not an HTTP response|no end",
        ),
    }
)
def test_answer_that_is_no_session_fails_in_the_servers_words(
    done: Play, words: str, transports: Transports
) -> None:
    with hostile(done) as url:
        assert_words(words, failure(url, transports))


def test_closed_port_fails_with_the_systems_words(transports: Transports) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = failure(f"http://127.0.0.1:{port}", transports)
    assert found == f"cannot connect to 127.0.0.1:{port}: Connection refused"


SILENT: dict[str, tuple[Transports, Play]] = {
    "websocket, mute": (WEBSOCKET, script(Connection.wait)),
    "polling, mute": (POLLING, script(Connection.wait)),
    "websocket, half a head": (
        WEBSOCKET,
        script(Connection.request, b"HTTP/1.1 ", Connection.wait),
    ),
    "polling, half a head": (POLLING, script(Connection.request, b"HTTP/1.1 ", Connection.wait)),
    "websocket, no open packet": (WEBSOCKET, script(Connection.agree, Connection.wait)),
    "websocket, no namespace": (
        WEBSOCKET,
        script(Connection.agree, frame(TEXT, OPEN), Connection.wait),
    ),
    "polling, no namespace": (POLLING, Polling(joined=b"6")),
    "upgrade, no namespace": (UPGRADE, Polling(joined=b"6")),
}


@pytest.mark.parametrize(("transports", "play"), SILENT.values(), ids=SILENT.keys())
def test_server_that_does_not_answer_is_given_up(transports: Transports, play: Play) -> None:
    with hostile(play) as url:
        found = failure(url, transports, timeout_s=0.1)
    assert found == "no answer to the handshake within 0.1 s"


def test_silent_server_of_tls_is_given_up(transports: Transports) -> None:
    with hostile(script(Connection.wait)) as url:
        found = failure(url.replace("http", "https"), transports, timeout_s=0.1)
    assert_words(r"within 0\.1 s", found)


@rows(
    {
        "200": (answer(response("200 OK", b"It works!")), "200 OK.*It works!"),
        "wrong answer to the key": (
            script(lambda connection: connection.agree(accept=b"wrong")),
            "Sec-WebSocket-Accept",
        ),
        "no answer to the key": (
            answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
            "Sec-WebSocket-Accept",
        ),
        "closed after it": (script(Connection.agree), "closed by the server"),
        "Engine.IO's packets are binary": (
            script(Connection.agree, frame(BINARY, OPEN), Connection.wait),
            "open packet",
        ),
        "close frame": (
            script(Connection.agree, frame(CLOSE, b"\x03\xf5not today"), Connection.wait),
            "1013 not today",
        ),
    }
)
def test_websocket_handshake_that_fails_says_why(done: Play, words: str) -> None:
    with hostile(done) as url:
        assert_words(words, failure(url, WEBSOCKET))


# --- another protocol above it, or a refusal

OLD_OPEN = b'0{"sid":"old","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}'


def beginning(transports: Transports, opening: bytes, joined: bytes = b"") -> Play:
    """A server that begins a session with these packets."""
    if transports != WEBSOCKET:
        return Polling(opening, joined)
    rest: tuple[bytes | Play, ...] = (frame(TEXT, joined), Connection.wait)
    return script(Connection.agree, frame(TEXT, opening), Connection.receive, *rest)


@pytest.mark.parametrize(
    "payload",
    [
        b"%d:%s2:40" % (len(OLD_OPEN), OLD_OPEN),
        b"\x00\x08\x02\xff" + OLD_OPEN + b"\x00\x02\xff40",
    ],
    ids=["text", "binary"],
)
def test_engineio_3_is_named_over_polling(payload: bytes) -> None:
    with hostile(answer(response("200 OK", payload))) as url:
        assert_words(r"Engine\.IO 3", failure(url, POLLING))


@pytest.mark.parametrize(("namespace", "joined"), [("/", b"40"), ("/test", b"40/test")])
def test_socketio_2_is_named_over_websocket(namespace: str, joined: bytes) -> None:
    # It opens the main namespace by itself, and joins others without giving a session id.
    play = script(
        *(Connection.agree, frame(TEXT, OLD_OPEN), frame(TEXT, b"40")),
        *(Connection.receive, frame(TEXT, joined), Connection.wait),
    )
    with hostile(play) as url:
        assert_words(r"Socket\.IO 2", failure(url, WEBSOCKET, namespace))


@rows(
    {
        "no open packet": ((b"4hello", b""), "open packet, got a message that begins with b'h'$"),
        "HTML": ((HTML, b""), "open packet, got a page of HTML, 'Down for maintenance'$"),
        "no JSON": ((b"0nonsense", b""), "unreadable open packet: JSON is malformed"),
        "no session id": ((b'0{"pingInterval":1,"pingTimeout":1}', b""), "sid"),
        "closed": ((b"1", b""), "open packet, got a close packet"),
        "closed instead of a namespace": ((OPEN, b"1"), "closed by the server"),
        "refused in an object": ((OPEN, b'44/test,{"message":"go away"}'), "refused: go away"),
        "refused with data": (
            (OPEN, b'44/test,{"message":"go away","data":{"code":7}}'),
            "refused: .*go away",
        ),
        "refused in a string": ((OPEN, b'44/test,"Invalid namespace"'), "Invalid namespace"),
        "refused without a word": ((OPEN, b"44/test,"), "refused"),
        "disconnected": ((OPEN, b"41/test,"), "disconnected by the server"),
    }
)
def test_beginning_that_is_none_fails_in_the_servers_words(
    done: tuple[bytes, bytes], words: str, transports: Transports
) -> None:
    with hostile(beginning(transports, *done)) as url:
        assert_words(words, failure(url, transports))
