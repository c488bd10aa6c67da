"""WebSocket frames: what RFC 6455 allows comes out whole, what it forbids is a protocol error."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import chain, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    TextMessage,
)

from loadtests.client.errors import ProtocolError
from loadtests.client.frames import Frame, FrameDecoder, Opcode, encode

MASK = b"\x01\x80\xff\x37"
LENGTHS = [0, 1, 3, 4, 5, 125, 126, 127, 65535, 65536, 70001]


def server_frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """One unmasked frame, written from RFC 6455, section 5.2, by itself."""
    length = len(payload)
    if length < 126:
        size = bytes((length,))
    elif length < 65536:
        size = b"\x7e" + length.to_bytes(2, "big")
    else:
        size = b"\x7f" + length.to_bytes(8, "big")
    return bytes(((0x80 if final else 0) | opcode,)) + size + payload


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The pieces of ``data`` between the places."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def decoded(pieces: list[bytes], decoder: FrameDecoder | None = None) -> list[Frame]:
    decoder = decoder or FrameDecoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)]


# --- our frames


@pytest.mark.parametrize("length", LENGTHS)
def test_encoded_frame_is_what_the_rfc_draws(length: int) -> None:
    payload = bytes(index % 251 for index in range(length))
    plain = server_frame(Opcode.BINARY, payload)
    head_length = len(plain) - length
    frame = encode(Opcode.BINARY, payload, MASK)
    masked = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
    assert plain[:1] + bytes((plain[1] | 0x80,)) + plain[2:head_length] + MASK + masked == frame


def test_masked_hello_is_the_rfcs_own_example() -> None:
    # RFC 6455, section 5.7: "A single-frame masked text message".
    example = bytes.fromhex("818537fa213d7f9f4d5158")
    assert example == encode(Opcode.TEXT, b"Hello", bytes.fromhex("37fa213d"))


@pytest.mark.parametrize("length", LENGTHS)
def test_frame_of_every_length_class_comes_out_whole(length: int) -> None:
    payload = b"x" * length
    assert [(Opcode.TEXT, payload)] == FrameDecoder().feed(server_frame(Opcode.TEXT, payload))


@pytest.mark.parametrize("payload", [b"", b"Hello", b"h" * 126, b"l" * 300])
def test_frame_cut_at_any_byte_is_the_same_frame(payload: bytes) -> None:
    frame = server_frame(Opcode.TEXT, payload)
    for place in range(len(frame) + 1):
        assert [(Opcode.TEXT, payload)] == decoded([frame[:place], frame[place:]]), place


def test_long_frame_cut_inside_its_head_is_the_same_frame() -> None:
    payload = b"y" * 65536
    frame = server_frame(Opcode.TEXT, payload)
    for place in range(12):
        assert [(Opcode.TEXT, payload)] == decoded([frame[:place], frame[place:]]), place


def test_bytes_that_arrive_one_by_one_are_the_same_frames() -> None:
    stream = server_frame(Opcode.TEXT, b"a" * 130) + server_frame(Opcode.PING, b"p")
    expected = [(Opcode.TEXT, b"a" * 130), (Opcode.PING, b"p")]
    assert expected == decoded([stream[index : index + 1] for index in range(len(stream))])


def test_several_frames_in_one_read_come_out_in_order() -> None:
    stream = b"".join(server_frame(Opcode.TEXT, b"%d" % number) for number in range(5))
    assert FrameDecoder().feed(stream) == [(1, b"0"), (1, b"1"), (1, b"2"), (1, b"3"), (1, b"4")]


def test_nothing_comes_out_before_the_last_byte() -> None:
    decoder = FrameDecoder()
    frame = server_frame(Opcode.TEXT, b"whole")
    assert decoder.feed(frame[:-1]) == []
    assert decoder.feed(frame[-1:]) == [(1, b"whole")]


# --- fragments


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_message_fragmented_at_any_byte_comes_out_whole(opcode: Opcode) -> None:
    message = b"fragmented"
    for place in range(len(message) + 1):
        stream = server_frame(opcode, message[:place], final=False)
        stream += server_frame(Opcode.CONTINUATION, message[place:])
        assert [(opcode, message)] == FrameDecoder().feed(stream), place


def test_message_of_one_byte_fragments_comes_out_whole() -> None:
    stream = server_frame(Opcode.TEXT, b"", final=False)
    stream += b"".join(
        server_frame(Opcode.CONTINUATION, bytes((byte,)), final=False) for byte in b"slow"
    )
    stream += server_frame(Opcode.CONTINUATION, b"")
    assert FrameDecoder().feed(stream) == [(Opcode.TEXT, b"slow")]


@pytest.mark.parametrize("control", [Opcode.PING, Opcode.PONG, Opcode.CLOSE])
def test_control_frame_between_fragments_comes_out_first(control: Opcode) -> None:
    stream = server_frame(Opcode.TEXT, b"be", final=False)
    stream += server_frame(control, b"now")
    stream += server_frame(Opcode.CONTINUATION, b"fore")
    assert [(control, b"now"), (Opcode.TEXT, b"before")] == FrameDecoder().feed(stream)


def test_message_after_a_fragmented_one_has_its_own_opcode() -> None:
    stream = server_frame(Opcode.BINARY, b"a", final=False)
    stream += server_frame(Opcode.CONTINUATION, b"b") + server_frame(Opcode.TEXT, b"c")
    stream += server_frame(Opcode.TEXT, b"d", final=False)
    stream += server_frame(Opcode.CONTINUATION, b"e")
    assert FrameDecoder().feed(stream) == [(2, b"ab"), (1, b"c"), (1, b"de")]


# --- what is forbidden

FORBIDDEN = {
    "a masked frame from a server": (encode(Opcode.TEXT, b"no", MASK), "must not mask"),
    "an empty masked frame": (b"\x81\x80", "must not mask"),
    "reserved bit 1": (b"\xc1\x00", "reserved bits"),
    "reserved bit 2": (b"\xa1\x00", "reserved bits"),
    "reserved bit 3": (b"\x91\x00", "reserved bits"),
    "reserved bit on a control frame": (b"\xc9\x00", "reserved bits"),
    "an unknown data opcode": (b"\x83\x00", "unknown opcode 0x3"),
    "an unknown control opcode": (b"\x8b\x00", "unknown opcode 0xb"),
    "a fragmented ping": (b"\x09\x00", "control frame"),
    "a fragmented close": (b"\x08\x00", "control frame"),
    "a ping of 126 bytes": (server_frame(Opcode.PING, b"p" * 126), "control frame"),
    "a long ping before its payload": (b"\x89\x7e\x00\x7e", "control frame"),
    "a continuation of nothing": (server_frame(Opcode.CONTINUATION, b"?"), "without a beginning"),
    "an unfinished continuation of nothing": (b"\x00\x00", "without a beginning"),
    "a continuation after the end": (
        server_frame(Opcode.TEXT, b"a", final=False)
        + server_frame(Opcode.CONTINUATION, b"b")
        + server_frame(Opcode.CONTINUATION, b"c"),
        "without a beginning",
    ),
    "a new message inside another": (
        server_frame(Opcode.TEXT, b"a", final=False) + server_frame(Opcode.TEXT, b"b"),
        "before the last one was complete",
    ),
    "a new message inside one that began empty": (
        server_frame(Opcode.TEXT, b"", final=False) + server_frame(Opcode.TEXT, b"b"),
        "before the last one was complete",
    ),
    "a length with its highest bit set": (b"\x82\x7f" + b"\xff" * 8, "at most"),
}


@pytest.mark.parametrize(("stream", "words"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_the_rfc_forbids_is_a_protocol_error(stream: bytes, words: str) -> None:
    decoder = FrameDecoder()
    with suppress(ProtocolError):  # what came whole before the violation is given first
        decoder.feed(stream)
    assert re.search(words, str(decoder.broken))


def test_frames_before_a_violation_are_given_and_the_decoder_is_broken_then() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(server_frame(1, b"whole") + b"\xff\xff") == [(1, b"whole")]
    assert "must not mask" in str(decoder.broken)
    with pytest.raises(ProtocolError, match="must not mask"):
        decoder.feed(server_frame(1, b"after it"))


@pytest.mark.parametrize(("stream", "words"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_forbidden_bytes_are_forbidden_one_by_one_too(stream: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decoded([stream[index : index + 1] for index in range(len(stream))])


def test_message_of_the_longest_length_is_allowed_and_one_byte_more_is_not() -> None:
    assert FrameDecoder(longest=10).feed(server_frame(1, b"x" * 10)) == [(1, b"x" * 10)]
    with pytest.raises(ProtocolError, match="11 bytes or more; this client takes 10 at most"):
        FrameDecoder(longest=10).feed(server_frame(1, b"x" * 11))


def test_too_long_message_is_refused_before_it_is_buffered() -> None:
    head = server_frame(Opcode.TEXT, b"x" * 200)[:4]
    with pytest.raises(ProtocolError, match="takes 100 at most"):
        FrameDecoder(longest=100).feed(head)


def test_fragments_count_together_towards_the_longest_length() -> None:
    decoder = FrameDecoder(longest=10)
    assert decoder.feed(server_frame(Opcode.TEXT, b"x" * 6, final=False)) == []
    with pytest.raises(ProtocolError, match="12 bytes or more"):
        decoder.feed(server_frame(Opcode.CONTINUATION, b"x" * 6))


def test_each_message_has_the_longest_length_to_itself() -> None:
    decoder = FrameDecoder(longest=10)
    for _ in range(3):
        stream = server_frame(Opcode.TEXT, b"x" * 6, final=False)
        stream += server_frame(Opcode.CONTINUATION, b"x" * 4)
        assert decoder.feed(stream) == [(1, b"x" * 10)]


# --- any stream, any cut

payloads = st.binary(max_size=300) | st.sampled_from([b"m" * 125, b"n" * 126, b"o" * 65536])
control_frames = st.tuples(
    st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)
).map(lambda frame: [(frame, server_frame(*frame))])


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[Frame | None, bytes]]:
    """One data message in fragments, with control frames between them: (what comes out, bytes)."""
    opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
    parts = draw(st.lists(payloads, min_size=1, max_size=3))
    result: list[tuple[Frame | None, bytes]] = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        kind = opcode if index == 0 else Opcode.CONTINUATION
        whole = (opcode, b"".join(parts)) if last else None
        result.append((whole, server_frame(kind, part, final=last)))
        if not last and draw(st.booleans()):
            result += draw(control_frames)
    return result


@given(
    st.lists(messages() | control_frames, max_size=4).map(lambda lists: list(chain(*lists))),
    st.lists(st.integers(min_value=0), max_size=8),
)
def test_any_cut_of_any_valid_stream_gives_the_same_frames(
    stream: list[tuple[Frame | None, bytes]], places: list[int]
) -> None:
    expected = [frame for frame, _ in stream if frame is not None]
    assert expected == decoded(cut(b"".join(data for _, data in stream), places))


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_garbage_gives_frames_or_a_protocol_error_and_nothing_else(pieces: list[bytes]) -> None:
    try:
        frames = decoded(pieces)
    except ProtocolError:
        return
    assert all(opcode in (1, 2, 8, 9, 10) and type(payload) is bytes for opcode, payload in frames)


# --- an independent implementation: wsproto


def wsproto_heard(data: bytes) -> list[Event]:
    server = Connection(ConnectionType.SERVER)
    server.receive_data(data)
    return list(server.events())


@pytest.mark.parametrize("length", LENGTHS)
def test_wsproto_reads_our_frames_of_every_length(length: int) -> None:
    frame = encode(Opcode.BINARY, b"z" * length, MASK)
    heard: list[Any] = wsproto_heard(frame)
    assert b"z" * length == b"".join(bytes(each.data) for each in heard)
    assert heard[-1].message_finished


@given(st.text(max_size=300), st.binary(max_size=125), st.binary(min_size=4, max_size=4))
def test_wsproto_reads_our_frames(text: str, payload: bytes, mask: bytes) -> None:
    stream = encode(Opcode.TEXT, text.encode(), mask)
    stream += encode(Opcode.PING, payload, mask) + encode(Opcode.PONG, payload, mask)
    stream += encode(Opcode.BINARY, payload, mask)
    stream += encode(Opcode.CLOSE, (1000).to_bytes(2, "big"), mask)
    assert [
        TextMessage(text),
        Ping(payload),
        Pong(payload),
        BytesMessage(payload),
        CloseConnection(1000, ""),
    ] == wsproto_heard(stream)


@given(
    st.lists(st.text(max_size=200) | st.sampled_from(["w" * 126, "w" * 65536]), max_size=4),
    st.binary(max_size=125),
    st.lists(st.integers(min_value=0), max_size=6),
)
def test_we_read_what_wsproto_sends(texts: list[str], payload: bytes, places: list[int]) -> None:
    server = Connection(ConnectionType.SERVER)
    stream = b"".join(server.send(TextMessage(text, message_finished=False)) for text in texts)
    stream += server.send(Ping(payload)) + server.send(TextMessage("end"))
    stream += server.send(BytesMessage(payload)) + server.send(CloseConnection(1001, "bye"))
    expected = [
        (Opcode.PING, payload),
        (Opcode.TEXT, "".join([*texts, "end"]).encode()),
        (Opcode.BINARY, payload),
        (Opcode.CLOSE, b"\x03\xe9bye"),
    ]
    assert expected == decoded(cut(stream, places))
