"""A real Chromium and our client have the same of one server, as far as a capture can see."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from loadtests.generator.bench_client.capture import Segment
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.hosts import browser
from servers.pages import CLIENT
from tests.browser.compare_wire import CHROMIUM, OURS, compare
from tests.support.wire import Turn, server_times_ns

SERVER, PAGE = 5000, 40000


def segment(stamp_ns: int, payload: bytes, *, asks: bool) -> Segment:
    source, destination = (PAGE, SERVER) if asks else (SERVER, PAGE)
    return Segment(stamp_ns, source, destination, 1, begins=False, payload=payload)


def test_a_polling_echo_is_from_its_post_to_the_body_that_answers() -> None:
    captured = [
        segment(10, b"GET /socket.io/?t=1", asks=True),
        segment(100, b"POST /socket.io/", asks=True),
        segment(110, b'42/test,["my event",{"data":"x"}]', asks=True),
        segment(120, b"HTTP/1.1 200 OK\r\n\r\nok", asks=False),
        segment(130, b"HTTP/1.1 200 OK\r\n\r\n", asks=False),
        segment(170, b'42/test,["my response",{"data":"x"}]', asks=False),
    ]
    turns = [Turn(OURS, 0, 1000)]
    assert server_times_ns(captured, SERVER, turns, polling=True) == {OURS: [60]}


def test_a_websocket_echo_is_from_frame_to_frame_and_a_heartbeat_is_none() -> None:
    captured = [
        segment(5, b"\xc1\x03\x32\x02\x00", asks=False),
        segment(6, b"\xc1\x83mask\x33\x02\x00", asks=True),
        segment(100, b"\xc1\x90" + bytes(20), asks=True),
        segment(140, b"\xc1\x0a" + bytes(10), asks=False),
        segment(2100, b"\xc1\x90" + bytes(20), asks=True),
        segment(2170, b"\xc1\x0a" + bytes(10), asks=False),
    ]
    turns = [Turn(OURS, 0, 1000), Turn(CHROMIUM, 2000, 3000)]
    found = server_times_ns(captured, SERVER, turns, polling=False)
    assert found == {OURS: [40], CHROMIUM: [70]}


@pytest.fixture
def whole() -> Any:
    """Skips where something that the comparison needs is missing."""
    lack = browser.unavailable() or (None if CLIENT.is_file() else "run: make node")
    if lack is None and shutil.which("tcpdump") is None:
        lack = "tcpdump is not installed"
    if lack is not None:
        pytest.skip(lack)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("transport", Transport)
def test_a_capture_sees_every_echo_of_both(transport: Transport, tmp_path: Path) -> None:
    # In a thread of its own: in this one another test's browser may have an event loop.
    with ThreadPoolExecutor(1) as alone:
        seen = alone.submit(compare, "gevent", transport, tmp_path, turns=2, echoes=5).result()
    for who in (OURS, CHROMIUM):
        assert len(seen[who].own_ms) == 10
        assert len(seen[who].wire_ms) == 10
        # What the server took is part of what its client waited for.
        assert sum(seen[who].wire_ms) < sum(seen[who].own_ms)
