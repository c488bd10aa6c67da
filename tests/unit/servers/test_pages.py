"""The demo page as the server sends it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from werkzeug.datastructures import Headers

from servers import pages
from servers.app import create_app

SCRIPT = "/client/socket.io.min.js"


@pytest.fixture
def client_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the official JavaScript client would be installed."""
    path = tmp_path / "socket.io.min.js"
    monkeypatch.setattr(pages, "CLIENT", path)
    return path


def page(path: str = "/", **headers: str) -> tuple[int, str, Headers]:
    """Status, text and headers of what the application answers."""
    app, _socketio = create_app("threading", mode="gevent", ping_interval_s=2.5, ping_timeout_s=20)
    with closing(app.test_client().get(path, headers=headers)) as answer:
        return answer.status_code, answer.get_data(as_text=True), answer.headers


@pytest.mark.parametrize("content", [None, ""], ids=["missing", "empty"])
def test_page_without_the_client_says_what_to_install_and_asks_for_no_script(
    client_file: Path, content: str | None
) -> None:
    if content is not None:
        client_file.write_text(content, encoding="utf-8")
    status, text, _headers = page()
    assert (status, "<script" in text) == (200, False)
    assert '<p id="missing" class="missing">' in text
    assert "make node" in text
    assert page(SCRIPT)[0] == 404


def test_page_with_the_client_loads_it_from_this_server(client_file: Path) -> None:
    client_file.write_text("the client", encoding="utf-8")
    _status, text, _headers = page()
    assert f'src="{SCRIPT}"' in text
    assert '<p id="missing" class="missing" hidden>' in text
    assert page(SCRIPT)[:2] == (200, "the client")


def test_browser_asks_each_time_whether_the_client_is_a_new_one(client_file: Path) -> None:
    client_file.write_text("the client", encoding="utf-8")
    _status, _text, headers = page(SCRIPT)
    assert headers["Cache-Control"] == "no-cache"
    known = {"If-None-Match": headers["ETag"]}
    assert page(SCRIPT, **known)[0] == 304
    client_file.write_text("the next client", encoding="utf-8")
    assert page(SCRIPT, **known)[:2] == (200, "the next client")


def test_page_names_mode_and_heartbeat(client_file: Path) -> None:
    text = page()[1]
    assert '<strong id="mode">gevent</strong>' in text
    assert "pings every 2.5 s and waits 20 s for the answer" in text


@pytest.mark.parametrize("path", ["/", SCRIPT, "/static/demo.js", "/nowhere"])
def test_browser_is_told_to_run_no_script_of_the_page_and_to_ask_no_other_server(
    client_file: Path, path: str
) -> None:
    headers = page(path)[2]
    assert headers["Content-Security-Policy"].split("; ") == [
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_secret_key_is_random_unless_it_is_given() -> None:
    random = {create_app("threading")[0].config["SECRET_KEY"] for _ in range(2)}
    assert len(random) == 2
    assert all(len(key) >= 32 for key in random)
    assert create_app("threading", secret_key="mine")[0].config["SECRET_KEY"] == "mine"


def test_debugger_is_off() -> None:
    assert create_app("threading")[0].debug is False
