"""Engine.IO over WebSocket, on a stream that the test plays."""

from __future__ import annotations

import base64
import hashlib
from itertools import chain, cycle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.frames import Frame, FrameDecoder, Opcode
from loadtests.client.websocket import WebSocketLink
from tests.unit.client.streams import SERVER, FakeStream, play
from tests.unit.client.test_frames import control_frames, cut, messages, server_frame


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
    offer = b"permessage-deflate; client_max_window_bits"
    assert b"\r\nSec-WebSocket-Extensions: %s\r\n" % offer in request


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
            b"HTTP/1.1 400 BAD REQUEST\r\nContent-Length: 17\r\n\r\nno such transport",
            "400 BAD REQUEST: no such transport",
        ),
        (b"HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: x\r\n\r\n", "wrong Sec-WebSocket-Accept"),
        (b"HTTP/1.1 101 OK\r\n\r\n", "wrong Sec-WebSocket-Accept"),
        (b"nonsense\r\n\r\n", "refused: not an HTTP response: b'nonsense'"),
        (b"220 mail.example", "refused: not an HTTP response: b'220 mail.example'"),
        (b"HTTP/1.1 101 " + b"x" * 70_000, "has no end"),
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
        (server_frame(Opcode.CLOSE, b"\x03\xe9\x1b[31m\ngo"), "server: 1001 \ufffd[31m go"),
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


def test_reset_websocket_says_nothing(
    socket: WebSocketLink, upgraded: FakeStream, ended: list[str]
) -> None:
    socket.reset()
    assert (upgraded.sent, ended, upgraded.was_reset) == ([], [], True)


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


# --- what arrives, however it was cut

short_texts = st.binary(max_size=126).map(
    lambda payload: [((Opcode.TEXT, payload), server_frame(Opcode.TEXT, payload))]
)


@given(
    st.lists(short_texts | messages() | control_frames, max_size=6).map(lambda all: [*chain(*all)]),
    st.lists(st.booleans(), min_size=1, max_size=8),
    st.lists(st.integers(min_value=0), max_size=4),
)
def test_any_cut_of_any_frames_gives_the_same_packets(
    stream: list[tuple[Frame | None, bytes]], alone: list[bool], places: list[int]
) -> None:
    whole = [frame for frame, _ in stream if frame is not None]
    assume(not any(kind == Opcode.TEXT and data[:1] == b"b" for kind, data in whole))  # base64
    # Cut behind some of the frames, for those that are read alone, and somewhere else.
    pieces = [b""]
    for (_, data), separate in zip(stream, cycle(alone), strict=False):
        pieces[-1] += data
        pieces += [b""] if separate else []
    heard: list[tuple[bytes, int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        streams = play(patch)
        link = WebSocketLink(SERVER, lambda *packet: heard.append(packet), pytest.fail)
        link.open()
        pieces[0] = upgrade(streams[0]) + pieces[0]
        streams[0].sent.clear()
        for piece in chain(*(cut(piece, places) for piece in pieces)):
            if piece:
                streams[0].say(piece)
    heads: dict[int, bytes] = {Opcode.TEXT: b"", Opcode.BINARY: b"b"}
    assert heard == [(heads[kind] + data, 10, 20) for kind, data in whole if kind in heads]
    pongs = [(Opcode.PONG, payload) for kind, payload in whole if kind == Opcode.PING]
    assert pongs == [unmasked(frame) for frame in streams[0].sent]


def test_what_looks_like_a_frame_inside_another_is_none(
    upgraded: FakeStream, heard: list[bytes]
) -> None:
    inner = server_frame(Opcode.TEXT, b"inner")
    upgraded.say(server_frame(Opcode.TEXT, inner)[:2])
    upgraded.say(inner)
    assert heard == [inner]


@pytest.mark.parametrize("length", [125, 126, 127, 300])
def test_frame_cut_at_any_byte_is_one_packet(
    upgraded: FakeStream, heard: list[bytes], length: int
) -> None:
    frame = server_frame(Opcode.TEXT, b"~" * length)
    for place in range(1, len(frame)):
        upgraded.say(frame[:place])
        upgraded.say(frame[place:])
    assert heard == [b"~" * length] * (len(frame) - 1)


@pytest.mark.parametrize("place", [1, 3, 100])
@pytest.mark.parametrize(
    ("payload", "expected", "words"),
    [(b"bQQ==", [b"bA"], ""), (b"b", [b"b"], ""), (b"bQQ", [], "not base64"), (b"", [b""], "")],
)
def test_binary_packet_may_come_as_base64(
    upgraded: FakeStream,
    heard: list[bytes],
    ended: list[str],
    payload: bytes,
    expected: list[bytes],
    words: str,
    place: int,
) -> None:
    frame = server_frame(Opcode.TEXT, payload)
    for piece in (frame[:place], frame[place:]):
        if piece:
            upgraded.say(piece)
    assert expected == heard
    assert words in "".join(ended)
    assert upgraded.closed == bool(words)


@pytest.mark.parametrize("begun", [b"", b"begun"])
def test_whole_message_between_two_fragments_is_a_protocol_error_alone_too(
    upgraded: FakeStream, heard: list[bytes], ended: list[str], begun: bytes
) -> None:
    upgraded.say(server_frame(Opcode.TEXT, begun, final=False))
    upgraded.say(server_frame(Opcode.TEXT, b"whole"))
    assert heard == []
    assert "before the last one was complete" in ended[0]


def test_frames_before_a_violation_are_heard(
    upgraded: FakeStream, heard: list[bytes], ended: list[str]
) -> None:
    upgraded.say(
        server_frame(Opcode.TEXT, b"one") + server_frame(Opcode.TEXT, b"two") + b"\xff\xff"
    )
    assert heard == [b"one", b"two"]
    assert len(ended) == 1
    assert "must not mask" in ended[0]
    assert upgraded.closed


def test_packet_leaves_right_before_its_frame(socket: WebSocketLink, upgraded: FakeStream) -> None:
    sent_before: list[int] = []
    for _ in range(2):
        socket.send(b"4x", lambda: sent_before.append(len(upgraded.sent)))
    assert sent_before == [0, 1]
