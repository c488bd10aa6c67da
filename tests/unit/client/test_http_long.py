"""Responses that are long: put together once, without a clock to prove it, and never too long."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd

from loadtests.client.errors import ProtocolError
from loadtests.client.http import ResponseDecoder
from loadtests.client.limits import LONGEST
from tests.unit.client.responses import chunked, read, response

PIECE = 64 * 1024
LONG = 15 * 1024 * 1024


def pieces(data: bytes) -> list[bytes]:
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def in_chunks(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("wire", "held"),
    [
        (response(bytes(LONG)), "_parts"),
        (chunked(in_chunks(bytes(LONG), LONG)), "_waiting"),
        (response(bytes(LONG), length=False), "parts"),
    ],
    ids=["by its length", "in one chunk", "until the end"],
)
def test_long_body_is_put_together_once_and_not_at_each_read(wire: bytes, held: str) -> None:
    decoder = ResponseDecoder()
    first, *rest = pieces(wire)
    assert decoder.feed(first) is None
    body: Any = decoder._body
    begun = getattr(body, held)[0]
    found = None
    for number, piece in enumerate(rest, start=2):
        found = decoder.feed(piece)
        if number <= len(rest):
            assert found is None
            assert len(getattr(body, held)) == number
            assert getattr(body, held)[0] is begun
            assert getattr(body, held)[-1] is piece
    whole = found or decoder.end()
    assert whole is not None
    assert whole.body == bytes(LONG)


@pytest.mark.parametrize("size", [100, 5_000, 1_000_000])
def test_body_in_many_chunks_is_put_together_once(size: int) -> None:
    decoder = ResponseDecoder()
    *most, last = pieces(chunked(in_chunks(bytes(LONG // 5), size)))
    before: list[int] = []
    for piece in most:
        assert decoder.feed(piece) is None
        body: Any = decoder._body
        assert [id(part) for part in body._parts[: len(before)]] == before
        assert sum(map(len, body._waiting)) < size + PIECE
        before = [id(part) for part in body._parts]
    found = decoder.feed(last)
    assert found is not None
    assert found.body == bytes(LONG // 5)


# --- too long


def test_chunks_count_together_towards_the_longest_length() -> None:
    decoder = ResponseDecoder()
    half = b"%x\r\n%s\r\n" % (LONGEST // 2, bytes(LONGEST // 2))
    assert decoder.feed(chunked(half + half)) is None
    with pytest.raises(ProtocolError, match=f"of {LONGEST + 1} bytes or more; this client takes"):
        decoder.feed(b"1\r\n")


@pytest.mark.parametrize(
    "wire",
    [b"0\r\n", b"0\r\nTrailer: ", b"5;"],
    ids=["trailer of lines", "trailer of one line", "extension of a chunk"],
)
def test_what_stands_around_chunks_is_not_gathered_for_ever(wire: bytes) -> None:
    decoder = ResponseDecoder()
    assert decoder.feed(chunked(wire)) is None
    line = b"X: y\r\n" if wire.endswith(b"\n") else b"x" * 6
    for _ in range(10):
        assert decoder.feed(line * 1000) is None
    with pytest.raises(ProtocolError, match=r"trailer without an end|not a length"):
        decoder.feed(line * 1000)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_response_that_unzips_to_the_longest_length_is_allowed_and_one_byte_more_is_not(
    pack: Callable[[bytes], bytes],
) -> None:
    coding = f"Content-Encoding: {'gzip' if pack is gzip.compress else 'deflate'}"
    found = read(response(pack(bytes(LONGEST)), coding))
    assert found is not None
    assert len(found.body) == LONGEST
    with pytest.raises(ProtocolError, match=f"of {LONGEST + 1} bytes or more"):
        read(response(pack(bytes(LONGEST + 1)), coding))


def test_coding_that_nobody_here_reads_is_told_by_its_name() -> None:
    with pytest.raises(ProtocolError, match="compress': this client reads gzip, deflate, br, zstd"):
        read(response(b"x", "Content-Encoding: compress"))


PACKERS = {"br": brotli.compress, "zstd": zstd.compress}


@pytest.mark.parametrize("coding", PACKERS)
def test_codings_of_proxies_are_read_and_bounded(coding: str) -> None:
    pack = PACKERS[coding]
    found = read(response(pack(b"plain" * 1000), f"Content-Encoding: {coding}"))
    assert found is not None
    assert found.body == b"plain" * 1000
    with pytest.raises(ProtocolError, match="or more"):
        read(response(pack(bytes(64 * 1024 * 1024)), f"Content-Encoding: {coding}"))
    with pytest.raises(ProtocolError, match=f"broken {coding} body"):
        read(response(pack(b"plain" * 1000)[:-3], f"Content-Encoding: {coding}"))
    with pytest.raises(ProtocolError, match=f"broken {coding} body"):
        read(response(b"no such thing", f"Content-Encoding: {coding}"))


def test_every_cookie_that_is_set_is_told() -> None:
    found = read(response(b"", "Set-Cookie: a=1; Path=/", "X: y", "set-cookie: b=2"))
    assert found is not None
    assert found.cookies == (b"a=1; Path=/", b"b=2")
