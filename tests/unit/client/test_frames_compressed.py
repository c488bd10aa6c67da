"""Frames that say that their message is compressed, and what a long message costs."""

from __future__ import annotations

import re
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.frames import COMPRESSED, FrameDecoder, Opcode, encode
from tests.unit.client.test_frames import MASK, cut, decoded, server_frame

TEXT = Opcode.TEXT | COMPRESSED
BINARY = Opcode.BINARY | COMPRESSED


def agreed() -> FrameDecoder:
    """A decoder of a connection on which compression was agreed on."""
    decoder = FrameDecoder()
    decoder.compressed = True
    return decoder


# --- where RSV1 may be


def test_frame_of_ours_says_that_it_is_compressed() -> None:
    plain = encode(Opcode.TEXT, b"x", MASK)
    assert encode(TEXT, b"x", MASK) == bytes((plain[0] | 0x40,)) + plain[1:]


@pytest.mark.parametrize("opcode", [TEXT, BINARY, Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 126, b"x" * 70_000])
def test_each_message_says_for_itself_whether_it_is_compressed(opcode: int, payload: bytes) -> None:
    assert agreed().feed(server_frame(opcode, payload) * 2) == [(opcode, payload)] * 2


@given(
    st.sampled_from([TEXT, BINARY]),
    st.lists(st.binary(max_size=140), min_size=1, max_size=4),
    st.lists(st.integers(min_value=0), max_size=6),
)
def test_only_the_first_fragment_says_it_and_control_frames_come_between(
    opcode: int, parts: list[bytes], places: list[int]
) -> None:
    stream = b""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        kind = opcode if index == 0 else Opcode.CONTINUATION
        stream += server_frame(kind, part, final=last)
        stream += b"" if last else server_frame(Opcode.PING, b"between")
    pings = [(int(Opcode.PING), b"between")] * (len(parts) - 1)
    expected = [*pings, (opcode, b"".join(parts))]
    assert decoded(cut(stream, places), agreed()) == expected


FORBIDDEN = {
    "a continuation that says so": (
        server_frame(TEXT, b"a", final=False)
        + server_frame(Opcode.CONTINUATION | COMPRESSED, b"b"),
        "reserved bits set in frame head 0xc0$",
    ),
    "a ping that says so": (server_frame(Opcode.PING | COMPRESSED, b""), "reserved bits.*0xc9$"),
    "a close that says so": (server_frame(Opcode.CLOSE | COMPRESSED, b""), "reserved bits.*0xc8$"),
    "a bit beside it": (b"\xe1\x00", "reserved bits.*0xe1$"),
    "another bit beside it": (b"\xd1\x00", "reserved bits.*0xd1$"),
    "an unknown opcode that says so": (b"\xc3\x00", "reserved bits"),
    "a new message inside a compressed one": (
        server_frame(TEXT, b"", final=False) + server_frame(TEXT, b"b"),
        "before the last one was complete",
    ),
    "a plain message inside a compressed one": (
        server_frame(TEXT, b"", final=False) + server_frame(Opcode.TEXT, b"b"),
        "before the last one was complete",
    ),
}


@pytest.mark.parametrize(("stream", "words"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_the_rfc_forbids_is_a_protocol_error_where_compression_was_agreed_on(
    stream: bytes, words: str
) -> None:
    decoder = agreed()
    with suppress(ProtocolError):
        decoder.feed(stream)
    assert re.search(words, str(decoder.broken))


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_compressed_message_that_nobody_agreed_on_is_a_protocol_error(opcode: int) -> None:
    with pytest.raises(ProtocolError, match=r"reserved bits set.*; no extension was agreed on"):
        FrameDecoder().feed(server_frame(opcode, b"x"))


# --- what a long message costs, without a clock: what has arrived stays as it is until all has

PIECE = 64 * 1024
LONG = 15 * 1024 * 1024


def pieces(data: bytes) -> list[bytes]:
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def test_long_message_is_put_together_once_and_not_at_each_read() -> None:
    decoder = FrameDecoder()
    payload = bytes(LONG)
    first, *between, last = pieces(server_frame(Opcode.BINARY, payload))
    assert decoder.feed(first) == []
    [begun] = decoder._chunks
    for number, piece in enumerate(between, start=1):
        assert decoder.feed(piece) == []
        assert len(decoder._chunks) == number + 1
        assert decoder._chunks[0] is begun
        assert decoder._chunks[-1] is piece
    assert decoder.feed(last) == [(Opcode.BINARY, payload)]
    assert (decoder._chunks, decoder.empty) == ([], True)


@pytest.mark.parametrize("length", [1_000, PIECE, 1_000_000])
def test_long_message_in_fragments_is_put_together_once(length: int) -> None:
    decoder = FrameDecoder()
    payload = bytes(LONG)
    parts = [payload[at : at + length] for at in range(0, LONG, length)]
    stream = b"".join(
        server_frame(Opcode.CONTINUATION if index else Opcode.TEXT, part, final=False)
        for index, part in enumerate(parts)
    )
    before: list[int] = []
    for piece in pieces(stream):
        assert decoder.feed(piece) == []
        # The fragments that are there are never touched again, and beside them waits one at most.
        assert [id(part) for part in decoder._parts[: len(before)]] == before
        assert sum(map(len, decoder._chunks)) < length + PIECE
        before = [id(part) for part in decoder._parts]
    assert decoder.feed(server_frame(Opcode.CONTINUATION, b"!")) == [(1, payload + b"!")]


def test_empty_fragments_without_end_fill_no_memory() -> None:
    decoder = FrameDecoder()
    decoder.feed(server_frame(Opcode.TEXT, b"", final=False))
    empty = server_frame(Opcode.CONTINUATION, b"", final=False) * 10_000
    for _ in range(10):
        assert decoder.feed(empty) == []
    assert sys.getsizeof(decoder._parts) < 1_000
    assert not decoder.empty
    assert decoder.feed(server_frame(Opcode.CONTINUATION, b"x")) == [(1, b"x")]
