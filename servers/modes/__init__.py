"""The ways to serve the application, one adapter module each; a new module here is a new mode.

Importing this package, or an adapter, patches nothing and imports no server: that happens in the
adapter's two functions only, so that the harness can ask for the names.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
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
        package: what must be importable, also its name for ``pip install``.
        most_connections: that it takes at the same time; None for any number.
    """

    name: str
    async_mode: str
    patched: bool
    package: str
    most_connections: int | None = None


class Adapter(Protocol):
    """What each module of this package provides."""

    MODE: Mode

    def patch(self) -> None:
        """Replace what the mode must replace, before anything else is imported.

        Raises:
            ImportError: the mode's package cannot be imported.
        """

    def serve(self, app: Flask, socketio: SocketIO, host: str, port: int) -> None:
        """Serve until the process is told to stop."""


def _load(module: str) -> Adapter:
    return cast("Adapter", importlib.import_module(f"{__name__}.{module}"))


#: Mode name -> adapter.
ADAPTERS: dict[str, Adapter] = {
    adapter.MODE.name: adapter
    for adapter in (_load(found.name) for found in pkgutil.iter_modules(__path__))
}
