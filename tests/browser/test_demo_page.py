"""The demo page in two browsers at the same time, in every mode, over each transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from loadtests.launch import RunningServer
from tests.integration.conftest import installed_mode, serve  # noqa: F401  # fixtures

TRANSPORTS = {
    "polling": "polling",
    "websocket": "websocket",
    "polling,websocket": "websocket",  # the upgrade
}
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@contextmanager
def two_pages(chromium: Any, server: RunningServer, transports: str) -> Iterator[tuple[Any, Any]]:
    """Both connected, each in a context of its own."""
    contexts = [chromium.new_context() for _ in range(2)]
    try:
        yield tuple(opened(context, server, transports) for context in contexts)
    finally:
        for context in contexts:
            context.close()


def opened(context: Any, server: RunningServer, transports: str) -> Any:
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(server.url)
    expect_connected(page)
    if transports != "polling,websocket":
        page.select_option("#transports", transports)
    expect(page, "#transport", TRANSPORTS[transports])
    expect_connected(page)
    return page


def expect_connected(page: Any) -> None:
    """Exactly that: "disconnected" has the word in it, too."""
    page.wait_for_function("() => document.querySelector('#state').textContent === 'connected'")


def expect(page: Any, selector: str, text: str) -> None:
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
        arg=[selector, text],
    )


def submit(page: Any, form: str, button: str | None = None, **fields: str) -> None:
    for name, value in fields.items():
        page.fill(f"#{form} [name={name}]", value)
    page.click(f"#{form} button" + (f"[value={button}]" if button else ""))


def lines(page: Any) -> list[str]:
    return list(page.locator("#log li").all_inner_texts())


def settled(page: Any) -> None:
    """All that was sent to the page before has arrived: its own echo comes last."""
    submit(page, "echo", data="the last")
    expect(page, "#log", "the last")


@pytest.fixture
def server(installed_mode: str, serve: Callable[..., Any]) -> Iterator[RunningServer]:  # noqa: F811
    with serve(installed_mode, heartbeat_s=1) as running:
        yield running


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_page_shows_in_two_browsers_what_the_article_tells(
    chromium: Any, server: RunningServer, transports: str
) -> None:
    with two_pages(chromium, server, transports) as (one, other):
        assert server.ready["mode"] == one.inner_text("#mode")
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
        submit(one, "default", data="without a namespace")
        expect(one, "#log", "/ messagewithout a namespace")

        submit(one, "broadcast", data=HOSTILE)
        expect(other, "#log", HOSTILE)
        assert "taken" not in (one.title(), other.title())
        assert other.locator("#log img, #log script").count() == 0

        expect(one, "#rtt", "ms")
        session = one.inner_text("#session")
        one.click("#disconnect")
        expect(one, "#state", "disconnected")
        expect(other, "#gone", session)
        expect(other, "#gone", "client disconnect")
        one.click("#connect")
        expect_connected(one)


@pytest.mark.parametrize(
    ("transports", "reason"), [("websocket", "transport close"), ("polling", "ping timeout")]
)
def test_closed_tab_is_told_of_in_the_other_browser(
    chromium: Any, server: RunningServer, transports: str, reason: str
) -> None:
    with two_pages(chromium, server, transports) as (one, other):
        expect(one, "#rtt", "ms")  # it has reported
        session = one.inner_text("#session")
        one.close()
        expect(other, "#gone", session)
        assert reason in other.inner_text("#gone")


def test_page_loads_nothing_from_elsewhere(chromium: Any, serve: Callable[..., Any]) -> None:  # noqa: F811
    with serve("gevent") as running:
        context = chromium.new_context()
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(running.url)
        expect_connected(page)
        context.close()
    assert asked
    assert [url for url in asked if not url.startswith(running.url) and "ws://" not in url] == []
