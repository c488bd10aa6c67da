"""Engine.IO over WebSocket, on a stream that the test plays."""

from __future__ import annotations

import base64
import hashlib

import pytest

from loadtests.client.errors import ProtocolError
from loadtests.client.frames import FrameDecoder, Opcode
from loadtests.client.websocket import WebSocketLink
from tests.unit.streams import SERVER, FakeStream, play
from tests.unit.test_frames import server_frame


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[FakeStream]:
    return play(monkeypatch)


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def socket(streams: list[FakeStream], heard: list[bytes], ended: list[str]) -> WebSocketLink:
    return WebSocketLink(SERVER, lambda packet, *_: heard.append(packet), ended.append)


def upgrade(stream: FakeStream) -> bytes:
    head = dict(line.split(b": ") for line in stream.sent[0].split(b"\r\n")[1:] if line)
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(head[b"Sec-WebSocket-Key"] + guid).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept
    )


def unmasked(frame: bytes) -> tuple[int, bytes]:
    """Opcode and payload of a short masked frame."""
    assert frame[1] & 0x80
    length, mask = frame[1] & 0x7F, frame[2:6]
    assert length == len(frame) - 6
    return frame[0] & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(frame[6:]))


def test_websocket_asks_for_the_upgrade_of_engineio_4(
    socket: WebSocketLink, streams: list[FakeStream]
) -> None:
    socket.open()
    request = streams[0].sent[0]
    assert request.startswith(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n")
    assert b"\r\nHost: example:5000\r\n" in request
    assert b"Extensions" not in request


@pytest.mark.parametrize("cut", [1, 40, -1, None])
def test_websocket_reads_packets_that_come_with_the_handshake(
    socket: WebSocketLink, streams: list[FakeStream], heard: list[bytes], cut: int | None
) -> None:
    socket.open()
    data = upgrade(streams[0]) + server_frame(1, b"0{}") + server_frame(1, b"2")
    streams[0].say(data[:cut])
    if cut is not None:
        streams[0].say(data[cut:])
    assert heard == [b"0{}", b"2"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            b"HTTP/1.1 400 BAD REQUEST\r\n\r\nno such transport",
            "400 BAD REQUEST: no such transport",
        ),
        (b"HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: x\r\n\r\n", "wrong Sec-WebSocket-Accept"),
        (b"HTTP/1.1 101 OK\r\n\r\n", "wrong Sec-WebSocket-Accept"),
        (b"nonsense\r\n\r\n", "refused: nonsense"),
        (b"x" * 70_000, "has no end"),
    ],
)
def test_websocket_says_why_it_was_refused(
    socket: WebSocketLink,
    streams: list[FakeStream],
    ended: list[str],
    answer: bytes,
    words: str,
) -> None:
    socket.open()
    streams[0].say(answer)
    assert len(ended) == 1
    assert words in ended[0]
    assert streams[0].closed


@pytest.fixture
def upgraded(socket: WebSocketLink, streams: list[FakeStream]) -> FakeStream:
    socket.open()
    streams[0].say(upgrade(streams[0]))
    streams[0].sent.clear()
    return streams[0]


def test_websocket_sends_each_packet_as_one_masked_text_frame(
    socket: WebSocketLink, upgraded: FakeStream
) -> None:
    for number in range(2000):  # more than one supply of mask keys
        socket.send(b"%d" % number)
    assert [(Opcode.TEXT, b"%d" % number) for number in range(2000)] == [
        unmasked(frame) for frame in upgraded.sent
    ]
    assert len({frame[2:6] for frame in upgraded.sent}) > 1990


def test_websocket_answers_a_ping_frame(upgraded: FakeStream) -> None:
    upgraded.say(server_frame(Opcode.PING, b"are you there"))
    assert [unmasked(frame) for frame in upgraded.sent] == [(Opcode.PONG, b"are you there")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (server_frame(Opcode.CLOSE, b"\x03\xe9going"), "closed by the server: 1001 going"),
        (server_frame(Opcode.CLOSE, b""), "closed by the server: no code"),
        (b"\xff\xff", "must not mask"),
        (b"\xf1\x00", "reserved bits"),
    ],
)
def test_websocket_ends_with_a_reason(
    upgraded: FakeStream, ended: list[str], data: bytes, words: str
) -> None:
    upgraded.say(data)
    assert len(ended) == 1
    assert words in ended[0]
    assert upgraded.closed


def test_websocket_that_was_closed_by_us_ends_without_a_word(
    socket: WebSocketLink, upgraded: FakeStream, ended: list[str]
) -> None:
    socket.say_goodbye()
    assert [unmasked(frame) for frame in upgraded.sent] == [(Opcode.CLOSE, b"\x03\xe8")]
    upgraded.say(server_frame(Opcode.CLOSE, b"\x03\xe8"))
    assert (ended, upgraded.closed) == ([], True)


def test_frozen_websocket_stays_open(socket: WebSocketLink, upgraded: FakeStream) -> None:
    socket.freeze()
    assert (upgraded.frozen, upgraded.closed) == (True, False)


def test_killed_websocket_says_nothing(
    socket: WebSocketLink, upgraded: FakeStream, ended: list[str]
) -> None:
    socket.kill()
    assert (upgraded.sent, ended, upgraded.closed) == ([], [], True)


def test_handler_that_kills_hears_nothing_of_the_same_read(
    streams: list[FakeStream], ended: list[str]
) -> None:
    heard: list[bytes] = []

    def killing(packet: bytes, *_: int) -> None:
        heard.append(packet)
        link.kill()

    link = WebSocketLink(SERVER, killing, ended.append)
    link.open()
    streams[0].say(upgrade(streams[0]) + server_frame(1, b"6") + server_frame(1, b"6"))
    assert heard == [b"6"]


def test_our_frames_are_not_read_as_a_servers(upgraded: FakeStream, socket: WebSocketLink) -> None:
    socket.send(b"x")
    with pytest.raises(ProtocolError, match="must not mask"):
        FrameDecoder().feed(upgraded.sent[0])
