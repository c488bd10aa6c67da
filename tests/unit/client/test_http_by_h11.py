"""HTTP responses that an independent implementation sends: h11's server side."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import h11
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.http import Response
from tests.unit.client.responses import cut, read, read_in_pieces

AS_HEADER: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


def sent_by_h11(
    bodies: list[bytes], headers: list[tuple[str, str]], trailer: list[tuple[str, str]]
) -> bytes:
    """What an h11 server sends for a response whose body it writes in these pieces."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert type(server.next_event()) is h11.Request
    assert type(server.next_event()) is h11.EndOfMessage
    parts = [server.send(h11.Response(status_code=200, headers=headers))]
    parts += [server.send(h11.Data(data=body)) for body in bodies]
    parts.append(server.send(h11.EndOfMessage(headers=trailer)))
    return b"".join(part for part in parts if part)


places = st.lists(st.integers(min_value=0), max_size=6)


@given(st.binary(max_size=300), places, st.booleans())
def test_we_read_what_h11_sends_by_length(body: bytes, cuts: list[int], close: bool) -> None:
    headers = [("Content-Length", str(len(body)))] + [("Connection", "close")] * close
    data = sent_by_h11([body], headers, [])
    pieces = [piece for piece in cut(data, cuts) if piece]
    assert Response(200, body, keep_alive=not close) == read_in_pieces(pieces)


@given(
    st.lists(st.binary(max_size=100), max_size=4),
    places,
    st.sampled_from([None, "gzip", "deflate"]),
)
def test_we_read_what_h11_sends_in_chunks(
    bodies: list[bytes], cuts: list[int], coding: str | None
) -> None:
    pieces, headers = bodies, []
    if coding is not None:
        packed = AS_HEADER[coding](b"".join(bodies))
        pieces, headers = [packed[:7], packed[7:]], [("Content-Encoding", coding)]
    data = sent_by_h11(pieces, headers, [])
    assert b"chunked" in data
    found = read_in_pieces([piece for piece in cut(data, cuts) if piece])
    expected = (coding or "identity").encode()
    assert Response(200, b"".join(bodies), keep_alive=True, coding=expected) == found


def test_we_read_a_trailer_that_h11_sends() -> None:
    data = sent_by_h11([b"hello"], [("Trailer", "Checksum")], [("Checksum", "1")])
    assert Response(200, b"hello", keep_alive=True) == read(data)
