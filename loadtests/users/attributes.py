"""What a user class, or each of its users, says of how to speak to its server."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import Any

from loadtests.client.target import Target


def value_of(user: Any, name: str) -> Any:
    """An attribute, or what it gives where it is a method of a user's."""
    value = getattr(user, name)
    return value() if callable(value) else value


def target_of_user(user: Any) -> Target:
    """What a SocketIOUser says; a jar of cookies is none that any server is to get.

    Raises:
        ValueError: an attribute cannot be said; see Target.
    """
    cookies = value_of(user, "cookies")
    if cookies is None or isinstance(cookies, CookieJar):  # requests' own are mappings as well
        cookies = {}
    return Target(
        path=user.path,
        query=dict(value_of(user, "query")),
        headers=dict(value_of(user, "headers")),
        cookies=dict(cookies),
        auth=value_of(user, "auth"),
        namespace=user.namespace,
        insecure=user.insecure,
        ca_file=None if user.ca_file is None else str(user.ca_file),
    )


def target_of_class(user_class: Any) -> Target:
    """The same as far as a class says it; what each user is to say by itself is left out.

    Raises:
        ValueError: see ``target_of_user``.
    """
    own: dict[str, Any] = {}
    for name in ("query", "headers", "cookies"):
        value = getattr(user_class, name, None)
        if isinstance(value, Mapping) and not isinstance(value, CookieJar):
            own[name] = value
    for name in ("path", "namespace", "insecure", "ca_file"):
        value = getattr(user_class, name, None)
        if isinstance(value, str | bool):
            own[name] = value
    return Target(**own)
