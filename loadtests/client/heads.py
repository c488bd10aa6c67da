"""The heads of a session's requests: what a browser says in them, or as little as will do.

A server reads them for each request of long-polling, and a browser says some seven times as much
as is needed. tests/browser/test_heads.py holds them against those of a real Chromium.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from loadtests.client import deflate

if TYPE_CHECKING:
    from loadtests.client.link import Server

_Header = tuple[str, bytes]

#: Of the Chromium that they were captured from, on Linux.
_VERSION = "150"
_USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{_VERSION}.0.0.0 Safari/537.36"
).encode()
_BRANDS = f'"Not;A=Brand";v="8", "Chromium";v="{_VERSION}"'.encode()
_ENCODINGS = b"gzip, deflate, br, zstd"
_LANGUAGES = b"en-US,en;q=0.9"
_TEXT = ("Content-type", b"text/plain;charset=UTF-8")

#: In place of what is only known later: a session's cookies, and the length of a body.
_COOKIE, _LENGTH = ("Cookie", b"\0"), ("Content-Length", b"\0")

#: What makes each request of a browser another one, so that no cache answers it (engine.io-client
#: says the time and something random; who counts on from a random number says eight digits, too).
_stamps = count(int.from_bytes(os.urandom(3), "big"))


class PollingHeads(NamedTuple):
    """What a session's GETs, and its POSTs, have in common as long as its cookies stay the same.

    Attributes:
        gets: before and behind what is a request's own: its stamp.
        posts: before, between and behind that and the length of its body.
        stamped: whether requests have a stamp.
    """

    gets: tuple[bytes, bytes]
    posts: tuple[bytes, bytes, bytes]
    stamped: bool

    def get(self) -> bytes:
        """A whole GET."""
        before, behind = self.gets
        return b"%s%08x%s" % (before, next(_stamps), behind) if self.stamped else before + behind

    def post(self, body: bytes) -> bytes:
        """A whole POST."""
        before, between, behind = self.posts
        stamp = b"%08x" % next(_stamps) if self.stamped else b""
        return b"%s%s%s%d%s%s" % (before, stamp, between, len(body), behind, body)


def polling(server: Server, session_id: str, cookie: bytes) -> PollingHeads:
    """The heads of a session's requests.

    Args:
        server: to which they go.
        session_id: empty before there is one.
        cookie: value of their Cookie header; empty for none.
    """
    before = _target(server, "EIO=4&transport=polling") + (b"" if server.lean else b"&t=")
    session = f"&sid={session_id}".encode() if session_id else b""
    get, post = (
        session + _lines(server, headers, cookie)
        for headers in ((_GET_LEAN, _POST_LEAN) if server.lean else (_get(server), _post(server)))
    )
    between, behind = post.split(_LENGTH[1])
    return PollingHeads(
        (b"GET " + before, get), (b"POST " + before, between, behind), not server.lean
    )


def handshake(server: Server, parameters: str, key: bytes, cookie: bytes) -> bytes:
    """The request for a WebSocket (RFC 6455, section 4.1).

    Args:
        server: to which it goes.
        parameters: Engine.IO's.
        key: for Sec-WebSocket-Key.
        cookie: as in ``polling``.
    """
    upgrade = [("Connection", b"Upgrade"), ("Upgrade", b"websocket")]
    if server.lean:
        headers = [*upgrade, ("Sec-WebSocket-Version", b"13"), ("Sec-WebSocket-Key", key), _COOKIE]
    else:
        headers = [
            ("Connection", b"Upgrade"),
            ("Pragma", b"no-cache"),
            ("Cache-Control", b"no-cache"),
            ("User-Agent", _USER_AGENT),
            ("Upgrade", b"websocket"),
            ("Origin", server.origin.encode()),
            ("Sec-WebSocket-Version", b"13"),
            ("Accept-Encoding", _ENCODINGS),
            ("Accept-Language", _LANGUAGES),
            _COOKIE,
            ("Sec-WebSocket-Key", key),
        ]
    if server.compression:
        headers.append(("Sec-WebSocket-Extensions", deflate.OFFER))
    return b"GET " + _target(server, parameters) + _lines(server, headers, cookie)


_GET_LEAN: Sequence[_Header] = (
    ("Accept", b"*/*"),
    ("Accept-Encoding", b"gzip, deflate"),
    ("Connection", b"keep-alive"),
    _COOKIE,
)
_POST_LEAN: Sequence[_Header] = (*_GET_LEAN, _TEXT, _LENGTH)


def _get(server: Server) -> Sequence[_Header]:
    return (
        ("Connection", b"keep-alive"),
        *_OF_THE_BROWSER,
        _MOBILE,
        *_of_the_page(server),
    )


def _post(server: Server) -> Sequence[_Header]:
    return (
        ("Connection", b"keep-alive"),
        _LENGTH,
        *_OF_THE_BROWSER,
        _TEXT,
        _MOBILE,
        ("Origin", server.origin.encode()),
        *_of_the_page(server),
    )


_OF_THE_BROWSER: Sequence[_Header] = (
    ("sec-ch-ua-platform", b'"Linux"'),
    ("User-Agent", _USER_AGENT),
    ("Accept", b"*/*"),
    ("sec-ch-ua", _BRANDS),
)
_MOBILE = ("sec-ch-ua-mobile", b"?0")


def _of_the_page(server: Server) -> Sequence[_Header]:
    return (
        ("Sec-Fetch-Site", b"same-origin"),
        ("Sec-Fetch-Mode", b"cors"),
        ("Sec-Fetch-Dest", b"empty"),
        ("Referer", f"{server.origin}/".encode()),
        ("Accept-Encoding", _ENCODINGS),
        ("Accept-Language", _LANGUAGES),
        _COOKIE,
    )


def _target(server: Server, parameters: str) -> bytes:
    own = urlencode(server.target.query)
    return f"{server.path}?{own}{'&' if own else ''}{parameters}".encode()


def _lines(server: Server, headers: Sequence[_Header], cookie: bytes) -> bytes:
    """What follows a request's target: the protocol's version, all headers, the empty line."""
    own = {name.lower(): (name, value.encode()) for name, value in server.target.headers.items()}
    lines = [b" HTTP/1.1", b"Host: " + own.pop("host", ("", server.host.encode()))[1]]
    for name, value in headers:
        if (name, value) == _COOKIE:
            if not cookie:
                continue
            value = cookie
        name, value = own.pop(name.lower(), (name, value))
        lines.append(name.encode() + b": " + value)
    lines += [name.encode() + b": " + value for name, value in own.values()]
    return b"\r\n".join([*lines, b"", b""])
