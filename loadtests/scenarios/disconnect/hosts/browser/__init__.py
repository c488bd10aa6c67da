"""Tabs of a real Chromium with the official JavaScript client, which are closed.

Run as ``python -m loadtests.scenarios.disconnect.hosts.browser CONFIG_JSON DIARY`` (see
``loadtests.scenarios.disconnect.hosts``). What is
here needs no browser, so that it can be asked for anywhere.
"""

from __future__ import annotations

from importlib.util import find_spec

import msgspec

from loadtests.record import called
from loadtests.record.application import NAMESPACE
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.hosts.browser.chromium import NO_CHROMIUM, installed
from loadtests.scenarios.disconnect.hosts.browser.page import LIBRARY
from loadtests.scenarios.scenario import Count

#: Chromium opens 6 HTTP connections to a host name (net/socket/client_socket_pool_manager.cc). Each
#: polling client holds one with its waiting GET, and needs another one now and then for a POST.
MOST_POLLING_PER_TAB = 4
#: And 256 in all of a kind: HTTP, WebSocket (the same file).
MOST_CLIENTS = 200


class BrowserHost(msgspec.Struct, frozen=True):
    """What a browser host is to hold.

    Attributes:
        url: of the server, ``http://HOST:PORT``.
        transport: the only one that clients may use.
        tabs: how many pages there are, each with a host name of its own.
        clients_per_tab: connections of each page; they go together. A client's number is
            ``tab * clients_per_tab + its place in the tab``.
        namespace: that they join.
        path: of Engine.IO.
    """

    url: str
    transport: Transport
    tabs: Count
    clients_per_tab: Count
    namespace: str = NAMESPACE
    path: str = "/socket.io"

    def __post_init__(self) -> None:
        per_tab = self.clients_per_tab
        if self.transport is Transport.POLLING and per_tab > MOST_POLLING_PER_TAB:
            raise ValueError(
                f"{per_tab} polling clients per tab are more than Chromium's connections per host "
                f"name allow; take {MOST_POLLING_PER_TAB} at most, and more tabs"
            )
        if reason := too_many(self.clients):
            raise ValueError(reason)

    @property
    def clients(self) -> int:
        """How many there are in all."""
        return self.tabs * self.clients_per_tab


def too_many(clients: int) -> str | None:
    """Why a browser cannot hold so many, in one line; None where it can."""
    if clients <= MOST_CLIENTS:
        return None
    return (
        f"{clients} clients are more than Chromium's connections allow; take {MOST_CLIENTS} at most"
    )


def unavailable() -> str | None:
    """Why there can be no tabs here, in one line that says what to do; None where there can.

    Looks at files only, and starts nothing.
    """
    if find_spec("playwright") is None:
        remedy = called.package("browser")
        return f"no tabs: the package playwright is not installed; run: {remedy}"
    if installed() is None:
        return f"no tabs: {NO_CHROMIUM}"
    if not LIBRARY.is_file():
        remedy = called.command("make node")
        return f"no tabs: the official JavaScript client is not installed; run: {remedy}"
    return None
