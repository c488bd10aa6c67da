"""HTTP responses as a long-polling client meets them: whole, cut, glued and broken."""

from __future__ import annotations

import gzip
import re
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.http import Response, ResponseDecoder
from tests.unit.client.responses import chunked, read, read_in_pieces, response

# --- bodies

BODIES = {
    "by its length": (response(b"hello"), b"hello"),
    "empty": (response(b""), b""),
    "with what looks like a head": (response(b"\r\n\r\nHTTP/1.1"), b"\r\n\r\nHTTP/1.1"),
    "with a header in another case": (
        response(b"", "CONTENT-LENGTH:2", length=False) + b"ok",
        b"ok",
    ),
    "in one chunk": (chunked(b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "in several chunks": (chunked(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), b"hello"),
    "in no chunk": (chunked(b"0\r\n\r\n"), b""),
    "in a chunk with a hexadecimal size": (
        chunked(b"1A\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n"),
        b"x" * 26,
    ),
    "in a chunk with leading zeros": (chunked(b"005\r\nhello\r\n000\r\n\r\n"), b"hello"),
    "in chunks with extensions": (
        chunked(b'5;name=value;q="a b"\r\nhello\r\n0;last\r\n\r\n'),
        b"hello",
    ),
    "in a chunk that contains line ends": (chunked(b"4\r\na\r\nb\r\n0\r\n\r\n"), b"a\r\nb"),
    "in chunks with a trailer": (
        chunked(b"5\r\nhello\r\n0\r\nChecksum: 1\r\n\r\n"),
        b"hello",
    ),
    "in chunks with a trailer of two fields": (
        chunked(b"5\r\nhello\r\n0\r\nChecksum: 1\r\nSigned: no\r\n\r\n"),
        b"hello",
    ),
    "Chunked, spelled with a capital": (
        response(b"", "Transfer-Encoding: Chunked", length=False) + b"1\r\na\r\n0\r\n\r\n",
        b"a",
    ),
    "gzip": (response(gzip.compress(b"hello"), "Content-Encoding: gzip"), b"hello"),
    "GZIP, since codings have no case": (
        response(gzip.compress(b"hello"), "Content-Encoding: GZIP"),
        b"hello",
    ),
    "deflate": (response(zlib.compress(b"hello"), "Content-Encoding: deflate"), b"hello"),
    "identity": (response(b"hello", "Content-Encoding: identity"), b"hello"),
    "gzip in a chunk": (
        chunked(
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(b"hello")), gzip.compress(b"hello")),
            "Content-Encoding: gzip",
        ),
        b"hello",
    ),
    # RFC 9112, section 6.3: Transfer-Encoding overrides Content-Length.
    "in chunks, whatever the length says": (
        chunked(b"3\r\nabc\r\n0\r\n\r\n", "Content-Length: 4"),
        b"abc",
    ),
}


def whole(data: bytes, body: bytes) -> Response:
    """What a response with that body says, of which the coding it came in."""
    (coding,) = re.findall(rb"Content-Encoding: (\w+)", data) or [b"identity"]
    return Response(200, body, keep_alive=True, coding=coding.lower())


@pytest.mark.parametrize(("data", "body"), BODIES.values(), ids=BODIES.keys())
def test_body_is_decoded(data: bytes, body: bytes) -> None:
    assert whole(data, body) == read(data)


@pytest.mark.parametrize(("data", "body"), BODIES.values(), ids=BODIES.keys())
def test_body_is_the_same_however_its_bytes_were_cut(data: bytes, body: bytes) -> None:
    pieces = [data[index : index + 1] for index in range(len(data))]
    assert whole(data, body) == read_in_pieces(pieces)
    for place in range(1, len(data)):
        assert whole(data, body) == read_in_pieces([data[:place], data[place:]])


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.1 400 BAD REQUEST", 400),
        ("HTTP/1.0 503 Service Unavailable", 503),
        ("HTTP/1.1 200 ", 200),
        ("HTTP/1.1 200", 200),
    ],
)
def test_status_is_the_status_lines(first: str, status: int) -> None:
    found = read(response(b"why", first=first))
    assert found is not None
    assert (status, b"why") == found[:2]


@pytest.mark.parametrize(
    ("first", "headers", "keep_alive", "reason"),
    [
        ("HTTP/1.1 200 OK", (), True, "1.1 keeps by default"),
        ("HTTP/1.1 200 OK", ("Connection: close",), False, "1.1 says when it does not"),
        ("HTTP/1.1 200 OK", ("connection: Close",), False, "tokens have no case"),
        ("HTTP/1.1 200 OK", ("Connection: keep-alive",), True, "1.1 may say so"),
        ("HTTP/1.1 200 OK", ("Connection: close, TE",), False, "the header is a list"),
        ("HTTP/1.0 200 OK", (), False, "1.0 closes by default"),
        ("HTTP/1.0 200 OK", ("Connection: keep-alive",), True, "1.0 says when it keeps"),
        ("HTTP/1.0 200 OK", ("Connection: Keep-Alive",), True, "as it was spelled then"),
        ("HTTP/1.0 200 OK", ("Connection: close",), False, "1.0 may say so"),
    ],
)
def test_connection_is_kept_as_its_version_has_it(
    first: str, headers: tuple[str, ...], keep_alive: bool, reason: str
) -> None:
    found = read(response(b"", *headers, first=first))
    assert found is not None
    assert keep_alive == found.keep_alive, reason


# --- one response after another


def test_decoder_is_empty_before_and_after_a_response_and_not_in_between() -> None:
    decoder = ResponseDecoder()
    assert decoder.empty
    assert decoder.feed(b"HTTP/1.1 200 OK\r\n") is None
    assert not decoder.empty
    assert decoder.feed(b"Content-Length: 0\r\n\r\n") is not None
    assert decoder.empty


def test_decoder_reads_one_response_after_another() -> None:
    decoder = ResponseDecoder()
    bodies = []
    for body in (b"one", b"two", b"three"):
        found = decoder.feed(response(body))
        assert found is not None
        bodies.append(found.body)
    assert bodies == [b"one", b"two", b"three"]


@pytest.mark.parametrize("first", [response(b"one"), chunked(b"3\r\none\r\n0\r\n\r\n")])
def test_two_responses_glued_are_one_more_than_was_asked_for(first: bytes) -> None:
    with pytest.raises(ProtocolError, match="bytes after the response"):
        read(first + response(b"two"))


# --- what is no response

BROKEN = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "one wrong byte": b"X",
    "almost HTTP": b"HTTP/2 200\r\n\r\n",
    "a status that is no number": response(first="HTTP/1.1 abc OK"),
    "no status": response(first="HTTP/1.1"),
    "a status of two digits": response(first="HTTP/1.1 20"),
    "a status of four digits": response(first="HTTP/1.1 2000 OK"),
    "a header without a colon": response(b"", "Nonsense"),
    "a length that is no number": response(b"", "Content-Length: many", length=False),
    "a length below zero": response(b"", "Content-Length: -1", length=False),
    "no length after the colon": response(b"", "Content-Length:", length=False),
    "a length with an underscore": response(b"", "Content-Length: 1_0", length=False) + b"x" * 10,
    "a length with a sign": response(b"", "Content-Length: +1", length=False) + b"x",
    "a length of five thousand digits": response(
        b"", "Content-Length: " + "9" * 5000, length=False
    ),
    "a chunk size that is no number": chunked(b"five\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with a prefix": chunked(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size below zero": chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": chunked(b"3\r\nabcXX0\r\n\r\n"),
    "bytes after the last chunk": chunked(b"0\r\n\r\nmore"),
    "bytes after the body": response(b"") + b"more",
    "a broken gzip body": response(b"not gzip", "Content-Encoding: gzip"),
    "half a gzip body": response(gzip.compress(b"hello")[:-3], "Content-Encoding: gzip"),
    "a broken deflate body": response(b"not deflate", "Content-Encoding: deflate"),
    "a coding that was not asked for": response(b"hello", "Content-Encoding: br"),
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 7000,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_response_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data)


def test_protocol_error_quotes_what_came_and_not_all_of_it() -> None:
    with pytest.raises(ProtocolError) as caught:
        read(b"<html>" + b"x" * 100_000)
    assert "<html>" in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda body: chunked(body)))
def test_garbage_is_a_response_or_nothing_or_a_protocol_error(data: bytes) -> None:
    try:
        found = read(data)
    except ProtocolError:
        return
    assert found is None or 0 <= found.status <= 999


HEADER_LINES = st.sampled_from(
    [
        "Content-Length: 3",
        "Content-Length: x",
        "Transfer-Encoding: chunked",
        "Content-Encoding: gzip",
        "Content-Encoding: deflate",
        "Connection: close",
        "nonsense",
        ":",
    ]
)


@given(st.lists(HEADER_LINES, max_size=4), st.binary(max_size=20))
def test_odd_mixtures_of_headers_are_never_another_error(headers: list[str], rest: bytes) -> None:
    with suppress(ProtocolError):
        read(response(b"", *headers, length=False) + rest)


# --- the end of a connection, and what is too much


def test_body_without_a_length_ends_with_its_connection() -> None:
    decoder = ResponseDecoder()
    refusal = response(first="HTTP/1.1 502 Bad Gateway", length=False) + b"no such "
    assert decoder.feed(refusal) is None
    assert decoder.feed(b"backend") is None
    ended = decoder.end()
    assert ended is not None
    assert (ended.status, ended.body, ended.keep_alive) == (502, b"no such backend", False)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", response(b"half a body")[:-1]])
def test_connection_that_ends_too_early_completes_nothing(data: bytes) -> None:
    decoder = ResponseDecoder()
    decoder.feed(data)
    assert decoder.end() is None


def test_redirection_says_where_to() -> None:
    found = ResponseDecoder().feed(
        response(b"moved", "Location: https://elsewhere/", first="HTTP/1.1 302 Found")
    )
    assert found is not None
    assert (found.status, found.location) == (302, b"https://elsewhere/")


def test_response_that_says_it_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match="takes 16777216 at most, a limit of its own"):
        ResponseDecoder().feed(response(b"", "Content-Length: 99999999999", length=False))


def test_response_that_unzips_to_more_than_is_allowed_is_refused() -> None:
    bomb = zlib.compress(bytes(64 * 1024 * 1024))
    with pytest.raises(ProtocolError, match="takes 16777216 at most, a limit of its own"):
        ResponseDecoder().feed(response(bomb, "Content-Encoding: deflate"))


def test_body_without_an_end_is_not_gathered_for_ever() -> None:
    decoder = ResponseDecoder()
    decoder.feed(response(b"", length=False))
    mebibytes = 0
    with pytest.raises(ProtocolError, match="takes 16777216 at most, a limit of its own"):  # noqa: PT012
        while mebibytes < 40:
            mebibytes += 1
            decoder.feed(bytes(1024 * 1024))
    assert mebibytes > 16


@pytest.mark.parametrize("first", ["HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified"])
def test_status_that_has_no_body_needs_no_length(first: str) -> None:
    found = read(response(b"", length=False, first=first))
    assert found is not None
    assert found.body == b""


def test_answer_of_tls_is_told_with_what_would_work() -> None:
    with pytest.raises(ProtocolError, match=r"one of TLS: https:// or wss://\?"):
        ResponseDecoder().feed(b"\x15\x03\x01\0\x02\x02\x28")
