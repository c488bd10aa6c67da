"""HTTP/1.1 as a long-polling client needs it, without a socket.

Responses are read by Content-Length or by chunks (RFC 9112, sections 6 and 7), and are unzipped
where the server compressed them.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import NamedTuple

from loadtests.client.errors import ProtocolError

_LONGEST_HEAD = 64 * 1024
#: As of a WebSocket message; a session has no use for a longer response.
_LONGEST_BODY = 16 * 1024 * 1024
#: These have no body, whatever their headers say (RFC 9112, section 6.3).
_BODILESS = frozenset({204, 304})


class Response(NamedTuple):
    """A complete response.

    Attributes:
        status: e.g. 200.
        body: decoded from its transfer and content codings.
        keep_alive: whether the connection can carry another request.
        location: where a redirection points to.
    """

    status: int
    body: bytes
    keep_alive: bool
    location: bytes = b""

    @property
    def words(self) -> str:
        """What to tell of it when it is a refusal."""
        said = self.body[:200].decode(errors="replace")
        where = f" to {self.location[:200].decode(errors='replace')}" if self.location else ""
        return f"{self.status}{where}: {said}"


class ResponseDecoder:
    """Bytes of one connection in, responses out, however the bytes were cut."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def empty(self) -> bool:
        """Whether nothing of a further response has arrived."""
        return not self._buffer

    def feed(self, data: bytes) -> Response | None:
        """Take bytes; give the response once it is complete.

        Raises:
            ProtocolError: this is not HTTP/1.x, or has more than was asked for.
        """
        self._buffer = self._buffer + data if self._buffer else data
        buffer = self._buffer
        head_end = buffer.find(b"\r\n\r\n")
        if head_end < 0:
            if len(buffer) > _LONGEST_HEAD or not buffer.startswith(b"HTTP/1."[: len(buffer)]):
                raise ProtocolError(f"not an HTTP response: {buffer[:60]!r}")
            return None
        status, headers, keep_alive = _decode_head(buffer[:head_end])
        start = head_end + 4
        if len(buffer) - start > 2 * _LONGEST_BODY:  # chunks have their own heads
            raise _too_long(len(buffer) - start)
        coding = headers.get(b"transfer-encoding", b"").lower()
        if status in _BODILESS:
            body, end = b"", start
        elif not coding and (length := headers.get(b"content-length")) is not None:
            end = start + _length(length)
            if end - start > _LONGEST_BODY:
                raise _too_long(end - start)
            if len(buffer) < end:
                return None
            body = buffer[start:end]
        elif coding == b"chunked":
            unchunked = _unchunk(buffer, start)
            if unchunked is None:
                return None
            body, end = unchunked
        else:
            return None  # it ends with its connection: see `end`
        if len(buffer) > end:
            raise ProtocolError(f"bytes after the response: {buffer[end:][:60]!r}")
        self._buffer = b""
        return _response(status, body, headers, keep_alive)

    def end(self) -> Response | None:
        """The response that the end of the connection completes, if there is one.

        A body without a stated length ends with its connection (RFC 9112, section 6.3): no
        Socket.IO server sends one, but what stands in front of it may, to say what is wrong.

        Raises:
            ProtocolError: its content coding is broken.
        """
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        status, headers, _ = _decode_head(head)
        if b"transfer-encoding" in headers or b"content-length" in headers:
            return None
        self._buffer = b""
        return _response(status, body, headers, keep_alive=False)


def _response(status: int, body: bytes, headers: dict[bytes, bytes], keep_alive: bool) -> Response:
    plain = _unzip(body, headers.get(b"content-encoding"))
    return Response(status, plain, keep_alive, headers.get(b"location", b""))


# A server's heads are the same until its clock's next second, and reading one is most of what a
# response costs. Nobody changes the dictionary.
@lru_cache(maxsize=256)
def _decode_head(head: bytes) -> tuple[int, dict[bytes, bytes], bool]:
    first, *rest = head.split(b"\r\n")
    version, _, tail = first.partition(b" ")
    status = tail.partition(b" ")[0]
    if not version.startswith(b"HTTP/1.") or not (len(status) == 3 and status.isdigit()):
        raise ProtocolError(f"not an HTTP response: {first[:60]!r}")
    headers = {}
    for line in rest:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ProtocolError(f"not a header line: {line[:60]!r}")
        headers[name.lower()] = value.strip()
    tokens = {token.strip() for token in headers.get(b"connection", b"").lower().split(b",")}
    keep_alive = b"close" not in tokens and (version != b"HTTP/1.0" or b"keep-alive" in tokens)
    return int(status), headers, keep_alive


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


def _unchunk(buffer: bytes, position: int) -> tuple[bytes, int] | None:
    """The body and where it ends; None while it is incomplete. RFC 9112, section 7.1."""
    parts: list[bytes] = []
    while True:
        line_end = buffer.find(b"\r\n", position)
        if line_end < 0:
            return None
        size = _length(buffer[position:line_end].partition(b";")[0], 16)
        position = line_end + 2
        if size == 0:
            # The empty line after the trailer; the last chunk's own line end begins it.
            trailer_end = buffer.find(b"\r\n\r\n", line_end)
            return (b"".join(parts), trailer_end + 4) if trailer_end >= 0 else None
        if len(buffer) < position + size + 2:
            return None
        if buffer[position + size : position + size + 2] != b"\r\n":
            raise ProtocolError("a chunk is longer than its size")
        parts.append(buffer[position : position + size])
        position += size + 2


def _unzip(body: bytes, coding: bytes | None) -> bytes:
    coding = coding and coding.lower()
    if coding is None or coding == b"identity":
        return body
    window = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}.get(coding)
    if window is None:
        raise ProtocolError(f"content coding {coding[:40]!r} was not asked for")
    unzipper = zlib.decompressobj(window)
    try:
        plain = unzipper.decompress(body, _LONGEST_BODY)
    except zlib.error as error:
        raise ProtocolError(f"broken {coding.decode()} body: {error}") from error
    if unzipper.unconsumed_tail:
        raise _too_long(len(plain) + 1)
    if not unzipper.eof:
        raise ProtocolError(f"broken {coding.decode()} body: it ends in the middle")
    return plain


def _too_long(length: int) -> ProtocolError:
    return ProtocolError(f"response of {length} bytes or more; at most {_LONGEST_BODY} are allowed")
