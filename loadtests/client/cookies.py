"""A session's cookies: what its server sets, GETs, POSTs and WebSocket share, as in a browser.

Balancers set one to bring every request of a session to the same process, logins to know whose it
is. The rules are those of Python's ``http.cookiejar``, which is asked only when a cookie is set.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from http import cookiejar
from http.cookiejar import Cookie, CookieJar
from typing import Any
from urllib.request import Request

#: Whoever sets a cookie with one of these sets none (RFC 6265bis, section 5.6).
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Jar:
    """The cookies of one session with one server.

    Args:
        url: of the server, with its path.
        given: name -> value, from the beginning.

    Attributes:
        version: goes up whenever they change.
    """

    __slots__ = ("_expires_s", "_header", "_jar", "_url", "version")

    def __init__(self, url: str, given: Mapping[str, str] | None = None) -> None:
        self._url = url
        self._jar: CookieJar | None = None  # most servers set none
        self._header = b""
        self._expires_s: float | None = None
        self.version = 0
        if given:
            # As the jar names it for what the server sets: "localhost.local".
            _, host = cookiejar.eff_request_host(Request(url))  # type: ignore[attr-defined]
            self.add(_cookie(name, value, host) for name, value in given.items())

    @property
    def header(self) -> bytes:
        """The value of a request's Cookie header; empty where there is none."""
        if self._expires_s is not None and time.time() >= self._expires_s:
            self._changed()
        return self._header

    def __iter__(self) -> Iterator[Cookie]:
        """Those that it has, for another session of the same browser."""
        return iter(self._jar or ())

    def add(self, cookies: Iterable[Cookie]) -> None:
        """Put copies of somebody else's into it, such as those of a ``requests`` session."""
        jar = self._opened()
        for cookie in cookies:
            jar.set_cookie(cookie)
        self._changed()

    def take(self, lines: Iterable[bytes]) -> None:
        """Take what a response sets.

        Args:
            lines: values of its Set-Cookie headers.
        """
        said = Message()
        for line in lines:
            if not _CONTROL.search(line):
                said["Set-Cookie"] = line.decode("latin-1")
        response: Any = _Said(said)
        self._opened().extract_cookies(response, Request(self._url))
        self._changed()

    def _opened(self) -> CookieJar:
        if self._jar is None:
            self._jar = CookieJar()
        return self._jar

    def _changed(self) -> None:
        jar = self._opened()
        request = Request(self._url)
        jar.add_cookie_header(request)
        header = request.get_header("Cookie", "").encode("latin-1")
        ends = [cookie.expires for cookie in jar if cookie.expires is not None]
        self._expires_s = min(ends) if ends else None
        if header != self._header:
            self._header = header
            self.version += 1


class _Said:
    """What ``http.cookiejar`` asks of a response."""

    def __init__(self, head: Message) -> None:
        self._head = head

    def info(self) -> Message:
        return self._head


def _cookie(name: str, value: str, host: str) -> Cookie:
    """A cookie as a server sets it for all of itself, until the session ends.

    So one that the server sets anew, such as a login's, takes its place, as in a browser.
    """
    return Cookie(
        version=0,
        name=name,
        value=value.encode().decode("latin-1"),  # UTF-8, once it is bytes
        port=None,
        port_specified=False,
        domain=host,
        domain_specified=False,
        domain_initial_dot=False,
        path="/",
        path_specified=True,
        secure=False,
        expires=None,
        discard=True,
        comment=None,
        comment_url=None,
        rest={},
    )
