"""What the page tells of its connection, and what it takes from its server; one mode is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from loadtests.machine.launch import RunningServer, serving
from tests.browser.steps import (
    HOSTILE,
    enabled,
    expect,
    expect_no_elements_of_others,
    expect_state,
    lines,
    opened,
    submit,
)

#: Does something in the middle of an upgrade, and waits until the connection that was upgraded is
#: closed: to which transport it came, and what the page showed as its transport meanwhile.
IN_AN_UPGRADE = """(selector) => {
  const choose = (transports) => {
    const choice = document.querySelector("#transports");
    choice.value = transports;
    choice.dispatchEvent(new Event("change"));
  };
  choose("polling,websocket");
  const old = manager.engine;
  const shown = [];
  const watch = new MutationObserver((changes) => {
    for (const change of changes) shown.push(change.addedNodes[0].textContent);
  });
  return new Promise((resolve) => {
    old.once("upgrading", () => {
      watch.observe(document.querySelector("#transport"), { childList: true });
      if (selector) document.querySelector(selector).click();
      else choose("polling");
    });
    old.once("close", () => setTimeout(() => resolve([old.transport.name, shown])));
    setTimeout(() => resolve(["nothing", shown]), 15000);
  });
}"""


@pytest.fixture
def server(serve: Callable[..., Any]) -> Iterator[RunningServer]:
    with serve("gevent") as running:
        yield running


@pytest.fixture
def context(chromium: Any) -> Iterator[Any]:
    made = chromium.new_context()
    yield made
    made.close()


def test_connection_that_was_left_in_its_upgrade_is_not_shown_any_more(
    context: Any, server: RunningServer
) -> None:
    page = opened(context, server)
    came_to, shown = page.evaluate(IN_AN_UPGRADE)
    assert came_to == "websocket"
    assert "websocket" not in shown
    expect(page, "#transport", "polling")
    expect_state(page, "connected")

    came_to, shown = page.evaluate(IN_AN_UPGRADE, "#disconnect")
    assert came_to == "websocket"
    assert set(shown) <= {"none"}
    expect_state(page, "disconnected")


def test_page_comes_back_by_itself_when_its_server_does(context: Any, tmp_path: Path) -> None:
    def start(port: int = 0) -> Any:
        return serving(
            "gevent",
            ping_interval_s=25,
            ping_timeout_s=20,
            log=tmp_path / "server.log",
            journal=tmp_path / "journal.jsonl",
            port=port,
        )

    with start() as first:
        page = opened(context, first)
        session = page.inner_text("#session")
        expect(page, "#rtt", "ms")
        assert "ms" in page.get_attribute("#rtt-chart", "aria-label")
    page.wait_for_function("() => document.querySelector('#state').textContent !== 'connected'")
    assert "trying again" in page.inner_text("#state")
    assert page.inner_text("#rtt") == page.inner_text("#rtt-top") == "–"
    assert set(enabled(page)) == {"transports", "disconnect"}

    with start(first.ready.port):
        expect_state(page, "connected")
        assert page.inner_text("#session") not in (session, "none")
        submit(page, "echo", data="as before")
        expect(page, "#log", "as before")
        submit(page, "default", "message", data="here, too")
        expect(page, "#log", "here, too")


def test_what_the_server_refuses_is_an_error_in_the_log(
    context: Any, server: RunningServer
) -> None:
    page = opened(context, server)
    submit(page, "join", "leave", room="never joined")
    page.wait_for_selector("#log .error")
    assert "/test my error" in lines(page)[0]
    submit(page, "json", data="{no JSON")
    expect(page, "#log", "not JSON")
    assert page.locator("#log .error").count() == 2


def test_hostile_text_is_text_wherever_it_is_shown(context: Any, server: RunningServer) -> None:
    page = opened(context, server)
    submit(page, "join", "join", room=HOSTILE)
    expect(page, "#rooms", HOSTILE)
    submit(page, "json", data=f'{{"{HOSTILE}": 1}}')
    expect(page, "#log", f'/test json{{"{HOSTILE}":1}}')
    submit(page, "default", "message", data=HOSTILE)
    expect(page, "#log", f"/ message{HOSTILE}")
    submit(page, "default", "json", data=f'["{HOSTILE}"]')
    expect(page, "#log", f'/ json["{HOSTILE}"]')
    expect_no_elements_of_others(page)


def test_page_takes_everything_from_its_server_and_may_ask_no_other(
    context: Any, server: RunningServer
) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda websocket: asked.append(websocket.url))
    page.goto(server.url)
    expect(page, "#transport", "websocket")
    assert {urlsplit(url).scheme for url in asked} == {"http", "ws"}
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(server.url).netloc}

    elsewhere = server.url.replace("http", "ws").replace("127.0.0.1", "127.0.0.2") + "/"
    refused = page.evaluate(
        """(elsewhere) => new Promise((resolve) => {
          addEventListener("securitypolicyviolation", (event) => resolve(event.blockedURI));
          new WebSocket(elsewhere).onopen = () => resolve("open");
          setTimeout(() => resolve("nothing"), 15000);
        })""",
        elsewhere,
    )
    assert refused == elsewhere
