"""What a server must say of itself to be the one that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.record.proof import Proof, blob_of, packages_of, source_of
from loadtests.record.ready import Ready

VERSIONS = {"python": "3.11.7", "flask": "3.1.3", "six": "1.17.0"}
PROOF = Proof("f00d", VERSIONS, "/made/a")
SAYS: dict[str, Any] = {
    "ready": True,
    "host": "127.0.0.1",
    "port": 5000,
    "pid": 1,
    "mode": "gevent",
    "async_mode": "gevent",
    "patched": True,
    "debug": False,
    "websocket": None,
    "ping_interval": 25.0,
    "ping_timeout": 20.0,
    "versions": {"python": "3.11.7", "flask": "3.1.3"},
    "source": "f00d",
    "packages": packages_of(VERSIONS),
    "prefix": "/made/a",
}


def ready(**changes: Any) -> Ready:
    return Ready(**SAYS | changes)


def test_server_that_was_asked_for_differs_in_nothing() -> None:
    assert PROOF.difference(ready()) is None


def test_any_server_will_do_where_nothing_is_asked() -> None:
    assert Proof().difference(ready(source=None, packages=None, prefix=None)) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": "beef"}, "says source is 'beef', it should be 'f00d'"),
        ({"prefix": "/made/b"}, "runs in another environment than the one that was made for it"),
        (
            {"versions": {"python": "3.12.1", "flask": "3.1.3"}},
            "says python is '3.12.1', it should be '3.11.7'",
        ),
        (
            {"versions": {"python": "3.11.7", "flask": "3.0.0"}, "packages": "other"},
            "says flask is '3.0.0', it should be '3.1.3'",
        ),
        (
            {"packages": packages_of(VERSIONS | {"six": "1.16.0"})},
            f"it should be '{packages_of(VERSIONS)}'",
        ),
        ({"source": None}, "does not say which files it serves (no source in its READY line)"),
    ],
)
def test_server_that_is_another_is_told_in_one_line(changes: dict[str, Any], words: str) -> None:
    difference = PROOF.difference(ready(**changes))
    assert words in str(difference)


def test_blob_is_named_as_git_does() -> None:
    # git hash-object of an empty file, and of "what is up, doc?" (Pro Git, 10.2).
    assert blob_of(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_of(b"what is up, doc?") == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"


def test_order_is_no_part_of_a_digest() -> None:
    assert source_of({"a": "1", "b": "2"}) == source_of({"b": "2", "a": "1"})
    assert source_of({"a": "1", "b": "2"}) != source_of({"a": "2", "b": "1"})


def test_package_has_one_name_and_python_is_none() -> None:
    assert packages_of({"Flask_SocketIO": "5", "python": "3"}) == packages_of(
        {"flask-socketio": "5"}
    )
