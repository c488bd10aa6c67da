"""What somebody does on the demo page and sees there."""

from __future__ import annotations

from typing import Any

from loadtests.machine.launch import RunningServer

#: What the page's switch offers -> the transport that it comes to.
TRANSPORTS = {
    "polling": "polling",
    "websocket": "websocket",
    "polling,websocket": "websocket",  # the upgrade
}
#: As HTML this would be elements. Short enough for the name of a room.
HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"


def opened(context: Any, server: RunningServer, transports: str = "polling,websocket") -> Any:
    """A page that is connected."""
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(server.url)
    expect_state(page, "connected")
    if transports != "polling,websocket":
        page.select_option("#transports", transports)
    expect(page, "#transport", TRANSPORTS[transports])
    expect_state(page, "connected")
    return page


def expect_state(page: Any, state: str) -> None:
    """Exactly that: "disconnected" has the other word in it."""
    page.wait_for_function(
        "(state) => document.querySelector('#state').textContent === state", arg=state
    )


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
    """All that the server had sent to the page by now has arrived.

    Handlers overtake each other, packets of one connection do not: the acknowledgement of an event
    that is sent now comes behind them.
    """
    page.evaluate("() => test.timeout(15000).emitWithAck('my ping')")


def enabled(page: Any) -> list[str]:
    """The controls that can be used, by their id or their form's."""
    return list(
        page.eval_on_selector_all(
            "input:enabled, select:enabled, button:enabled",
            "(controls) => controls.map((one) => one.id || one.form.id)",
        )
    )


def expect_no_elements_of_others(page: Any) -> None:
    assert page.locator("main img, main script").count() == 0
