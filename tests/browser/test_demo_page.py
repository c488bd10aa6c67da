"""The demo page in two browsers at the same time, in every mode, over each transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from loadtests.machine.launch import RunningServer
from servers.modes import MAIN
from tests.browser.steps import (
    HOSTILE,
    TRANSPORTS,
    expect,
    expect_no_elements_of_others,
    expect_state,
    lines,
    opened,
    settled,
    submit,
)


@contextmanager
def two_pages(chromium: Any, server: RunningServer, transports: str) -> Iterator[tuple[Any, Any]]:
    """Both connected, each in a context of its own."""
    contexts = [chromium.new_context() for _ in range(2)]
    try:
        yield tuple(opened(context, server, transports) for context in contexts)
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def server(installed_mode: str, serve: Callable[..., Any]) -> Iterator[RunningServer]:
    with serve(installed_mode, heartbeat_s=1) as running:
        yield running


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_page_shows_in_two_browsers_what_the_article_tells(
    chromium: Any, server: RunningServer, transports: str
) -> None:
    with two_pages(chromium, server, transports) as (one, other):
        assert server.ready.mode == one.inner_text("#mode")
        expect(one, "#log", "Connected")

        submit(one, "broadcast", data="for everybody")
        expect(one, "#log", "for everybody")
        expect(other, "#log", "for everybody")

        submit(one, "echo", data="for me alone")
        expect(one, "#log", "for me alone")
        settled(other)
        assert not [line for line in lines(other) if "for me alone" in line]

        submit(other, "join", "join", room="kitchen")
        expect(other, "#rooms", "kitchen")
        submit(one, "room", room="kitchen", data="to the kitchen")
        expect(other, "#log", "to the kitchen")
        settled(one)
        assert not [line for line in lines(one) if "to the kitchen" in line]
        submit(other, "join", "leave", room="kitchen")
        expect(other, "#rooms", "no room")

        submit(one, "text", data="special")
        expect(one, "#log", "/test messagespecial")
        submit(one, "json", data='{"a": [1, "b"]}')
        expect(one, "#log", '/test json{"a":[1,"b"]}')
        submit(one, "default", "message", data="without a namespace")
        expect(one, "#log", "/ messagewithout a namespace")

        submit(one, "broadcast", data=HOSTILE)
        expect(other, "#log", HOSTILE)
        expect_no_elements_of_others(other)

        expect(one, "#rtt", "ms")
        session = one.inner_text("#session")
        one.click("#disconnect")
        expect_state(one, "disconnected")
        expect(other, "#gone", session)
        if server.ready.websocket == "uwsgi" and TRANSPORTS[transports] == "websocket":
            # A goodbye right before the end can be lost there
            # (loadtests/scenarios/disconnect/windows.py).
            expect(other, "#gone", "at once")
        else:
            expect(other, "#gone", "client disconnect")
            expect(other, "#gone", "at once: it said goodbye")
        one.click("#connect")
        expect_state(one, "connected")


@pytest.mark.parametrize(
    ("transports", "reason"), [("websocket", "transport close"), ("polling", "ping timeout")]
)
@pytest.mark.parametrize("installed_mode", MAIN, indirect=True)
def test_closed_tab_is_told_of_in_the_other_browser(
    chromium: Any, server: RunningServer, transports: str, reason: str
) -> None:
    with two_pages(chromium, server, transports) as (one, other):
        expect(one, "#rtt", "ms")  # it has reported
        session = one.inner_text("#session")
        one.close()
        expect(other, "#gone", session)
        told = other.inner_text("#gone")
        assert reason in told
        assert "at most" in told
