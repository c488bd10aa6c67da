"""A shop: an application factory with a blueprint, and a SocketIO that is made beside it."""

from __future__ import annotations

from flask import Flask

from .extensions import socketio
from .views import views


def create_app() -> Flask:
    """The application."""
    # Modules of its own whose names another project on the path would hide.
    import reports
    import servers

    assert servers.WHOSE == reports.WHOSE == "the shop's"
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "only for tests"
    app.register_blueprint(views)
    socketio.init_app(app, path="/live")
    return app
