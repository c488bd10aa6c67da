"""``python -m loadtests.scenarios.disconnect.hosts.browser DIARY``: clients in tabs.

Nothing needs to be cleaned up if this process is killed: playwright's driver ends with its standard
input, which is our pipe, and closes the browser; Chromium ends with its pipe from the driver.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from loadtests.record.exits import Exit
from loadtests.scenarios.disconnect.hosts.browser import BrowserHost, unavailable
from loadtests.scenarios.disconnect.hosts.browser.chromium import DOMAIN, installed, launch_options
from loadtests.scenarios.disconnect.hosts.browser.page import html
from loadtests.scenarios.disconnect.hosts.diary import Diary

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Route

#: Where a tab's page seems to be.
_PAGE = "/transport-bench.html"


def main() -> None:
    """Hold what the configuration says, until standard input ends."""
    (path,) = sys.argv[1:]
    words = sys.stdin.buffer.readline()  # the next line comes when all have joined
    diary = Diary(Path(path))
    try:
        config = msgspec.json.decode(words, type=BrowserHost)
    except msgspec.DecodeError as error:
        diary.failed(str(error))
        sys.exit(Exit.WRONG_CALL)
    why = unavailable()
    if why is not None:
        diary.failed(why)
        sys.exit(Exit.FAILED)
    sys.exit(asyncio.run(_hold(config, diary)))


async def _hold(config: BrowserHost, diary: Diary) -> int:
    from playwright.async_api import Error

    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)
    try:
        async with _tabs(config, diary) as tabs:
            await _until(_live(tabs, config), asked_to_end)
    except (Error, _NotJoined) as error:
        print(error, file=sys.stderr)  # all of it, into the log
        diary.failed(_first_line(error))
        return 4
    return 0


@asynccontextmanager
async def _tabs(config: BrowserHost, diary: Diary) -> AsyncIterator[list[_Tab]]:
    """A browser and its tabs to be, until the block ends."""
    from playwright.async_api import Error, async_playwright

    executable = installed()
    assert executable is not None, "unavailable() has looked"
    host = urlsplit(config.url).hostname
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options(executable, f"{host}"))
        # One context for all: each of its own would cost as much as the rest of a tab.
        context = await browser.new_context()
        tabs = [_Tab(number, config, context, diary) for number in range(config.tabs)]
        try:
            yield tabs
        finally:
            for tab in tabs:
                tab.stays = False
            with suppress(Error):  # it has ended by itself
                await browser.close()
            await asyncio.gather(*(tab.watch for tab in tabs if tab.watch is not None))


async def _live(tabs: Sequence[_Tab], config: BrowserHost) -> None:
    """Connect everybody, and send them away when standard input says so, until it ends."""
    words = await _standard_input()
    source = html()
    # Together they take two thirds of the time that they would take one after the other.
    await asyncio.gather(*(tab.join(source) for tab in tabs))
    line = await words.readline()
    if line:
        due_ns = json.loads(line)["due_ns"][:: config.clients_per_tab]
        pairs = zip(tabs, due_ns, strict=True)
        leaving = asyncio.gather(*(tab.leave(due) for tab, due in pairs))
        await words.read()
        leaving.cancel()


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def _until(work: Coroutine[Any, Any, None], asked_to_end: asyncio.Event) -> None:
    """Do the work, to its end or until asked to end."""
    working = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(asked_to_end.wait())
    await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if working.done():
        working.result()
    working.cancel()
    await asyncio.wait({working})


class _NotJoined(Exception):
    """A client could not connect."""


class _Tab:
    """A page and its clients.

    Args:
        number: from 0.
        config: of the host.
        context: where it is to be opened.
        diary: where to say what happens to its clients.

    Attributes:
        stays: whether its clients are to stay connected, once they have joined.
        watch: sees to that, once the page is there.
    """

    def __init__(
        self, number: int, config: BrowserHost, context: BrowserContext, diary: Diary
    ) -> None:
        server = urlsplit(config.url)
        port = "" if server.port is None else f":{server.port}"
        self._origin = f"{server.scheme}://tab{number}.{DOMAIN}{port}"
        self._transport = config.transport
        self._server = config.url
        self._namespace, self._path = config.namespace, config.path
        first = number * config.clients_per_tab
        self._clients = range(first, first + config.clients_per_tab)
        self._context = context
        self._page: Page | None = None
        self._diary = diary
        self.stays = True
        self.watch: asyncio.Task[None] | None = None

    async def join(self, source: str) -> None:
        """Open the page, and connect its clients.

        Raises:
            _NotJoined: one of them could not.
        """
        page = self._page = await self._context.new_page()
        await self._load(page, source)
        self.watch = asyncio.create_task(self._watch(page))
        outcomes = await page.evaluate(
            "options => join(options)",
            {
                "url": self._origin + self._namespace,
                "path": self._path,
                "clients": len(self._clients),
                "transport": self._transport,
            },
        )
        for client, outcome in zip(self._clients, outcomes, strict=True):
            if "why" in outcome:
                raise _NotJoined(
                    f"client {client} could not connect to {self._server} "
                    f"over {self._transport}: {outcome['why']}"
                )
            self._diary.joined(client, outcome["sid"])

    async def _watch(self, page: Page) -> None:
        """Say so if a client is lost; then none of its tab is to go, since they go together."""
        from playwright.async_api import Error

        try:
            loss = await page.evaluate("lost")
            why = f"its tab lost client {self._clients[loss['place']]}: {loss['why']}"
        except Error as error:
            why = f"its tab has ended: {_first_line(error)}"
        if self.stays:
            for client in self._clients:
                self._diary.lost(client, why)

    async def _load(self, page: Page, source: str) -> None:
        """Show the page at the server's own origin without asking the server for it.

        While anything is routed, Chromium lets every request wait for playwright's leave, so the
        page is loaded, and routing switched off again, before there is a client.
        """

        async def answer(route: Route) -> None:
            await route.fulfill(body=source, content_type="text/html")

        await page.route(self._origin + _PAGE, answer)
        await page.goto(self._origin + _PAGE)
        await page.unroute(self._origin + _PAGE)

    async def leave(self, due_ns: int) -> None:
        """Close the page at that time (monotonic), if nobody was lost."""
        assert self._page is not None, "it has joined"
        assert self.watch is not None, "it has joined"
        await asyncio.sleep((due_ns - time.monotonic_ns()) / 1e9)
        if self.watch.done():
            return
        self.stays = False
        gone_ns = time.monotonic_ns()
        # As a user does: it does not ask the page, which hears of it (pagehide) and goes.
        await self._page.close()
        for client in self._clients:
            self._diary.gone(client, gone_ns, None)


def _first_line(error: Exception) -> str:
    """Playwright adds what the browser said, and more."""
    return str(error).partition("\n")[0]


if __name__ == "__main__":
    main()
