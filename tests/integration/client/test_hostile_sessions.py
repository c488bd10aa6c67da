"""The load client's sessions with servers that misbehave later: it says why, and others go on."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from functools import partial

import gevent
import pytest

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.record.words import Transport
from tests.integration.client.hostile import (
    BINARY,
    CLOSE,
    HTML,
    JOINED,
    OPEN,
    PING,
    SOON_S,
    TEXT,
    Connection,
    Play,
    Polling,
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
    Listener,
    Transports,
    connected,
)
from tests.support.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("loop_errors")

either_transport = pytest.mark.parametrize(
    "transports", [WEBSOCKET, POLLING], ids=["websocket", "polling"]
)


def end_of(url: str, transports: Transports) -> str:
    """Why a session ends that was well at first."""
    with connected(url, transports) as client:
        return client.until_ended(SOON_S)


@rows(
    {
        "reserved bits": (frame(TEXT, b"4", first=0xC0), "reserved bits"),
        "unknown opcode": (frame(0x3, b""), "unknown opcode 0x3"),
        "masked": (b"\x81\x81\x00\x00\x00\x004", "mask"),
        "control frame in pieces": (frame(PING, b"", first=0), "control frame"),
        "long control frame": (frame(PING, bytes(126)), "control frame"),
        "frame of 2**40 bytes": (b"\x82\x7f" + (2**40).to_bytes(8, "big"), str(2**40)),
        "frame of 2**63 bytes": (b"\x82\x7f" + (2**63).to_bytes(8, "big"), "bytes"),
        "many frames that are too long together": (
            frame(BINARY, bytes(2**20), first=0) + frame(0, bytes(2**20), first=0) * 20,
            "at most",
        ),
        "continuation of nothing": (frame(0, b"4"), "continuation"),
        "message within a message": (frame(TEXT, b"4", first=0) + frame(TEXT, b"2"), "message"),
        "HTTP": (response("500 Error", b"It broke"), "reserved bits|opcode"),
        "garbage": (b"\xf3\x1a\x00\x11\x7f\xff\xfe", "reserved bits"),
        "middle of a head": (b"\x81\x7e\x00", "closed by the server in the middle of a frame"),
        "middle of a frame": (b"\x81\x10four", "closed by the server in the middle of a frame"),
        "nothing": (b"", "closed by the server"),
        "close frame": (frame(CLOSE, b"\x03\xf0naughty \xc3\xa9"), "1008 naughty é"),
        "close frame without a code": (frame(CLOSE, b""), "closed by the server"),
        "close frame with half a code": (frame(CLOSE, b"\x03"), "closed by the server"),
        "close frame with odd words": (frame(CLOSE, b"\x03\xf0\xff\xfe"), "1008"),
    }
)
def test_stream_that_is_no_websocket_ends_the_session_with_the_reason(
    done: bytes, words: str
) -> None:
    with hostile(script(Connection.welcome, done)) as url:
        assert_words(words, end_of(url, WEBSOCKET))


def test_what_came_whole_before_garbage_is_heard() -> None:
    event = frame(TEXT, b'42/test,["n",1]')
    with (
        hostile(script(Connection.welcome, event + b"\xff\xff\xff")) as url,
        connected(url, WEBSOCKET) as client,
    ):
        assert_words("mask|reserved", client.until_ended(SOON_S))
        assert client.next("n", SOON_S) == [1]


def test_connection_that_is_reset_ends_the_session_with_the_systems_words() -> None:
    with hostile(script(Connection.welcome, Connection.reset)) as url:
        assert_words("reset", end_of(url, WEBSOCKET))


PLACEHOLDER = b'{"_placeholder":true,"num":%d}'


@rows(
    {
        "Engine.IO close": ((b"1",), "closed by the server"),
        "unknown Engine.IO packet": ((b"9what",), "packet: what begins with b'9'$"),
        "another open packet": ((OPEN,), "unexpected"),
        "unknown Socket.IO packet": ((b"47what",), "packet: a message that begins with b'7'$"),
        "disconnect": ((b"41/test,",), "disconnected by the server"),
        "refused afterwards": ((b'44/test,"changed my mind"',), "changed my mind"),
        "half of JSON": ((b'42/test,["x"',), "Socket.IO packet: an event .*truncated"),
        "no UTF-8": ((b'42/test,["\xff"]',), "Socket.IO packet"),
        "too deep": ((b'42/test,["x",' + b"[" * 100_000,), "Socket.IO packet"),
        "event without a name": ((b"42/test,[]",), "without a name"),
        "event whose name is a number": ((b"42/test,[1]",), "without a name"),
        "event in an object": ((b'42/test,{"name":1}',), "without a name"),
        "acknowledgement of nothing": ((b"43/test,[]",), "acknowledgement"),
        "attachment of nothing": ((b"bdata",), "nothing announced"),
        "attachment that is missing": (
            (b'451-/test,["x",' + PLACEHOLDER % 0 + b"]", b'42/test,["x"]'),
            "expected a binary attachment",
        ),
        "attachment that is not there": (
            (b'451-/test,["x",' + PLACEHOLDER % 5 + b"]", b"bdata"),
            "attachment number 5",
        ),
        "a million attachments": ((b'451000000-/test,["x"]',), "1000000 attachments"),
    }
)
@either_transport
def test_packet_that_is_none_ends_the_session_with_the_reason(
    done: tuple[bytes, ...], words: str, transports: Transports
) -> None:
    with hostile(saying(transports, *done)) as url:
        assert_words(words, end_of(url, transports))


def saying(transports: Transports, *packets: bytes) -> Play:
    """A server that lets the client in, says these packets and waits."""
    if transports == WEBSOCKET:
        frames = [
            frame(BINARY, packet[1:]) if packet[:1] == b"b" else frame(TEXT, packet)
            for packet in packets
        ]
        return script(Connection.welcome, *frames, Connection.wait)
    polling = Polling()
    parts = [
        b"b" + base64.b64encode(packet[1:]) if packet[:1] == b"b" else packet for packet in packets
    ]
    polling.say(b"\x1e".join(parts))
    return polling


@either_transport
def test_what_a_server_may_say_does_no_harm(transports: Transports) -> None:
    odd = (
        *(b"6", b"2", b"2with words", b'42/test,["nobody listens",{"a":1}]', b'42["other"]'),
        *(b'42/other,["n",0]', b"41/other,", b"43/test,99[1]", b'44/other,"not you"', JOINED),
        *(b'451-/test,["nobody listens",' + PLACEHOLDER % 0 + b"]", b"b\x00"),
    )
    with (
        hostile(saying(transports, *odd, b'42/test,7["n",1]')) as url,
        connected(url, transports) as client,
    ):
        assert client.next("n") == [1]
        assert client.session.ended is None


@rows(
    {
        "unknown session": (
            response("400 Bad Request", b'{"code":1,"message":"Session ID unknown"}'),
            "400.*Session ID unknown",
        ),
        "502": (response("502 Bad Gateway", HTML), "502.*Down for maintenance"),
        "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", "204|length"),
        "half a head": (b"HTTP/1.1 200 OK\r\nContent-", "closed by the server"),
        "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n4", "closed by the server"),
        "nothing": (b"", "closed by the server"),
        "more than its length": (response("200 OK", b"6") + b"more", "bytes after the response"),
        "two answers": (response("200 OK", b"6") * 2, "after the response|no request"),
        "negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "length: b'-5'"),
        "odd chunk": (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
            "length: b'many'",
        ),
        "not base64": (response("200 OK", b"b!!!"), "not base64"),
        "broken gzip": (response("200 OK", b"gzip?", "Content-Encoding: gzip"), "gzip"),
        "another coding": (response("200 OK", b"br?", "Content-Encoding: br"), "br"),
    }
)
def test_answer_to_a_get_that_is_none_ends_the_session_with_the_reason(
    done: bytes, words: str
) -> None:
    polling = Polling()
    for _ in range(2):  # a kept connection that is closed unanswered is tried once more
        polling.answer(done, close=True)
    with hostile(polling) as url:
        assert_words(words, end_of(url, POLLING))


@rows(
    {
        "400": (response("400 Bad Request", b'{"code":3,"message":"Bad request"}'), "400.*Bad req"),
        "413": (response("413 Payload Too Large"), "POST.*413"),
        "502": (response("502 Bad Gateway", HTML), "502.*Down for maintenance"),
        "nothing": (b"", "closed by the server"),
        "garbage": (b"\x00\x01\x02", "not an HTTP response"),
    }
)
def test_answer_to_a_post_that_is_none_ends_the_session_with_the_reason(
    done: bytes, words: str
) -> None:
    with hostile(Polling(post=done)) as url, connected(url, POLLING) as client:
        client.session.emit("echo", 1)
        client.session.emit("echo", 2)
        assert_words(words, client.until_ended(SOON_S))


@either_transport
def test_server_that_dies_ends_the_session_and_what_waits_for_it(transports: Transports) -> None:
    with hostile(saying(transports)) as url:
        client = Listener(url, transports)
        client.session.connect(timeout_s=SOON_S)
        waiting = gevent.spawn(refused_words, client.session)
        gevent.sleep(0.01)
    assert_words("closed by the server|refused|reset", client.until_ended(SOON_S))
    assert waiting.get(timeout=SOON_S) == client.session.ended


def refused_words(session: Session) -> str:
    """With which words a call fails."""
    with pytest.raises(ConnectionFailed) as raised:
        session.call("nobody will answer")
    return str(raised.value)


# --- an upgrade that goes wrong leaves the session on polling


def probed(*steps: bytes | Play) -> Play:
    """Takes the probe, then does this."""
    return script(Connection.agree, Connection.receive, *steps)


@pytest.mark.parametrize(
    "websocket",
    {
        "refused": script(Connection.request, response("400 Bad Request", b"no")),
        "200": script(Connection.request, response("200 OK", b"It works!")),
        "wrong key": partial(Connection.agree, accept=b"wrong"),
        "closed at once": script(),
        "reset": script(Connection.reset),
        "closed after it": script(Connection.agree),
        "garbage": script(Connection.agree, b"\xff\xff\xff", Connection.wait),
        "probe not answered": probed(),
        "probe answered wrongly": probed(frame(TEXT, b"3prove"), Connection.wait),
        "probe answered with an open packet": probed(frame(TEXT, OPEN), Connection.wait),
        "probe answered with a close frame": probed(frame(CLOSE, b""), Connection.wait),
        "probe answered with bytes": probed(frame(BINARY, b"3probe"), Connection.wait),
        "closed before the switch": probed(frame(TEXT, b"3probe")),
    }.items(),
    ids=lambda item: item[0],
)
def test_upgrade_that_fails_leaves_the_session_on_polling(websocket: tuple[str, Play]) -> None:
    polling = Polling(websocket=websocket[1])
    with hostile(polling) as url:
        client = Listener(url, UPGRADE)
        client.listen("n")
        client.session.connect(timeout_s=SOON_S)
        with pytest.raises(ConnectionFailed, match="long-polling"):
            client.session.wait_for_upgrade(timeout_s=SOON_S)
        polling.say(b'42/test,["n",1]')
        assert client.next("n", SOON_S) == [1]
        assert client.session.transport is Transport.POLLING
        assert client.session.ended is None
        client.session.kill()


# --- one that fares badly does no harm to others


def test_sessions_go_on_while_others_meet_misfortune() -> None:
    bad = [
        script(Connection.welcome, Connection.reset),
        script(Connection.welcome, b"\xff\xff\xff"),
        script(Connection.welcome, frame(TEXT, b"42/test,[["), Connection.wait),
    ]
    with ExitStack() as stack:
        good = Polling()
        ping = script(Connection.welcome, frame(TEXT, b"2"), answered_pings(50))
        steady = [
            stack.enter_context(connected(stack.enter_context(hostile(ping)), WEBSOCKET)),
            stack.enter_context(connected(stack.enter_context(hostile(good)), POLLING)),
        ]
        for play in bad:
            client = stack.enter_context(connected(stack.enter_context(hostile(play)), WEBSOCKET))
            assert client.until_ended(SOON_S)
            good.say(b'42/test,["n",1]')
            assert steady[1].next("n", SOON_S) == [1]
        assert steady[0].next("n", SOON_S) == [50]
        assert [each.session.ended for each in steady] == [None, None]


def answered_pings(count: int) -> Play:
    """Pings that follow the answer to the one before; then an event that tells their number."""

    def play(connection: Connection) -> None:
        for _ in range(count):
            assert connection.receive() == b"3"
            connection.send(frame(TEXT, b"2"))
        connection.send(frame(TEXT, b'42/test,["n",%d]' % count))
        connection.wait()

    return play


# --- silence


@either_transport
def test_server_that_falls_silent_is_given_up_when_its_own_words_say_so(
    transports: Transports,
) -> None:
    """Its connections stay up all the while, as those of a process that hangs."""
    opening = OPEN.replace(b"25000", b"150").replace(b"20000", b"100")

    def silent(connection: Connection) -> None:
        connection.agree()
        connection.send(frame(TEXT, opening))
        connection.receive()
        connection.send(frame(TEXT, JOINED))
        connection.wait()

    with hostile(silent if transports == WEBSOCKET else Polling(opening)) as url:
        session = Session(locate(url), transports, "/test")
        session.connect(timeout_s=PATIENCE_S)
        until(lambda: session.ended)
        words = r"^no heartbeat: .*\(a ping every 0\.15 s, 0\.1 s of patience\)"
        assert_words(words, str(session.ended))
