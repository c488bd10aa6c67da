"""What a browser host may hold, which browser it takes, and why there may be none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest

from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.hosts import browser
from loadtests.scenarios.disconnect.hosts.browser import BrowserHost, chromium, page, unavailable

URL = "http://192.0.2.1:5000"


@pytest.fixture
def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with all that tabs need: one Chromium on PATH, and the official library."""
    library = tmp_path / "socket.io.min.js"
    library.write_text("/* io */", encoding="utf-8")
    monkeypatch.setattr(browser, "LIBRARY", library)
    monkeypatch.setattr(page, "LIBRARY", library)
    monkeypatch.setattr(browser, "find_spec", lambda name: name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "own"))
    put(tmp_path / "bin" / "chromium")
    return tmp_path


def put(command: Path) -> None:
    command.parent.mkdir(exist_ok=True)
    command.touch(mode=0o755)


def test_clients_are_those_of_all_tabs() -> None:
    assert BrowserHost(URL, Transport.POLLING, tabs=10, clients_per_tab=4).clients == 40


def test_polling_clients_leave_their_tab_connections_for_what_they_send() -> None:
    with pytest.raises(ValueError, match=r"5 polling clients per tab .* take 4 at most"):
        BrowserHost(URL, Transport.POLLING, tabs=1, clients_per_tab=5)


def test_websocket_clients_of_a_tab_share_no_such_limit() -> None:
    assert BrowserHost(URL, Transport.WEBSOCKET, tabs=1, clients_per_tab=50).clients == 50


def test_more_clients_than_chromium_has_connections_for_are_refused() -> None:
    with pytest.raises(ValueError, match="200 at most"):
        BrowserHost(URL, Transport.WEBSOCKET, tabs=51, clients_per_tab=4)


def test_what_is_refused_is_refused_as_json_too() -> None:
    words = b'{"url": "http://a", "transport": "polling", "tabs": 0, "clients_per_tab": 1}'
    with pytest.raises(msgspec.ValidationError, match="tabs"):
        msgspec.json.decode(words, type=BrowserHost)


def test_nothing_is_said_where_everything_is_there(everything: Path) -> None:
    assert unavailable() is None


def test_missing_playwright_is_the_reason(
    everything: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "find_spec", lambda name: None)
    assert unavailable() == "no tabs: the package playwright is not installed; run: make setup"


def test_missing_chromium_is_the_reason_and_says_what_to_install(everything: Path) -> None:
    (everything / "bin" / "chromium").unlink()
    why = unavailable()
    assert why is not None
    assert "neither Chromium nor Chrome is installed" in why
    assert "apt install chromium" in why
    assert "playwright install chromium" in why


def test_missing_library_is_the_reason(everything: Path) -> None:
    (everything / "socket.io.min.js").unlink()
    assert unavailable() == (
        "no tabs: the official JavaScript client is not installed; run: make node"
    )


def test_chromium_is_taken_before_chrome(everything: Path) -> None:
    put(everything / "bin" / "google-chrome")
    assert chromium.installed() == str(everything / "bin" / "chromium")


def test_chrome_will_do(everything: Path) -> None:
    (everything / "bin" / "chromium").rename(everything / "bin" / "google-chrome")
    assert chromium.installed() == str(everything / "bin" / "google-chrome")


def test_playwrights_own_is_taken_where_the_system_has_none(everything: Path) -> None:
    (everything / "bin" / "chromium").unlink()
    (everything / "own" / "chromium-1234").mkdir(parents=True)
    assert chromium.installed() == chromium.BUNDLED


def test_playwrights_own_is_found_where_it_usually_is(
    everything: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (everything / "bin" / "chromium").unlink()
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
    monkeypatch.setenv("HOME", str(everything))
    monkeypatch.setattr(sys, "platform", "linux")
    (everything / ".cache" / "ms-playwright" / "chromium-1234").mkdir(parents=True)
    assert chromium.installed() == chromium.BUNDLED


def test_every_name_of_a_tab_is_the_server() -> None:
    options = chromium.launch_options("/usr/bin/chromium", "192.0.2.1")
    assert options["executable_path"] == "/usr/bin/chromium"
    assert "--host-resolver-rules=MAP *.bench.test 192.0.2.1" in options["args"]


def test_address_of_ipv6_is_in_brackets() -> None:
    options = chromium.launch_options("/usr/bin/chromium", "::1")
    assert "--host-resolver-rules=MAP *.bench.test [::1]" in options["args"]


def test_playwrights_own_is_started_as_a_whole_browser() -> None:
    options = chromium.launch_options(chromium.BUNDLED, "192.0.2.1")
    assert options["channel"] == "chromium"
    assert "executable_path" not in options


@pytest.mark.parametrize(("user", "sandbox"), [(0, False), (1000, True)])
def test_only_root_goes_without_the_sandbox(
    user: int, sandbox: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert chromium.launch_options("chromium", "192.0.2.1")["chromium_sandbox"] is sandbox


def test_page_asks_the_server_for_nothing(everything: Path) -> None:
    source = page.html()
    assert "/* io */" in source
    assert "src=" not in source
    assert '<link rel="icon" href="data:,">' in source
