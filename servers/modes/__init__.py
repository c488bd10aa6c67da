"""The ways to serve the application, one adapter module each; a new module here is a new mode.

Importing this package, or an adapter, patches nothing and imports no server: that happens in the
adapter's two functions only, so that the harness can ask for the names.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIO


@dataclass(frozen=True, slots=True)
class Mode:
    """What must be true of a server that claims to run in this mode.

    Attributes:
        name: as on the command line and in reports.
        async_mode: what Flask-SocketIO must report.
        patched: whether the standard library must be monkey-patched.
        websocket: which implementation must be in use, as the READY line names it.
        packages: what it needs beyond Flask-SocketIO, by their names for ``pip install``; first the
            one that serves.
        most_connections: that it takes at the same time; None for any number.
    """

    name: str
    async_mode: str
    patched: bool
    websocket: str
    packages: tuple[str, ...]
    most_connections: int | None = None

    def missing(self) -> str | None:
        """Why it cannot serve here, in one line with the command that helps; None where it can."""
        lacking = [each for each in self.packages if find_spec(module_of(each)) is None]
        if not lacking:
            return None
        return f"mode {self.name} is not installed; run: pip install {' '.join(lacking)}"


def module_of(package: str) -> str:
    """What can be imported where a package is installed."""
    # Of uwsgi only the decorators: the rest is a program.
    others = {"gevent-websocket": "geventwebsocket", "uwsgi": "uwsgidecorators"}
    return others.get(package, package.replace("-", "_"))


#: Makes the application, once, in the process that serves it and after all patching.
Application = Callable[[], "tuple[Flask, SocketIO]"]


class Adapter(Protocol):
    """What each module of this package provides."""

    MODE: Mode

    def patch(self) -> None:
        """Replace what the mode must replace, before anything else is imported.

        Raises:
            ImportError: the mode's package cannot be imported.
        """

    def serve(self, application: Application, host: str, port: int) -> None:
        """Serve until the process is told to stop."""


def _load(module: str) -> Adapter:
    return cast("Adapter", importlib.import_module(f"{__name__}.{module}"))


#: What ``socketio.run(app)`` chooses between; compared unless others are asked for.
MAIN = ("eventlet", "gevent", "threading")

#: Mode name -> adapter.
ADAPTERS: dict[str, Adapter] = {
    adapter.MODE.name: adapter
    for adapter in (_load(found.name) for found in pkgutil.iter_modules(__path__))
}
