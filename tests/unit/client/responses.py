"""Responses as tests write them, cut them and read them."""

from __future__ import annotations

from itertools import pairwise

from loadtests.client.http import Response, ResponseDecoder


def response(
    body: bytes = b"",
    *headers: str,
    first: str = "HTTP/1.1 200 OK",
    length: bool = True,
) -> bytes:
    lines = [first, *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(wire: bytes, *headers: str) -> bytes:
    return response(b"", "Transfer-Encoding: chunked", *headers, length=False) + wire


def read(data: bytes) -> Response | None:
    return ResponseDecoder().feed(data)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % len(data) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def read_in_pieces(pieces: list[bytes]) -> Response | None:
    """The response, which must come with the last piece and not before."""
    decoder = ResponseDecoder()
    *first, last = pieces
    assert [None] * len(first) == [decoder.feed(piece) for piece in first]
    return decoder.feed(last)
