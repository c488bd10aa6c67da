"""The load client against servers of other people's making: what is said, and what is refused."""

from __future__ import annotations

import random
from typing import Any

import pytest

from loadtests.client import packets
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from tests.integration.client.peers.listening import (
    GOODBYES,
    PATIENCE_S,
    POLLING,
    UPGRADE,
    WEBSOCKET,
    Peer,
    Transports,
    connected,
    why_left,
)
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("loop_errors")

#: A byte more or less changes how a WebSocket frame tells its length (RFC 6455, section 5.2).
LENGTHS = (0, 1, 125, 126, 65535, 65536, 300_000)

JSON: list[list[Any]] = [
    [],
    [None],
    [True, False, 0, -1, 2**53 - 1, 1.5, 1e100],
    ["", "plain", 'quote " and \\', "naïve Ünïcode", "日本語", "😀 beyond the first plane"],
    ["\u2028 and \u2029 end lines in JavaScript", "\x1e separates packets", "\x00\x1f\x7f\n"],
    [[], {}, [[[[]]]], {"a": {"b": [{"c": None}]}}, {"": "empty", "é": "non-ASCII key"}],
    ['42/test,["echo"]', {"_placeholder": "not one"}, "b4", "451-[]"],
    ["é" * 70_000],
]
BINARY: list[list[Any]] = [
    *([random.Random(length).randbytes(length)] for length in LENGTHS),
    ["text first", b"\x00\xff", {"deep": [{"in": b"nested"}, b""]}, "text last"],
    [{"many": [bytes([number]) * number for number in range(9)]}],
    [b"the same twice", b"the same twice", {"ünï": b"\xfe"}],
]


# --- what is sent arrives as it was


@pytest.mark.parametrize("namespace", ["/", "/test"])
def test_text_comes_back_as_it_was_sent(peer: Peer, transports: Transports, namespace: str) -> None:
    with connected(peer(), transports, namespace) as client:
        for arguments in JSON:
            client.session.emit("echo", *arguments)
        assert client.take("echoed", len(JSON)) == JSON
        assert client.session.ended is None


def test_binary_comes_back_as_it_was_sent(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        for arguments in BINARY:
            client.session.emit("echo", *arguments)
        for arguments in BINARY:
            assert arguments == client.next("echoed")


def test_text_and_binary_keep_their_order(peer: Peer, transports: Transports) -> None:
    mixed: list[list[Any]] = [[n, b"%d" % n, b""] if n % 3 else [n, "text"] for n in range(200)]
    with connected(peer(), transports) as client:
        for arguments in mixed:
            client.session.emit("echo", *arguments)
        assert mixed == client.take("echoed", len(mixed))
        assert client.silent("echoed")


def test_event_that_was_encoded_before_arrives(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        client.session.send(packets.encode_event("/test", "echo", {"data": "é"}))
        assert client.next("echoed") == [{"data": "é"}]


def test_server_acknowledges_with_what_it_was_given(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        for arguments in (*JSON, *BINARY):
            found = client.session.call("ask", *arguments, timeout_s=PATIENCE_S)
            assert arguments == found


def test_client_acknowledges_with_what_its_handler_returns(
    peer: Peer, transports: Transports
) -> None:
    with connected(peer(), transports) as client:
        client.session.on("question", lambda arguments, *_: arguments)
        for arguments in (*JSON, *BINARY):
            client.session.emit("ask me", *arguments)
            assert arguments == client.next("answered")


def test_acknowledgements_find_who_asked(peer: Peer, transports: Transports) -> None:
    answers: dict[int, list[Any]] = {}

    def keep(number: int) -> Any:
        return lambda found, *_: answers.update({number: found})

    with connected(peer(), transports) as client:
        for number in range(100):
            client.session.emit("ask", number, on_ack=keep(number))
        client.session.call("ask", "last", timeout_s=PATIENCE_S)
    assert answers == {number: [number] for number in range(100)}


def test_event_that_nobody_acknowledges_is_given_up(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        with pytest.raises(ConnectionFailed, match=r"no acknowledgement .* within 0\.05 s"):
            client.session.call("nobody listens to this", timeout_s=0.05)
        assert client.session.call("ask", "still there?") == ["still there?"]


def test_what_the_server_says_while_it_accepts_is_heard(peer: Peer, transports: Transports) -> None:
    # python-socketio sends it before it says that the namespace was joined, Node after.
    with connected(peer(), transports) as client:
        assert client.next("welcome") == [client.session.sid]


def test_room_is_heard_by_who_is_in_it(peer: Peer) -> None:
    url = peer()
    with (
        connected(url, WEBSOCKET) as inside,
        connected(url, POLLING) as also_inside,
        connected(url, UPGRADE) as outside,
    ):
        for client in (inside, also_inside):
            assert client.session.call("join", "room") == ["room"]
        # No bytes: to a room on both transports python-engineio sends its cached encoding of an
        # attachment, which one of the two cannot read (engineio/packet.py, encode_cache).
        outside.session.emit("to room", "room", "hello")
        assert inside.next("said") == also_inside.next("said") == ["hello"]
        outside.session.call("ask")
        assert outside.silent("said")


def test_namespaces_share_a_connection_and_nothing_else(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        session = client.session
        sid = session.join("/", timeout_s=PATIENCE_S)
        assert sid != session.sid
        heard: list[list[Any]] = []
        session.on("echoed", lambda arguments, *_: heard.append(arguments), "/")
        session.emit("echo", "here")
        session.emit("echo", "there", b"bytes", namespace="/")
        assert client.next("echoed") == ["here"]
        until(lambda: heard)
        assert heard == [["there", b"bytes"]]
        session.leave("/")
        assert session.call("ask", "still here?") == ["still here?"]
        assert heard == [["there", b"bytes"]]
        with pytest.raises(ConnectionFailed, match="/nowhere refused: "):
            session.join("/nowhere", timeout_s=PATIENCE_S)
        # Node's server would close the connection of all namespaces.
        with pytest.raises(ValueError, match=r"'echo' is not sent to /, which is not joined"):
            session.emit("echo", "there", namespace="/")
        assert session.call("ask", "still here?") == ["still here?"]
        assert session.ended is None


def test_flood_arrives_once_and_in_order(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        client.session.emit("flood", 1500)
        assert [[number] for number in range(1500)] == client.take("n", 1500)
        assert client.silent("n")


# --- what is refused, and how it ends


def test_refusal_is_in_the_servers_own_words(peer: Peer, transports: Transports) -> None:
    session = Session(locate(peer()), transports, "/test")
    with pytest.raises(ConnectionFailed, match="no room for Ünïcode"):
        session.connect(auth={"refuse": "no room for Ünïcode"}, timeout_s=PATIENCE_S)
    assert session.ended == "namespace /test refused: no room for Ünïcode"


@pytest.mark.parametrize(("name", "words"), [("node", "Invalid namespace"), ("asgi", "Unable")])
def test_unknown_namespace_is_refused_in_the_servers_own_words(
    running: Peer, transports: Transports, name: str, words: str
) -> None:
    session = Session(locate(running(name)), transports, "/nowhere")
    with pytest.raises(ConnectionFailed, match=f"namespace /nowhere refused: {words}"):
        session.connect(timeout_s=PATIENCE_S)


def test_transport_that_the_server_does_not_offer_fails(peer: Peer) -> None:
    session = Session(locate(peer(transports=["polling"])), WEBSOCKET, "/test")
    with pytest.raises(ConnectionFailed, match=r"refused: HTTP/1\.1 40[03]"):
        session.connect(timeout_s=PATIENCE_S)
    session.kill()


def test_session_that_the_server_dismisses_says_so(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        client.session.emit("dismiss")
        assert client.until_ended() == "disconnected by the server"


def test_session_that_the_server_hangs_up_says_so(peer: Peer, transports: Transports) -> None:
    with connected(peer(), transports) as client:
        client.session.emit("hang up")
        assert "closed by the server" in client.until_ended()


def test_goodbye_is_no_end_to_complain_about(peer: Peer, transports: Transports) -> None:
    url = peer()
    with connected(url, WEBSOCKET) as witness, connected(url, transports) as client:
        client.session.close()
        assert why_left(witness.session, client.session.sid) in GOODBYES
        assert client.session.ended is None


def test_kill_says_no_goodbye(peer: Peer) -> None:
    url = peer()
    with connected(url, WEBSOCKET) as witness, connected(url, WEBSOCKET) as client:
        client.session.kill()
        assert why_left(witness.session, client.session.sid) == "transport close"
        assert client.session.ended is None


# --- what is too long


def test_message_that_is_too_long_ends_the_session_with_the_reason(
    peer: Peer, transports: Transports
) -> None:
    with connected(peer(max_payload_bytes=2000), transports) as client:
        client.session.emit("echo", "x" * 1500)
        assert client.next("echoed") == ["x" * 1500]
        client.session.emit("echo", "x" * 5000)
        reason = client.until_ended()
    assert reason


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING], ids=["websocket", "polling"])
def test_node_says_that_a_message_is_too_long(node: Peer, transports: Transports) -> None:
    with connected(node(max_payload_bytes=2000), transports) as client:
        client.session.emit("echo", "x" * 5000)
        reason = client.until_ended()
    # RFC 6455 (section 7.4.1) and RFC 9110 (section 15.5.14): message, or content, too large
    assert ("1009" if transports == WEBSOCKET else "413") in reason


def test_queued_messages_are_posted_in_pieces_that_the_server_takes(
    peer: Peer, transports: Transports
) -> None:
    queued: list[list[Any]] = [
        [number, "é" * (number % 300)] if number % 2 else [number, b"\xff" * (number % 300)]
        for number in range(300)
    ]
    with connected(peer(max_payload_bytes=2000), transports) as client:
        for arguments in queued:
            client.session.emit("echo", *arguments)
        assert queued == client.take("echoed", len(queued))


def test_one_listener_hears_nothing_of_another(peer: Peer, transports: Transports) -> None:
    url = peer()
    with connected(url, transports) as one, connected(url, transports) as other:
        one.session.emit("echo", "one")
        assert one.next("echoed") == ["one"]
        other.session.call("ask")
        assert other.silent("echoed")
