"""What a user's class attributes say of how to speak to its server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from http.cookiejar import CookieJar
from typing import Any

from loadtests.client.link import Server, locate
from loadtests.client.target import Target


@cache
def _located(
    url: str, path: str, insecure: bool, ca_file: str | None, lean: bool, compression: bool
) -> Server:
    """Once per process: no user is to measure the resolver, or the reading of certificates."""
    target = Target(path=path, insecure=insecure, ca_file=ca_file)
    return locate(url, target, lean=lean, compression=compression)


def said(source: Any, name: str) -> Any:
    """An attribute, or what it gives where it is a method of a user's."""
    value = getattr(source, name)
    return value() if callable(value) else value


def server_of(user: Any, url: str) -> Server:
    """Where a user connects, and what is said there.

    Args:
        user: a SocketIOUser.
        url: of its server.

    Raises:
        ConnectionFailed: see ``locate``.
        ValueError: an attribute cannot be said; see Target.
    """
    target = Target(
        path=user.path,
        query=dict(said(user, "query")),
        headers=dict(said(user, "headers")),
        cookies=named_cookies(said(user, "cookies")),
        auth=said(user, "auth"),
        namespace=user.namespace,
        insecure=user.insecure,
        ca_file=None if user.ca_file is None else str(user.ca_file),
    )
    found = _located(url, target.path, target.insecure, target.ca_file, user.lean, user.compression)
    return replace(found, target=target)


def server_of_class(user_class: Any, url: str) -> Server:
    """The same as far as a class says it; what each user is to say by itself is left out.

    Raises:
        ConnectionFailed, ValueError: see ``server_of``.
    """
    own: dict[str, Any] = {
        name: value
        for name in ("query", "headers", "cookies")
        if isinstance(value := getattr(user_class, name, None), Mapping)
        and not isinstance(value, CookieJar)
    }
    plain: dict[str, Any] = {
        name: value
        for name in ("path", "namespace", "insecure", "ca_file")
        if isinstance(value := getattr(user_class, name, None), str | bool)
    }
    target = Target(**own, **plain)
    return _located(
        url,
        target.path,
        target.insecure,
        target.ca_file,
        getattr(user_class, "lean", False) is True,
        getattr(user_class, "compression", True) is not False,
    )


def named_cookies(cookies: Any) -> dict[str, str]:
    """Those that are given by name and value, for whatever server it is."""
    if cookies is None or isinstance(cookies, CookieJar):  # requests' own are mappings as well
        return {}
    return dict(cookies)
