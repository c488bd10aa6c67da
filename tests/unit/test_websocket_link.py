"""Engine.IO over WebSocket, on a stream that the test plays."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Sequence
from itertools import chain, cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.frames import Frame, FrameDecoder, Opcode
from loadtests.client.websocket import WebSocketLink
from tests.unit.streams import SERVER, FakeStream, play
from tests.unit.test_frames import control_frames, cut, messages, server_frame


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
    whole = [frame for frame, _ in stream if frame is not None]
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


# --- a refusal that takes its time

REFUSED = b"HTTP/1.1 400 BAD REQUEST\r\n"
PACKED = gzip.compress(b"no such transport")
LATE = {
    "by its length": (REFUSED + b"Content-Length: 17\r\n\r\n", [b"no such ", b"transport"]),
    "in chunks": (
        REFUSED + b"Transfer-Encoding: chunked\r\n\r\n",
        [b"8\r\nno such \r\n", b"9\r\ntransport\r\n", b"0\r\n\r\n"],
    ),
    "zipped": (
        REFUSED + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED),
        [PACKED[:10], PACKED[10:]],
    ),
}


@pytest.mark.parametrize(("head", "body"), LATE.values(), ids=LATE.keys())
@pytest.mark.parametrize("size", [1, 30, 1000])
def test_refusal_is_told_once_with_all_its_words(
    socket: WebSocketLink,
    streams: list[FakeStream],
    ended: list[str],
    head: bytes,
    body: Sequence[bytes],
    size: int,
) -> None:
    socket.open()
    wire = b"".join([head, *body])
    for at in range(0, len(wire), size):
        assert ended == []
        streams[0].say(wire[at : at + size])
    assert ended == ["WebSocket handshake refused: HTTP/1.1 400 BAD REQUEST: no such transport"]
    assert streams[0].closed


@pytest.mark.parametrize(
    ("head", "words"),
    [(LATE["by its length"][0], "no such "), (LATE["in chunks"][0], "8\r\nno such \r\n")],
)
def test_refusal_whose_end_never_comes_is_told_when_the_connection_ends(
    socket: WebSocketLink, streams: list[FakeStream], ended: list[str], head: bytes, words: str
) -> None:
    socket.open()
    streams[0].say(head)
    streams[0].say(words.encode())
    assert ended == []
    streams[0].end()
    assert ended == [f"WebSocket handshake refused: HTTP/1.1 400 BAD REQUEST: {words}"]


def test_refusal_quotes_not_all_of_its_words(
    socket: WebSocketLink, streams: list[FakeStream], ended: list[str]
) -> None:
    socket.open()
    streams[0].say(REFUSED + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000)
    assert len(ended[0]) < 300


# --- the end in the middle of something


@pytest.mark.parametrize(
    ("heard_of_it", "reason"),
    [
        (b"", "broken"),
        (b"HTTP/1.1 1", "broken during the WebSocket handshake, after b'HTTP/1.1 1'"),
        (REFUSED, f"broken during the WebSocket handshake, after {REFUSED!r}"),
    ],
)
def test_connection_that_ends_during_the_handshake_says_so(
    socket: WebSocketLink,
    streams: list[FakeStream],
    ended: list[str],
    heard_of_it: bytes,
    reason: str,
) -> None:
    socket.open()
    if heard_of_it:
        streams[0].say(heard_of_it)
    streams[0].end("broken")
    assert len(ended) == 1
    assert ended[0].startswith(reason)


FRAME = server_frame(Opcode.TEXT, b"x" * 200)
MIDDLES = [FRAME[:1], FRAME[:3], FRAME[:-1], server_frame(Opcode.TEXT, b"", final=False)]


@pytest.mark.parametrize("middle", [b"", FRAME, *MIDDLES, *(FRAME + each for each in MIDDLES)])
def test_connection_that_ends_in_the_middle_of_a_frame_says_so(
    upgraded: FakeStream, ended: list[str], middle: bytes
) -> None:
    if middle:
        upgraded.say(middle)
    upgraded.end("broken")
    assert ended == ["broken" if middle in (b"", FRAME) else "broken in the middle of a frame"]


@pytest.mark.parametrize("others", [b"", server_frame(1, b"6")])
def test_base64_in_a_text_frame_is_a_binary_message(
    upgraded: FakeStream, heard: list[bytes], others: bytes
) -> None:
    upgraded.say(server_frame(Opcode.TEXT, b"bAAEC") + others)
    assert heard[0] == b"b\x00\x01\x02"
