"""READY lines: what a server says of itself, as a result keeps it."""

from __future__ import annotations

import json

import msgspec
import pytest

from loadtests.record.ready import Listening, Ready
from loadtests.record.results import read
from tests.support import ROOT

LINE = {
    "ready": True,
    "mode": "gevent",
    "host": "127.0.0.1",
    "port": 5000,
    "pid": 4777,
    "async_mode": "gevent",
    "websocket": None,
    "patched": True,
    "debug": False,
    "ping_interval": 25.0,
    "ping_timeout": 20.0,
    "versions": {"python": "3.11.7", "flask": "3.1.3"},
    "compression": None,
}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:5000", "127.0.0.1"),
        ("http://localhost:5000", "localhost"),
        ("http://127.0.0.1:5000", "0.0.0.0"),
        ("http://[::1]:5000", "::1"),
        ("http://[::1]:5000", "::"),
    ],
)
def test_url_is_one_that_can_be_asked(url: str, host: str) -> None:
    assert url == Listening(True, host, 5000, 1).url


def test_result_keeps_all_that_a_server_says() -> None:
    assert msgspec.to_builtins(msgspec.json.decode(json.dumps(LINE), type=Ready)) == LINE


def test_what_this_version_does_not_know_is_left_out() -> None:
    later = json.dumps(LINE | {"workers": 4})
    assert msgspec.to_builtins(msgspec.json.decode(later, type=Ready)) == LINE


def test_stored_results_have_the_same_fields() -> None:
    stored = read(ROOT / "docs" / "results" / "default.json")
    told = {key for trial in stored.trials for key in trial.server}
    assert told == set(LINE)
