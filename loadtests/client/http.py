"""HTTP/1.1 as a long-polling client needs it, without a socket.

Responses are read by Content-Length or by chunks (RFC 9112, sections 6 and 7), and are unzipped
where the server compressed them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, Protocol

from loadtests.client.codings import unpacked
from loadtests.client.errors import ProtocolError
from loadtests.client.limits import LONGEST, too_long

_LONGEST_HEAD = 64 * 1024
#: What a server of TLS answers to what is none (RFC 8446, section 5.1).
_TLS_ALERT = b"\x15\x03"
#: These have no body, whatever their headers say (RFC 9112, section 6.3).
_BODILESS = frozenset({204, 304})


class Response(NamedTuple):
    """A complete response.

    Attributes:
        status: e.g. 200.
        body: decoded from its transfer and content codings.
        keep_alive: whether the connection can carry another request.
        location: where a redirection points to.
        cookies: values of its Set-Cookie headers.
        coding: the content coding of its body.
    """

    status: int
    body: bytes
    keep_alive: bool
    location: bytes = b""
    cookies: tuple[bytes, ...] = ()
    coding: bytes = b"identity"


class ResponseDecoder:
    """Bytes of one connection in, responses out, however the bytes were cut."""

    __slots__ = ("_body", "_buffer", "_head")

    def __init__(self) -> None:
        self._buffer = b""
        self._head = _NO_HEAD
        self._body: _Body | None = None  # of a response whose head has been read

    @property
    def empty(self) -> bool:
        """Whether nothing of a further response has arrived."""
        return not self._buffer and self._body is None

    def feed(self, data: bytes) -> Response | None:
        """Take bytes; give the response once it is complete.

        Raises:
            ProtocolError: this is not HTTP/1.x, or has more than was asked for.
        """
        if self._body is None:
            buffer = self._buffer + data if self._buffer else data
            head_end = buffer.find(b"\r\n\r\n")
            if head_end < 0:
                if len(buffer) > _LONGEST_HEAD or not buffer.startswith(b"HTTP/1."[: len(buffer)]):
                    raise _not_http(buffer)
                self._buffer = buffer
                return None
            self._buffer = b""
            head = self._head = decode_head(buffer[:head_end])
            data = buffer[head_end + 4 :]
            if len(data) == head.plain_size:  # nearly every response: in one read, and not packed
                location = head.headers.get(b"location", b"")
                return Response(head.status, data, head.keep_alive, location, head.cookies)
            self._body = _body_of(head)
        whole = self._body.feed(data)
        if whole is None:
            return None
        body, behind = whole
        if behind:
            raise ProtocolError("bytes after the response")
        self._body = None
        return _response(self._head, body)

    def end(self) -> Response | None:
        """The response that the end of the connection completes, if there is one.

        A body without a stated length ends with its connection (RFC 9112, section 6.3): no
        Socket.IO server sends one, but what stands in front of it may, to say what is wrong.

        Raises:
            ProtocolError: its content coding is broken.
        """
        if not isinstance(self._body, _UntilTheEnd):
            return None
        body, self._body = b"".join(self._body.parts), None
        return _response(self._head, body)._replace(keep_alive=False)


def _not_http(begun: bytes) -> ProtocolError:
    if begun.startswith(_TLS_ALERT):
        return ProtocolError("not an HTTP response but one of TLS: https:// or wss://?")
    return ProtocolError(f"not an HTTP response: {begun[:60]!r}")


class Head(NamedTuple):
    """Of a response.

    Attributes:
        status: e.g. 200.
        headers: by their names in lower case; of those that are there twice, the last.
        keep_alive, cookies: see Response.
        plain_size: of a body of a stated length without a coding; None for all others.
    """

    status: int
    headers: dict[bytes, bytes]
    keep_alive: bool
    cookies: tuple[bytes, ...]
    plain_size: int | None = None


_NO_HEAD = Head(0, {}, False, ())


class _Body(Protocol):
    """The body of one response; what has come of it is put together once, when it is whole."""

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """The body, once it is complete, and what came behind it."""


class _Sized:
    """A body of a stated length."""

    __slots__ = ("_left", "_parts", "_size")

    def __init__(self, size: int) -> None:
        self._size = self._left = size
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        self._parts.append(data)
        self._left -= len(data)
        if self._left > 0:
            return None
        whole = b"".join(self._parts)
        return whole[: self._size], whole[self._size :]


class _Chunked:
    """A body in chunks (RFC 9112, section 7.1)."""

    __slots__ = ("_length", "_needed", "_parts", "_total", "_waiting")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._total = 0
        # What has arrived of an incomplete chunk, and how much of it there has to be.
        self._waiting: list[bytes] = []
        self._length = 0
        self._needed = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        self._waiting.append(data)
        self._length += len(data)
        if self._length < self._needed:
            return None
        buffer = b"".join(self._waiting)
        position = 0
        while True:
            line_end = buffer.find(b"\r\n", position)
            if line_end < 0:
                if len(buffer) - position > _LONGEST_HEAD:
                    raise ProtocolError(f"not a length: {buffer[position:][:40]!r}")
                self._wait(buffer[position:], 0)
                return None
            size = _length(buffer[position:line_end].partition(b";")[0], 16)
            if size == 0:
                # The empty line after the trailer; the last chunk's own line end begins it.
                trailer_end = buffer.find(b"\r\n\r\n", line_end)
                if trailer_end < 0:
                    if len(buffer) - position > _LONGEST_HEAD:
                        raise ProtocolError("a trailer without an end")
                    self._wait(buffer[position:], 0)
                    return None
                return b"".join(self._parts), buffer[trailer_end + 4 :]
            if self._total + size > LONGEST:
                raise too_long("a response", self._total + size)
            begin = line_end + 2
            end = begin + size
            if len(buffer) < end + 2:
                self._wait(buffer[position:], end + 2 - position)
                return None
            if buffer[end : end + 2] != b"\r\n":
                raise ProtocolError("a chunk is longer than its size")
            self._parts.append(buffer[begin:end])
            self._total += size
            position = end + 2

    def _wait(self, rest: bytes, needed: int) -> None:
        self._waiting, self._length, self._needed = [rest], len(rest), needed


class _UntilTheEnd:
    """A body that ends with its connection."""

    __slots__ = ("_length", "parts")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> None:
        self.parts.append(data)
        self._length += len(data)
        if self._length > LONGEST:
            raise too_long("a response", self._length)


def _body_of(head: Head) -> _Body:
    if head.status in _BODILESS:
        return _Sized(0)
    coding = head.headers.get(b"transfer-encoding", b"").lower()
    if coding == b"chunked":
        return _Chunked()
    length = head.headers.get(b"content-length")
    if coding or length is None:
        return _UntilTheEnd()
    size = _length(length)
    if size > LONGEST:
        raise too_long("a response", size)
    return _Sized(size)


def _response(head: Head, body: bytes) -> Response:
    coding = head.headers.get(b"content-encoding", b"identity").lower()
    plain = unpacked(body, coding)
    location = head.headers.get(b"location", b"")
    return Response(head.status, plain, head.keep_alive, location, head.cookies, coding)


# A server's heads are the same until its clock's next second, and reading one is most of what a
# response costs. Nobody changes the dictionary.
@lru_cache(maxsize=256)
def decode_head(head: bytes) -> Head:
    """The status line and headers, without the empty line behind them.

    Raises:
        ProtocolError: this is not HTTP/1.x.
    """
    first, *rest = head.split(b"\r\n")
    version, _, tail = first.partition(b" ")
    status = tail.partition(b" ")[0]
    if not version.startswith(b"HTTP/1.") or not (len(status) == 3 and status.isdigit()):
        raise _not_http(first)
    headers = {}
    cookies = []
    for line in rest:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ProtocolError(f"not a header line: {line[:60]!r}")
        name, value = name.lower(), value.strip()
        if name == b"set-cookie":  # the only one that cannot be joined (RFC 9110, section 5.3)
            cookies.append(value)
        headers[name] = value
    tokens = {token.strip() for token in headers.get(b"connection", b"").lower().split(b",")}
    keep_alive = b"close" not in tokens and (version != b"HTTP/1.0" or b"keep-alive" in tokens)
    coded = headers.keys() & {b"transfer-encoding", b"content-encoding"}
    length = headers.get(b"content-length")
    plain = length is not None and not coded and int(status) not in _BODILESS
    return Head(
        int(status),
        headers,
        keep_alive,
        tuple(cookies),
        _length(length) if plain and length is not None else None,
    )


@lru_cache(maxsize=1024)
def _length(text: bytes, base: int = 10) -> int:
    text = text.strip()
    digits = b"0123456789abcdefABCDEF"[: 10 if base == 10 else None]
    try:
        value = int(text, base) if text and not text.strip(digits) else -1
    except ValueError:
        value = -1
    if value < 0:
        raise ProtocolError(f"not a length: {text[:40]!r}")
    return value
