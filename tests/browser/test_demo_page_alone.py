"""The demo page without a server that it could connect to: what it is before, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from servers import pages
from servers.app import create_app
from tests.browser.steps import enabled, expect_state

LONG = "w" * 300


@pytest.fixture
def load(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Load the page as the application makes it, without any network.

    What it asks of Socket.IO stays without an answer, or is aborted if ``reachable`` is false.
    """
    context = chromium.new_context(viewport={"width": 320, "height": 640})
    context.set_default_timeout(15_000)

    def start(reachable: bool = True) -> Any:
        site = create_app("threading")[0].test_client()

        def answer(route: Any) -> None:
            path = urlsplit(route.request.url).path
            if path.startswith("/socket.io/"):
                if not reachable:
                    route.abort()
                return
            with closing(site.get(path)) as made:
                route.fulfill(
                    status=made.status_code, headers=dict(made.headers), body=made.get_data()
                )

        context.route("**/*", answer)
        page = context.new_page()
        page.goto("http://demo.test/")
        return page

    yield start
    context.close()


@pytest.mark.parametrize("content", [None, "", "("], ids=["missing", "empty", "damaged"])
def test_page_without_the_client_library_says_so_and_offers_nothing(
    load: Callable[..., Any], content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "socket.io.min.js"
    if content is not None:
        library.write_text(content, encoding="utf-8")
    monkeypatch.setattr(pages, "CLIENT", library)
    page = load()
    page.wait_for_selector("#missing:visible")
    assert "make node" in page.inner_text("#missing")
    assert enabled(page) == []
    assert page.inner_text("#state") == "not connected"


def test_page_that_is_not_connected_offers_to_disconnect_only(load: Callable[..., Any]) -> None:
    page = load()
    expect_state(page, "connecting")
    assert page.is_hidden("#missing")
    assert "connecting" in page.get_by_role("status").all_inner_texts()  # so it is read out
    assert enabled(page) == ["transports", "disconnect"]
    page.click("#disconnect")
    expect_state(page, "disconnected")
    assert enabled(page) == ["transports", "connect"]
    page.click("#connect")
    expect_state(page, "connecting")


def test_disconnect_ends_a_vain_attempt_to_connect(load: Callable[..., Any]) -> None:
    page = load(reachable=False)
    expect_state(page, "cannot connect: xhr poll error; trying again")
    page.click("#disconnect")
    expect_state(page, "disconnected")


def test_every_control_has_a_name_of_its_own(load: Callable[..., Any]) -> None:
    page = load()
    tree = page.locator("body").aria_snapshot()
    names = re.findall(r'(?:button|textbox|combobox) "([^"]+)"', tree)
    assert len(set(names)) == page.locator("button, input, select").count()


def test_phone_has_no_reason_to_zoom_in_on_a_field(load: Callable[..., Any]) -> None:
    sizes = load().eval_on_selector_all(
        "input, select",
        "(fields) => fields.map((one) => parseFloat(getComputedStyle(one).fontSize))",
    )
    assert min(sizes) >= 16  # iOS does below


def test_no_text_of_others_makes_the_page_wider_than_the_screen(load: Callable[..., Any]) -> None:
    page = load()
    page.evaluate("(long) => log('/test', 'my response', long)", LONG)
    page.evaluate("(long) => show('rooms', long)", LONG)
    page.evaluate("(long) => show('state', long)", LONG)
    page.evaluate("(long) => gone({ sid: long, transport: long, reason: long, silent_s: 1 })", LONG)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_lists_and_lines_do_not_grow_for_ever(load: Callable[..., Any]) -> None:
    page = load()
    page.evaluate("""() => {
      const left = { sid: "a", transport: "polling", reason: "ping timeout", silent_s: 1 };
      for (let i = 0; i < 250; i++) {
        gone(left);
        log("/test", "my response", "x".repeat(1000));
      }
    }""")
    assert page.locator("#gone tr").count() == 200
    assert page.locator("#log li").count() == 200
    assert page.locator("#log li").first.inner_text().endswith("x" * 500 + "…")


def test_what_is_told_of_a_departure_is_a_bound(load: Callable[..., Any]) -> None:
    departures = {
        ("client disconnect", 0.41): "at most 0.5 s\nat once: it said goodbye",
        ("transport close", 1): "at most 1.0 s\nat once: connection closed",
        # It may have been cut off, and found by a server that reads with a timeout.
        ("transport close", 45.02): "at most 45.1 s",
        ("ping timeout", 23.4): "at most 23.4 s\nby the heartbeat: no answer",
        ("toString", 1): "at most 1.0 s",
    }
    page = load()
    for reason, silent_s in departures:
        page.evaluate(
            "([reason, s]) => gone({ sid: 'a', transport: 'polling', reason, silent_s: s })",
            [reason, silent_s],
        )
    told = [text.strip() for text in page.locator("#gone td:last-child").all_inner_texts()]
    assert told == list(reversed(departures.values()))


def test_chart_has_the_round_trips_of_the_last_minute_at_their_time(
    load: Callable[..., Any],
) -> None:
    page = load()
    points, label = page.evaluate("""() => {
      const now = performance.now();
      trips = [[-61, 9], [-30, 1.5], [0, 3]].map(([s, ms]) => ({ at: now + 1000 * s, ms }));
      draw();
      const chart = document.querySelector("#rtt-chart");
      return [chart.firstElementChild.getAttribute("points"), chart.getAttribute("aria-label")];
    }""")
    assert re.fullmatch(r"(150.0|149.9),31.0 (300.0|299.9),4.0", points)
    assert label.endswith("the last 3.0 ms, the longest 3.0 ms")
