"""What a user's attributes say to its server."""

from __future__ import annotations

from http.cookiejar import CookieJar
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.client.target import Target
from loadtests.record.words import Transport
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


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"query": "room=hush"}, r"query: expected names and values, \{name: value\}, not a str"),
        ({"query": ["hush"]}, "query: expected names"),
        ({"query": None}, "query: expected names"),
        ({"query": {"a": 1}}, "query 'a': a name and a value, both text"),
        ({"headers": None}, "headers: expected names"),
        ({"cookies": "a=hush"}, "cookies: expected names and values, .* or a jar, not a str"),
        ({"path": None}, "path: expected a text, not None"),
        ({"namespace": ["/a"]}, "namespace: expected a text"),
        ({"namespace": None}, "namespace: expected a text"),
        ({"expects": None}, "expects: expected a list of events' names, not None"),
        ({"expects": "hello"}, "expects: expected a list"),
        ({"expects": [""]}, "expects: expected a list"),
        ({"insecure": "yes"}, "insecure: expected True or False, not 'yes'"),
        ({"compression": "no"}, "compression: expected True or False"),
        ({"reconnect": "yes"}, "reconnect: expected True or False"),
        ({"lean": "x"}, "lean: expected True or False"),
        ({"timeout_s": "10"}, "timeout_s: expected a number of seconds above 0, not '10'"),
        ({"timeout_s": 0}, "timeout_s: .* not 0"),
        ({"timeout_s": -1}, "timeout_s: .* not -1"),
        ({"timeout_s": float("nan")}, "timeout_s: .* not nan"),
        ({"transports": "websocket"}, "transports: expected a list"),
        ({"auth": float("nan")}, "auth: a number that is not finite"),
        ({"auth": b"hush"}, "auth: a value of type bytes"),
        ({"auth": {"hush"}}, "auth: a value of type set"),
        ({"auth": object()}, "auth: a value of type object"),
        ({"ca_file": 5}, "ca_file: expected the path of a file"),
    ],
)
def test_attribute_of_a_wrong_type_is_refused_of_the_class_already(own, words):
    for target_of in (target_of_user, target_of_class):
        with pytest.raises(ValueError, match=words) as refused:
            target_of(user(**own))
        assert "hush" not in str(refused.value)
        assert "\n" not in str(refused.value)


def test_attributes_of_the_right_types_are_taken():
    own = {"expects": ("hello",), "timeout_s": 5, "transports": (Transport.POLLING,)}
    assert target_of_class(user(ca_file=Path(__file__), **own)).ca_file == __file__


def test_what_each_user_says_is_not_asked_of_the_class():
    own = {"auth": property(lambda _user: 1), "headers": lambda _user: {}, "cookies": CookieJar()}
    assert target_of_class(user(**own)) == Target(namespace="/")
