"""The demo page and what it loads, all from this server: it works without any other network."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, abort, render_template, send_file

#: Installed by the package manager (``make node``), never part of the repository.
CLIENT = Path(__file__).parents[1] / "node_modules/socket.io-client/dist/socket.io.min.js"

#: The page shows what others send. Were it ever taken for a script, the browser would not run it.
_POLICY = "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'"


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
            client_installed=CLIENT.is_file(),
        )

    @app.route("/client/socket.io.min.js")
    def client() -> Response:
        if not CLIENT.is_file():
            abort(404, "the official JavaScript client is not installed; run: make node")
        return send_file(CLIENT, mimetype="text/javascript", max_age=3600)

    @app.after_request
    def restrict(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response
