"""What is told of a page that has gone."""

from __future__ import annotations

from typing import Any

from servers import presence
from servers.presence import Absence


def test_gone_page_was_silent_since_it_last_reported() -> None:
    environ: dict[str, Any] = {}
    presence.heard(environ, "a", "polling", 1_000_000_000)
    presence.heard(environ, "a", "websocket", 3_000_000_000)
    found = presence.gone(environ, "a", "ping timeout", 4_500_000_000)
    assert found == Absence("a", "websocket", "ping timeout", 1.5)


def test_client_that_never_reported_is_nobodys_news() -> None:
    assert presence.gone({}, "a", "ping timeout", 1) is None


def test_client_is_told_of_once() -> None:
    environ: dict[str, Any] = {}
    presence.heard(environ, "b", "polling", 1)
    presence.gone(environ, "b", "client disconnect", 2)
    assert presence.gone(environ, "b", "client disconnect", 3) is None


def test_report_of_an_earlier_stay_on_the_same_connection_does_not_count() -> None:
    environ: dict[str, Any] = {}
    presence.heard(environ, "before", "polling", 1)
    assert presence.gone(environ, "after", "client disconnect", 2) is None
