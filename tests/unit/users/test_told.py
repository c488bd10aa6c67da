"""What a user's attributes say to its server."""

from __future__ import annotations

from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.client.link import locate
from loadtests.client.target import Target
from loadtests.users import told

URL = "http://127.0.0.1:5000"


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
        "lean": False,
        "compression": True,
    }
    return SimpleNamespace(**attributes | own)


def test_attributes_are_what_the_server_is_told():
    server = told.server_of(
        user(
            path="/live",
            query={"v": "2"},
            headers={"X-Team": "blue"},
            auth={"name": "Ann"},
            cookies={"lang": "en"},
            namespace="/chat",
            lean=True,
            compression=False,
        ),
        URL,
    )
    assert server.path == "/live/"
    assert (server.lean, server.compression) == (True, False)
    assert server.target == Target(
        path="/live",
        query={"v": "2"},
        headers={"X-Team": "blue"},
        cookies={"lang": "en"},
        auth={"name": "Ann"},
        namespace="/chat",
    )


def test_each_user_says_its_own_and_the_name_is_resolved_once(monkeypatch):
    resolved = []

    def counted(url, target, **more):
        resolved.append(url)
        return locate(url, target, **more)

    told._located.cache_clear()
    monkeypatch.setattr(told, "locate", counted)
    servers = [told.server_of(user(auth={"number": n}), URL) for n in range(3)]
    assert [server.target.auth for server in servers] == [{"number": n} for n in range(3)]
    assert len(resolved) == 1


@pytest.mark.parametrize("name", ["query", "headers", "cookies", "auth"])
def test_attribute_may_be_a_method(name):
    server = told.server_of(user(**{name: lambda: {"own": "one"}}), URL)
    assert getattr(server.target, name) == {"own": "one"}


def test_jar_is_none_of_the_cookies_that_go_to_any_server():
    assert told.server_of(user(cookies=CookieJar()), URL).target.cookies == {}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"headers": {"Cookie": "a=b"}}, "cookies are given as cookies"),
        ({"path": "/with space"}, "no spaces"),
        ({"namespace": "chat"}, "begins with /"),
    ],
)
def test_what_cannot_be_said_is_refused_of_the_class_already(own, words):
    for server_of in (told.server_of, told.server_of_class):
        with pytest.raises(ValueError, match=words):
            server_of(user(**own), URL)


def test_what_each_user_says_is_not_asked_of_the_class():
    own = {"auth": property(lambda _user: 1), "headers": lambda _user: {}, "cookies": CookieJar()}
    assert told.server_of_class(user(**own), URL).path == "/socket.io/"
