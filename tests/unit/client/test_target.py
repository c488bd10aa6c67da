"""What a connection is told: what may be said, and what is never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.target import HIDDEN, Target


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"path": "/socket io"}, "path '/socket io': no spaces"),
        ({"path": "/a?b=c"}, "parameters are query's"),
        ({"path": "/a?token=hush"}, "path '/a': no spaces, no [?]"),
        ({"auth": float("nan")}, "auth: a number that is not finite is no JSON"),
        ({"auth": {"a": [b"hush"]}}, "auth: a value of type bytes is no JSON"),
        ({"auth": {1: "hush"}}, "auth: a key that is not text is no JSON"),
        ({"path": "/a#b"}, "parameters are query's"),
        ({"path": "/a\r\nHost: x"}, "no spaces"),
        ({"headers": {"X Y": "z"}}, "header 'X Y': not a name and one line"),
        ({"headers": {"": "z"}}, "header '': not a name"),
        ({"headers": {"X": "a\r\nY: b"}}, "header 'X': not a name and one line"),
        ({"headers": {"Upgrade": "h2c"}}, "'Upgrade' belongs to the protocol"),
        ({"headers": {"content-LENGTH": "5"}}, "belongs to the protocol"),
        ({"headers": {"Sec-WebSocket-Extensions": ""}}, "belongs to the protocol"),
        ({"headers": {"Cookie": "a=1"}}, "cookies are given as cookies"),
        ({"cookies": {"a": "1; b=2"}}, "cookie 'a': a name and a value without"),
        ({"cookies": {"a b": "1"}}, "cookie 'a b'"),
        ({"cookies": {"a": "1\r\n"}}, "cookie 'a'"),
        ({"namespace": "test"}, "namespace 'test': begins with /"),
        ({"namespace": "/a,b"}, "has no comma"),
        ({"namespace": ""}, "begins with /"),
        ({"insecure": True, "ca_file": __file__}, "ca_file would say nothing"),
        ({"ca_file": "/no/such.pem"}, "ca_file /no/such.pem: no such file"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_name(told: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Target(**told)
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(told, Target)


@pytest.mark.parametrize(
    "told",
    [
        {"headers": {"X": "secret\n"}},
        {"cookies": {"a": "secret;"}},
        {"path": "/x?secret"},
        {"auth": b"secret"},
        {"query": {"a": ["secret"]}},
    ],
    ids=str,
)
def test_refusal_does_not_repeat_a_value(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"header|cookie|path|auth|query") as refused:
        Target(**told)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "told",
    [
        {"headers": {"X-Room": 5}},
        {"cookies": {"X-Room": None}},
        {"query": {"X-Room": 1}},
    ],
)
def test_what_a_user_class_says_that_is_no_text_is_refused_by_its_name(
    told: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match="'X-Room'"):
        Target(**told)


def test_misspelt_word_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="querry"):
        msgspec.convert({"querry": {}}, Target)


def test_values_that_may_be_secrets_are_not_shown_but_their_names_are() -> None:
    told = Target(
        path="/live",
        query={"key": "secret"},
        headers={"Authorization": "Bearer secret"},
        cookies={"session": "secret"},
        auth={"token": "secret"},
        namespace="/chat",
    )
    shown = told.unsaid()
    assert "secret" not in repr(shown)
    assert (shown.path, shown.namespace, shown.auth) == ("/live", "/chat", HIDDEN)
    assert [*shown.query, *shown.headers, *shown.cookies] == ["key", "Authorization", "session"]
    assert Target().unsaid() == Target()


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [
        ("http://127.0.0.1", "/socket.io", "/socket.io/"),
        ("http://127.0.0.1/", "socket.io/", "/socket.io/"),
        ("http://127.0.0.1/app", "/socket.io", "/app/socket.io/"),
        ("http://127.0.0.1/app/", "/live/", "/app/live/"),
        ("http://127.0.0.1", "", "/"),
        ("http://127.0.0.1/ä b", "/socket.io", "/%C3%A4%20b/socket.io/"),
        ("http://127.0.0.1/a%20b", "/socket.io", "/a%20b/socket.io/"),
    ],
)
def test_path_of_the_application_stands_before_that_of_engineio(
    url: str, path: str, expected: str
) -> None:
    assert locate(url, Target(path=path)).path == expected


def test_file_of_authorities_that_holds_none_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(ConnectionFailed, match=r"ca_file .*empty\.pem: "):
        locate("https://127.0.0.1", Target(ca_file=str(empty)))


def test_addresses_of_a_name_are_all_there_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (10, 1, 6, "", ("::1", 80, 0, 0)),
        (2, 1, 6, "", ("127.0.0.1", 80)),
        (10, 1, 6, "", ("::1", 80, 0, 0)),
    ]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    assert locate("http://both.example").addresses == (
        (10, ("::1", 80, 0, 0)),
        (2, ("127.0.0.1", 80)),
    )
