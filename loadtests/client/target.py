"""What a connection can be told, beside where its server is."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import msgspec

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")
_NAMESPACE = re.compile(r"/[^,\x00-\x20\x7f]*")
_COOKIE_VALUE = re.compile(r"[^\x00-\x20\x7f;,]*")

#: What a request is made of by itself: nobody else may say these.
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-version",
        "transfer-encoding",
        "upgrade",
    }
)

#: The same of parameters (Engine.IO's, and engine.io-client's against caches).
_PROTOCOLS = frozenset({"EIO", "sid", "t", "transport"})


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an application wants to be spoken to, as browsers and the official clients are told.

    Attributes:
        path: of Engine.IO, behind that of the URL.
        query: parameters of every request, beside the protocol's own.
        headers: of every request, in place of those of a browser that have the same name.
        cookies: that each session has from the beginning. What the server sets goes beside them.
        auth: for the server's connect handler; any JSON.
        namespace: to join; None for the one that whoever connects would join anyway.
        insecure: whether a certificate that nobody vouches for will do.
        ca_file: path of the authorities to trust in place of the system's, PEM.
    """

    path: str = "/socket.io"
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    auth: Any = None
    namespace: str | None = None
    insecure: bool = False
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"/?[^\x00-\x20\x7f?#]*", self.path):
            shown = re.split(r"[?#]", self.path)[0]  # what follows may be a secret
            raise ValueError(f"path {shown!r}: no spaces, no ? and no #; parameters are query's")
        for name, value in self.query.items():
            if not (isinstance(name, str) and isinstance(value, str)):
                raise ValueError(f"query {name!r}: a name and a value, both text")
        for name in self.query.keys() & _PROTOCOLS:
            raise ValueError(f"query {name!r} belongs to the protocol and cannot be chosen")
        for name, value in self.headers.items():
            if not _is(_TOKEN, name) or not _is(_LINE, value):
                raise ValueError(f"header {name!r}: not a name and one line of text (RFC 9110)")
            if name.lower() in _OURS:
                raise ValueError(f"header {name!r} belongs to the protocol and cannot be chosen")
            if name.lower() == "cookie":
                raise ValueError("cookies are given as cookies, and kept in a jar: not as a header")
        for name, value in self.cookies.items():
            if not _is(_TOKEN, name) or not _is(_COOKIE_VALUE, value):
                raise ValueError(f"cookie {name!r}: a name and a value without ; , or spaces")
        check_json("auth", self.auth)
        if self.namespace is not None:
            check_namespace(self.namespace)
        if self.insecure and self.ca_file is not None:
            raise ValueError("insecure trusts everybody: ca_file would say nothing")
        if self.ca_file is not None and not Path(self.ca_file).is_file():
            raise ValueError(f"ca_file {self.ca_file}: no such file")

    def with_(self, **changes: Any) -> Target:
        """The same with other fields.

        Raises:
            ValueError: they make no sense, in one line.
        """
        return msgspec.structs.replace(self, **changes)

    def unsaid(self) -> Target:
        """The same for everybody's eyes: that something is said, and not what.

        Values of headers, cookies, parameters and auth are often somebody's password.
        """
        return msgspec.structs.replace(
            self,
            query=dict.fromkeys(self.query, HIDDEN),
            headers=dict.fromkeys(self.headers, HIDDEN),
            cookies=dict.fromkeys(self.cookies, HIDDEN),
            auth=None if self.auth is None else HIDDEN,
        )


def check_namespace(name: object) -> None:
    """See that a namespace can be joined.

    Raises:
        ValueError: it cannot, whoever the server is.
    """
    if not _is(_NAMESPACE, name):
        raise ValueError(f"namespace {name!r}: begins with / and has no comma")


def check_json(what: str, value: object) -> None:
    """See that a value is JSON as it stands, for msgspec makes texts of what is not.

    Args:
        what: it is, for the complaint, which does not repeat the value.
        value: that is to be sent.

    Raises:
        ValueError: a part of it has no place in JSON.
    """
    try:
        odd = _not_json(value)
    except RecursionError:
        raise ValueError(f"{what}: nested too deeply") from None
    if odd:
        raise ValueError(f"{what}: {odd} is no JSON")


def _not_json(value: object) -> str:
    """What kind of value in it JSON does not have; empty if there is none."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number that is not finite"
    if value is None or isinstance(value, str | int):
        return ""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return "a key that is not text"
        return next(filter(None, map(_not_json, value.values())), "")
    if isinstance(value, list | tuple):
        return next(filter(None, map(_not_json, value)), "")
    return f"a value of type {type(value).__name__}"


def _is(pattern: re.Pattern[str], given: object) -> bool:
    """Whether it is such a text; attributes of a user class are whatever somebody wrote."""
    return isinstance(given, str) and pattern.fullmatch(given) is not None


#: In place of a value that may be a secret; a cookie's, too, so there is no space in it.
HIDDEN = "(hidden)"
