"""What connections are told, from the words of a command line and from what stands below them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from loadtests.client.target import HIDDEN, Target
from loadtests.client.told import OPTIONS, Words, told


def test_every_option_has_its_place() -> None:
    assert {option.field for option in OPTIONS} == set(Words.__dataclass_fields__)


def test_words_are_what_connections_are_told() -> None:
    words = Words(
        path="/live",
        query=["room=a=b", "empty="],
        header=["X-Token: abc:def ", "Origin:https://example.org"],
        cookie=["session=abc="],
        auth='{"token": "abc"}',
        namespace="/chat",
        insecure=True,
    )
    assert told(words) == Target(
        path="/live",
        query={"room": "a=b", "empty": ""},
        headers={"X-Token": "abc:def", "Origin": "https://example.org"},
        cookies={"session": "abc="},
        auth={"token": "abc"},
        namespace="/chat",
        insecure=True,
    )


def test_no_words_leave_what_stands_below() -> None:
    below = Target(path="/live", query={"a": "b"}, auth="x", namespace="/chat", insecure=True)
    assert told(Words(), below) == below


def test_words_go_before_what_stands_below_by_single_names(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.touch()
    below = Target(
        path="/live",
        query={"a": "1", "b": "1"},
        headers={"X-One": "1", "X-Two": "1"},
        cookies={"a": "1", "b": "1"},
        auth="below",
        namespace="/chat",
        insecure=True,
    )
    words = Words(
        path="/socket.io",
        query=["b=2"],
        header=["x-two:2"],
        cookie=["b=2"],
        auth="[]",
        namespace="/",
        ca_file=str(file),
    )
    assert told(words, below) == Target(
        path="/socket.io",
        query={"a": "1", "b": "2"},
        headers={"X-One": "1", "x-two": "2"},
        cookies={"a": "1", "b": "2"},
        auth=[],
        namespace="/",
        ca_file=str(file),
    )


def test_file_of_authorities_is_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").touch()
    monkeypatch.chdir(tmp_path)
    expected = str(tmp_path / "ca.pem")
    assert told(Words(ca_file="ca.pem")).ca_file == expected
    assert told(Words(), Target(ca_file="ca.pem")).ca_file == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (Words(query=["hush"]), "--query: expected NAME=VALUE"),
        (Words(query=["=hush"]), "--query: expected NAME=VALUE"),
        (Words(query=["EIO=3"]), "query 'EIO' belongs to the protocol"),
        (Words(header=["Authorization hush"]), "--header: expected NAME:VALUE"),
        (Words(header=["a b:hush"]), "header 'a b': not a name"),
        (Words(header=["X:hush\r\nY:z"]), "header 'X': not a name and one line"),
        (Words(header=["Cookie:a=hush"]), "cookies are given as cookies"),
        (Words(header=["Upgrade:h2c"]), "header 'Upgrade' belongs to the protocol"),
        (Words(header=["X:1", "x:hush"]), "--header: 'x' is given twice"),
        (Words(cookie=["hush"]), "--cookie: expected NAME=VALUE"),
        (Words(cookie=["a=hush;b=c"]), "cookie 'a': "),
        (Words(auth="hush"), "--auth: no JSON ("),
        (Words(auth=""), "--auth: no JSON ("),
        (Words(auth="[" * 100_000), "--auth: no JSON ("),
        (Words(namespace="chat"), "namespace 'chat': begins with /"),
        (Words(path="/a b"), "path '/a b': no spaces"),
        (Words(insecure=True, ca_file="x"), "insecure trusts everybody"),
        (Words(ca_file="/no/such.pem"), "ca_file /no/such.pem: no such file"),
        (Words(header=["X:\udcff"]), "no text in UTF-8"),
    ],
)
def test_what_makes_no_sense_is_one_line_without_the_value(words: Words, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        told(words)
    line = str(refused.value)
    assert "\n" not in line
    assert "hush" not in line


def test_values_that_may_be_secrets_are_not_shown() -> None:
    target = Target(
        path="/live",
        query={"token": "hush"},
        headers={"X-Token": "hush"},
        cookies={"session": "hush"},
        auth={"token": "hush"},
    )
    shown = target.unsaid()
    assert b"hush" not in msgspec.json.encode(shown)
    assert (shown.path, shown.cookies, shown.auth) == ("/live", {"session": HIDDEN}, HIDDEN)
    assert Target().unsaid() == Target()


def test_words_may_be_some_of_many_options() -> None:
    assert Words.of({"users": 3, "header": [], "path": None, "insecure": False}) == Words()
    assert Words.of({"auth": "", "query": ("a=b",)}) == Words(auth="", query=("a=b",))
