"""What is started is there, and what it says of itself is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests import ROOT
from loadtests.machine import launch, processes
from loadtests.machine.launch import LaunchError, last_words, verify
from loadtests.record.ready import Ready
from servers.modes import ADAPTERS


def ready(mode: str, **changes: Any) -> Ready:
    expected = ADAPTERS[mode].MODE
    says: dict[str, Any] = {
        "ready": True,
        "host": "127.0.0.1",
        "port": 5000,
        "pid": 1,
        "mode": mode,
        "async_mode": expected.async_mode,
        "patched": expected.patched,
        "debug": False,
        "websocket": expected.websocket,
        "ping_interval": 25.0,
        "ping_timeout": 20.0,
        "versions": {},
    }
    return Ready(**says | changes)


@pytest.mark.parametrize("mode", ADAPTERS)
def test_server_that_is_what_it_should_be_is_verified(mode: str) -> None:
    verify(ready(mode), mode, (25, 20))


@pytest.mark.parametrize(
    ("mode", "changes", "words"),
    [
        ("gevent", {"async_mode": "threading"}, "async_mode is 'threading', it should be 'gevent'"),
        ("gevent", {"patched": False}, "gevent server says patched is False, it should be True"),
        ("threading", {"patched": True}, "patched is True, it should be False"),
        ("threading", {"debug": True}, "debug is True, it should be False"),
        ("eventlet", {"async_mode": None}, "async_mode is None"),
        ("gevent", {"ping_timeout": 5.0}, "ping_timeout is 5.0, it should be 20"),
        ("gevent", {"websocket": None}, "websocket is None, it should be 'simple-websocket'"),
        ("gevent", {"websocket": "gevent-websocket"}, "websocket is 'gevent-websocket'"),
    ],
)
def test_server_that_is_something_else_is_not_measured(
    mode: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(LaunchError) as caught:
        verify(ready(mode, **changes), mode, (25, 20))
    assert words in str(caught.value)


def test_log_need_not_be_text(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\nsecond \xff")
    assert last_words(log) == "second \N{REPLACEMENT CHARACTER}"


def test_files_that_are_started_are_there() -> None:
    assert [
        path.is_file()
        for path in (processes.LEASH, launch.LOCUSTFILE, ROOT / "servers" / "__main__.py")
    ] == [True, True, True]
