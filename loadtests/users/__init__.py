"""What a Locust user sees: ``SocketIOUser`` and its statistics (docs/locust.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loadtests.users.socketio_user import SocketIOUser, Unanswered

__all__ = ["SocketIOUser", "Unanswered"]


def __getattr__(name: str) -> Any:
    # Locust patches the standard library when it is imported: that is for who wants its users, not
    # for who reads one of the modules beside them.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from loadtests.users import socketio_user

    return getattr(socketio_user, name)
