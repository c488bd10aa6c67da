"""What a user's attributes say to its server."""

from __future__ import annotations

from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.client.target import Target
from loadtests.users.attributes import target_of_class, target_of_user


def user(**own: Any) -> SimpleNamespace:
    attributes: dict[str, Any] = {
        "path": "/socket.io",
        "query": {},
        "headers": {},
        "auth": None,
        "cookies": None,
        "namespace": "/",
        "insecure": False,
        "ca_file": None,
    }
    return SimpleNamespace(**attributes | own)


def test_attributes_are_what_the_server_is_told():
    target = target_of_user(
        user(
            path="/live",
            query={"v": "2"},
            headers={"X-Team": "blue"},
            auth={"name": "Ann"},
            cookies={"lang": "en"},
            namespace="/chat",
        )
    )
    assert target == Target(
        path="/live",
        query={"v": "2"},
        headers={"X-Team": "blue"},
        cookies={"lang": "en"},
        auth={"name": "Ann"},
        namespace="/chat",
    )


@pytest.mark.parametrize("name", ["query", "headers", "cookies", "auth"])
def test_attribute_may_be_a_method(name):
    target = target_of_user(user(**{name: lambda: {"own": "one"}}))
    assert getattr(target, name) == {"own": "one"}


def test_jar_is_none_of_the_cookies_that_go_to_any_server():
    assert target_of_user(user(cookies=CookieJar())).cookies == {}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"headers": {"Cookie": "a=b"}}, "cookies are given as cookies"),
        ({"path": "/with space"}, "no spaces"),
        ({"namespace": "chat"}, "begins with /"),
    ],
)
def test_what_cannot_be_said_is_refused_of_the_class_already(own, words):
    for target_of in (target_of_user, target_of_class):
        with pytest.raises(ValueError, match=words):
            target_of(user(**own))


def test_what_each_user_says_is_not_asked_of_the_class():
    own = {"auth": property(lambda _user: 1), "headers": lambda _user: {}, "cookies": CookieJar()}
    assert target_of_class(user(**own)) == Target(namespace="/")
