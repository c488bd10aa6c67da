"""Clients that join rooms and leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.record.application import JOIN_EVENT, LEAVE_EVENT

if TYPE_CHECKING:
    from loadtests.client.session import Session

#: What the application answers both with.
_ROOMS_EVENT = "my rooms"


class Mover:
    """A client that joins a room and leaves it, again and again.

    Attributes:
        moves: that were answered.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._moving = self._inside = self._waiting = False
        self.moves = 0
        session.on(_ROOMS_EVENT, self._answered)

    @property
    def waiting(self) -> bool:
        """Whether an answer is still to come."""
        return self._waiting and self._session.ended is None

    def join(self, room: str) -> None:
        """Join a room for good."""
        self._waiting = True
        self._session.emit(JOIN_EVENT, {"room": room})

    def begin(self) -> None:
        """Join and leave until told to stop."""
        self._moving = True
        self._move()

    def stop(self) -> None:
        """Do it no more."""
        self._moving = False

    def _move(self) -> None:
        self._waiting = True
        event = LEAVE_EVENT if self._inside else JOIN_EVENT
        self._inside = not self._inside
        self._session.emit(event, {"room": "coming and going"})

    def _answered(self, _arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
        self._waiting = False
        self.moves += 1
        if self._moving:
            self._move()
