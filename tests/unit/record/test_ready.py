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
    "source": "9daeafb9864cf43055ae93beb0afd6c7d144bfa4",
    "packages": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "path": "/socket.io",
}
#: Of no server's business but its own machine's.
FOLDER = {"prefix": "/home/somebody/bench/.venv"}
#: What servers did not say when the results in docs/ were measured.
LATER = {"source", "packages", "path"}


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


def test_result_keeps_all_that_a_server_says_but_for_its_folder() -> None:
    ready = msgspec.json.decode(json.dumps(LINE | FOLDER), type=Ready)
    assert ready.prefix == FOLDER["prefix"]
    assert ready.stored() == LINE


def test_what_this_version_does_not_know_is_left_out() -> None:
    later = json.dumps(LINE | {"workers": 4})
    assert msgspec.json.decode(later, type=Ready).stored() == LINE


def test_server_that_says_nothing_of_its_source_is_still_understood() -> None:
    earlier = {key: value for key, value in LINE.items() if key not in LATER}
    ready = msgspec.json.decode(json.dumps(earlier), type=Ready)
    assert (ready.source, ready.packages, ready.prefix) == (None, None, None)


def test_stored_results_have_the_same_fields() -> None:
    stored = read(ROOT / "docs" / "results" / "default.json")
    told = {key for trial in stored.trials for key in trial.server}
    assert told | LATER == set(LINE)
