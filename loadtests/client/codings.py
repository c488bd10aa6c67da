"""Bodies of responses, unpacked: every content coding that a browser announces (RFC 9110, 8.4).

python-engineio knows gzip and deflate; what stands in front of it may prefer another.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from loadtests.client.errors import ProtocolError
from loadtests.client.limits import LONGEST, too_long

#: Given the packed body; the plain one, of no more than LONGEST bytes and one, and whether it was
#: all there.
_Unpacker = Callable[[bytes], tuple[bytes, bool]]


def unpacked(body: bytes, coding: bytes | None) -> bytes:
    """A body without its content coding.

    Raises:
        ProtocolError: it is broken or longer than allowed, or of a coding nobody asked for.
    """
    coding = coding and coding.lower()
    if coding is None or coding == b"identity":
        return body
    unpack = _UNPACKERS.get(coding)
    if unpack is None:
        known = ", ".join(each.decode() for each in _UNPACKERS)
        raise ProtocolError(f"content coding {coding[:40]!r}: this client reads {known}")
    try:
        plain, whole = unpack(body)
    except Exception as error:  # each library has its own
        raise ProtocolError(f"broken {coding.decode()} body: {error}") from error
    if len(plain) > LONGEST:
        raise too_long(f"a response ({len(body)} compressed bytes)", len(plain))
    if not whole:
        raise ProtocolError(f"broken {coding.decode()} body: it ends in the middle")
    return plain


def _zlib(window: int) -> _Unpacker:
    def unpack(body: bytes) -> tuple[bytes, bool]:
        unpacker = zlib.decompressobj(window)
        plain = unpacker.decompress(body, LONGEST + 1)
        return plain, unpacker.eof

    return unpack


# The two others are loaded by those who meet them: most servers know neither.


def _brotli(body: bytes) -> tuple[bytes, bool]:
    import brotli  # type: ignore[import-not-found,import-untyped,unused-ignore]

    unpacker = brotli.Decompressor()
    plain = bytearray(unpacker.process(body, output_buffer_limit=LONGEST + 1))
    while len(plain) <= LONGEST and not unpacker.can_accept_more_data():
        plain += unpacker.process(b"", output_buffer_limit=LONGEST + 1 - len(plain))
    return bytes(plain), unpacker.is_finished()


def _zstd(body: bytes) -> tuple[bytes, bool]:
    from backports.zstd import ZstdDecompressor

    unpacker = ZstdDecompressor()
    plain = unpacker.decompress(body, LONGEST + 1)
    return plain, unpacker.eof


_UNPACKERS: dict[bytes, _Unpacker] = {
    b"gzip": _zlib(16 + zlib.MAX_WBITS),
    b"deflate": _zlib(zlib.MAX_WBITS),
    b"br": _brotli,
    b"zstd": _zstd,
}
