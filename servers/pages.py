"""The demo page and what it loads, all from this server: it works without any other network."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response, abort, render_template, send_file

#: Both are set by ``transport-bench serve``: as it was called, and where npm installs for it.
_COMMAND = os.environ.get("TRANSPORT_BENCH_COMMAND")
_NODE = os.environ.get("TRANSPORT_BENCH_NODE") or Path(__file__).parents[1]
#: Installed by the package manager (``make node``), never part of the repository.
CLIENT = Path(_NODE) / "node_modules/socket.io-client/dist/socket.io.min.js"
INSTALL = f"{_COMMAND} doctor --install" if _COMMAND else "make node"

_HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            # The page shows what others send. Were it ever taken for a script, the browser would
            # not run it. A WebSocket to this server is 'self', too (CSP level 3); a browser that
            # does not know this yet stays with long-polling.
            "default-src 'self'",
            # Neither of the next three falls back on default-src. No <base> turns the page's
            # addresses to another server.
            "base-uri 'none'",
            # The forms are the script's. Without it a message would end up in the address.
            "form-action 'none'",
            # No other page has a user click on this one unknowingly.
            "frame-ancestors 'none'",
        ]
    ),
    # Nothing becomes a script that was not sent as one.
    "X-Content-Type-Options": "nosniff",
}


def add(app: Flask, mode: str, ping_interval_s: float, ping_timeout_s: float) -> None:
    """Add the page to an application.

    Args:
        app: to add it to.
        mode: for its heading.
        ping_interval_s: of the server, to be shown.
        ping_timeout_s: of the server, to be shown.
    """

    @app.route("/")
    def index() -> str:
        return render_template(
            "index.html",
            mode=mode,
            heartbeat=f"{ping_interval_s:g} s and waits {ping_timeout_s:g} s for the answer",
            client_installed=_client_installed(),
            install=INSTALL,
        )

    @app.route("/client/socket.io.min.js")
    def client() -> Response:
        if not _client_installed():
            abort(404, f"the official JavaScript client is not installed; run: {INSTALL}")
        # Without an age the browser asks each time whether it has changed: an update is seen.
        return send_file(CLIENT, mimetype="text/javascript")

    @app.after_request
    def restrict(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _client_installed() -> bool:
    # An installation that was broken off leaves an empty file.
    return CLIENT.is_file() and CLIENT.stat().st_size > 0
