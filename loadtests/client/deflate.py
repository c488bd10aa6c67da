"""permessage-deflate as a client uses it (RFC 7692), without a socket.

Both directions keep what was said before as their dictionary, unless the server wants otherwise:
that makes the short messages of Socket.IO a few bytes each. A dictionary that zlib keeps takes
some 40 KiB to read and 256 KiB to write with, so a connection that has hardly said anything keeps
the plain text instead, and begins again with that each time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from zlib_ng import zlib_ng as zlib

from loadtests.client.errors import ProtocolError
from loadtests.client.limits import LONGEST, too_long

NAME = "permessage-deflate"

#: As Chromium, Firefox and Node's ``ws`` offer it.
OFFER = b"permessage-deflate; client_max_window_bits"

#: What ends each message, and does not travel (section 7.2.1).
_TAIL = b"\x00\x00\xff\xff"

#: A message of no bytes is one of these (section 7.2.3.6).
_NOTHING = b"\x00"

#: As long as no more than this was said, plain text is kept in place of zlib's dictionary, bytes.
_HARDLY_ANYTHING = 512

#: The least with which zlib writes: it cannot with 8. What it writes with 9 refers to no more than
#: 250 bytes back, which a window of 8 bits holds (zlib's deflate.h: MAX_DIST is the window less
#: MIN_LOOKAHEAD).
_LEAST_BITS = 9

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#: More of a message's blocks than this that say to be the last are taken for nonsense: each makes
#: a new engine, and copies what is left.
_MOST_LAST_BLOCKS = 16

_PARAMETER = re.compile(rb"\s*(%s)\s*(?:=\s*(?:(%s)|\"([^\"\\]*)\"))?\s*" % (_TOKEN, _TOKEN))


class Parameters(NamedTuple):
    """What was agreed on (section 7.1).

    Attributes:
        server_no_context_takeover, client_no_context_takeover: whether that side begins each
            message with an empty dictionary.
        server_max_window_bits, client_max_window_bits: the size of its dictionary, as a power of 2.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = zlib.MAX_WBITS
    client_max_window_bits: int = zlib.MAX_WBITS


def agreed(answer: bytes | None) -> Parameters | None:
    """What a server's ``Sec-WebSocket-Extensions`` says to our offer.

    Returns:
        None where it does not compress.

    Raises:
        ProtocolError: it agrees to what was not offered, or says so wrongly (section 5.1).
    """
    if answer is None or not answer.strip():
        return None
    name, *parameters = answer.split(b";")
    if name.strip().lower() != NAME.encode() or b"," in answer:
        raise ProtocolError(
            f"the server agrees to extensions that were not offered: {_told(answer)}"
        )
    found: dict[str, bool | int] = {}
    for key, value in map(_parameter, parameters):
        if key in found:
            raise ProtocolError(f"{NAME}: {key} is said twice: {_told(answer)}")
        found[key] = value
    return Parameters(**found)  # type: ignore[arg-type]  # by `_parameter`


def _parameter(text: bytes) -> tuple[str, bool | int]:
    match = _PARAMETER.fullmatch(text)
    key = match[1].decode() if match else ""
    value = (match[2] or match[3]) if match else None
    if key in ("server_no_context_takeover", "client_no_context_takeover") and value is None:
        return key, True
    # Eight bits to fifteen, without leading zeros (section 7.1.2).
    bits = key in ("server_max_window_bits", "client_max_window_bits")
    if bits and value is not None and re.fullmatch(rb"[89]|1[0-5]", value):
        return key, int(value)
    raise ProtocolError(f"{NAME}: the server agrees to {_told(text.strip())}, which says nothing")


def _told(answer: bytes) -> str:
    return repr(answer[:120].decode(errors="replace"))


class Deflater:
    """Messages in, what goes out of them.

    Args:
        bits: of the window, 8 to 15.
        forgetful: whether each message begins with an empty dictionary.
    """

    __slots__ = ("_bits", "_engine", "_forgetful", "_said")

    def __init__(self, bits: int = zlib.MAX_WBITS, *, forgetful: bool = False) -> None:
        self._bits = -max(bits, _LEAST_BITS)
        self._forgetful = forgetful
        self._said = b""
        self._engine: Any = None

    def deflate(self, message: bytes) -> bytes:
        """One message as it travels, without a frame around it."""
        engine = self._engine
        if engine is None:
            if len(message) < 3:  # nothing so short can refer back: heartbeats cost no dictionary
                if not self._forgetful:
                    self._said += message
                return _short(message, self._bits)
            engine = _writer(self._bits, self._said)
            if not self._forgetful:
                self._said += message
                if len(self._said) > _HARDLY_ANYTHING:
                    self._engine, self._said = engine, b""
        return _flushed(engine, message)


def _writer(bits: int, said: bytes) -> Any:
    # Level and memory are zlib's defaults, as in browsers.
    if not said:
        return zlib.compressobj(wbits=bits)
    return zlib.compressobj(wbits=bits, zdict=said)


def _flushed(engine: Any, message: bytes) -> bytes:
    out: bytes = engine.compress(message) + engine.flush(zlib.Z_SYNC_FLUSH)
    return out[:-4] or _NOTHING


@lru_cache(maxsize=1024)
def _short(message: bytes, bits: int) -> bytes:
    return _flushed(_writer(bits, b""), message)


class Inflater:
    """What arrived in, messages out; they must come in the order in which they were sent.

    Args:
        bits: of the window, 8 to 15.
        forgetful: whether each message begins with an empty dictionary.
        longest: of a message, unpacked, bytes.
    """

    __slots__ = ("_bits", "_engine", "_forgetful", "_longest", "_said")

    def __init__(self, bits: int, *, forgetful: bool = False, longest: int = LONGEST) -> None:
        # The least that zlib's inflate takes is 8, the size of any window is enough.
        self._bits = -bits
        self._forgetful = forgetful
        self._longest = longest
        self._said = b""
        self._engine: Any = None

    def inflate(self, data: bytes) -> bytes:
        """The message in the payload of its frames.

        Raises:
            ProtocolError: it is none, or longer than allowed: no more than that is unpacked.
        """
        engine = self._engine or _reader(self._bits, self._said)
        try:
            message: bytes = engine.decompress(data + _TAIL, self._longest + 1)
            if engine.eof:
                message, engine = self._restarted(message, engine), None
        except zlib.error as error:  # type: ignore[misc]  # its stub calls it an instance
            raise ProtocolError(f"a compressed message cannot be read: {error}") from error
        if len(message) > self._longest:
            raise too_long(f"a message ({len(data)} compressed bytes)", len(message), self._longest)
        if self._engine is None and not self._forgetful:
            self._said = (self._said + message)[-(1 << -self._bits) :]
            if engine is not None and len(self._said) > _HARDLY_ANYTHING:
                self._engine, self._said = engine, b""
        return message

    def _restarted(self, message: bytes, engine: Any) -> bytes:
        """Go on behind a block that said to be the last, as one may (section 7.2.3.5)."""
        before = self._said
        self._engine = None
        for _ in range(_MOST_LAST_BLOCKS):
            rest = engine.unused_data
            if not engine.eof or not rest or len(message) > self._longest:
                return message
            engine = _reader(self._bits, (before + message)[-(1 << -self._bits) :])
            message += engine.decompress(rest, self._longest + 1 - len(message))
        raise ProtocolError(
            f"a compressed message in which more than {_MOST_LAST_BLOCKS} blocks say to be the last"
        )


def _reader(bits: int, said: bytes) -> Any:
    return zlib.decompressobj(wbits=bits, zdict=said) if said else zlib.decompressobj(wbits=bits)


@lru_cache(maxsize=1024)
def alone(data: bytes) -> bytes | None:
    """The message in a payload if it refers to nothing before it; None if it does."""
    try:
        return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(data + _TAIL, 64)
    except zlib.error:  # type: ignore[misc]  # the same
        return None
