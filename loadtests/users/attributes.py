"""What a user class, or each of its users, says of how to speak to its server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from http.cookiejar import CookieJar
from typing import Annotated, Any

import msgspec

from loadtests.client.target import Target

#: Those that may differ from user to user: methods, properties, or set before ``connect``.
_OWN = ("query", "headers", "cookies", "auth")


class Said(msgspec.Struct, frozen=True):
    """The attributes of ConfiguredUser by their types; what values they take is Target's."""

    path: str = "/socket.io"
    query: dict[Any, Any] = {}
    headers: dict[Any, Any] = {}
    cookies: dict[Any, Any] | None = None
    auth: Any = None
    namespace: str = "/"
    insecure: bool = False
    ca_file: str | None = None
    compression: bool = True
    lean: bool = False
    reconnect: bool = False
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    expects: list[Annotated[str, msgspec.Meta(min_length=1)]] = []
    transports: list[str] | None = None


#: What an attribute is to be, for the complaint about one that is not.
_WANTED = {
    "path": "a text",
    "query": "names and values, {name: value}",
    "headers": "names and values, {name: value}",
    "cookies": "names and values, {name: value}, or a jar",
    "namespace": "a text that begins with /",
    "insecure": "True or False",
    "ca_file": "the path of a file",
    "compression": "True or False",
    "lean": "True or False",
    "reconnect": "True or False",
    "timeout_s": "a number of seconds above 0",
    "expects": "a list of events' names",
    "transports": "a list of polling, websocket or both",
}


def value_of(user: Any, name: str) -> Any:
    """An attribute, or what it gives where it is a method of a user's."""
    value = getattr(user, name)
    return value() if callable(value) else value


def target_of_user(user: Any) -> Target:
    """What a SocketIOUser says; a jar of cookies is none that any server is to get.

    Raises:
        ValueError: an attribute cannot be said; see Target.
    """
    found = {name: getattr(user, name) for name in Said.__struct_fields__ if hasattr(user, name)}
    return _target(found | {name: value_of(user, name) for name in _OWN})


def target_of_class(user_class: Any) -> Target:
    """The same as far as a class says it; what each user is to say by itself is left out.

    Raises:
        ValueError: see ``target_of_user``.
    """
    found = {
        name: value
        for name in Said.__struct_fields__
        if hasattr(user_class, name)
        and not callable(value := getattr(user_class, name))
        and not isinstance(value, property | cached_property)
    }
    return _target(found)


def _target(found: dict[str, Any]) -> Target:
    """Of attributes that may be of any type."""
    plain = {name: _plain(name, value) for name, value in found.items()}
    try:
        said = msgspec.convert(plain, Said)
    except msgspec.ValidationError as error:
        name = str(error).partition("`$.")[2].rstrip("`").partition("[")[0]
        value = found[name]
        # Those of each user may be secrets.
        given = f"a {type(value).__name__}" if name in _OWN else repr(value)[:60]
        raise ValueError(f"{name}: expected {_WANTED[name]}, not {given}") from None
    return Target(
        path=said.path,
        query=said.query,
        headers=said.headers,
        cookies=said.cookies or {},
        auth=said.auth,
        namespace=said.namespace,
        insecure=said.insecure,
        ca_file=said.ca_file,
    )


def _plain(name: str, value: Any) -> Any:
    """What msgspec takes for what it is."""
    if name == "cookies" and isinstance(value, CookieJar):  # requests' own are mappings as well
        return None
    if name in ("query", "headers", "cookies") and isinstance(value, Mapping):
        return dict(value)
    if name == "ca_file" and hasattr(value, "__fspath__"):
        return str(value)
    if name == "transports" and isinstance(value, list | tuple):
        return [str(each) if isinstance(each, str) else each for each in value]
    return value
