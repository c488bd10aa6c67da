"""What a user does with the events that arrive: handlers, and those who wait for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from gevent.event import AsyncResult

#: An event's name and its namespace; None is the session's own.
Key = tuple[str, str | None]

#: How many of an expected event are kept until somebody waits for them: the latest.
KEPT = 100


def named(event: str, namespace: str | None) -> str:
    """How the statistics name an event: with its namespace where that is not the user's own."""
    return event if namespace is None else f"{namespace} {event}"


class Found(NamedTuple):
    """An event's arguments, when the kernel had it and when it was read (monotonic ns).

    Or those of an acknowledgement.
    """

    arguments: list[Any]
    kernel_ns: int
    user_ns: int

    @property
    def value(self) -> Any:
        """The argument; a tuple if there are several, None if there is none."""
        return self.arguments[0] if len(self.arguments) == 1 else tuple(self.arguments) or None

    @property
    def length(self) -> int:
        """Bytes of the arguments as JSON, without the brackets."""
        return len(msgspec.json.encode(self.arguments)) - 2


class Waiting(NamedTuple):
    """Somebody who waits for an event that satisfies ``matching``."""

    answer: AsyncResult
    matching: Callable[..., Any] | None

    def wants(self, arguments: list[Any]) -> bool:
        """Whether this is it.

        Raises:
            RuntimeError: ``matching`` has raised something.
        """
        if self.matching is None:
            return True
        try:
            return bool(self.matching(*arguments))
        except Exception as error:
            raise RuntimeError(f"matching= raised {type(error).__name__}: {error}") from error


class Inbox:
    """Of one user.

    Args:
        expects: events of the session's own namespace that are kept until somebody waits for them.
        broken: told of what a ``matching`` raised while an event arrived: who waits is elsewhere.
    """

    def __init__(self, expects: Sequence[str], broken: Callable[[Key, RuntimeError], None]) -> None:
        self._broken = broken
        self._handlers: dict[Key, Callable[..., Any]] = {}
        self._waiting: dict[Key, list[Waiting]] = {(event, None): [] for event in expects}
        self._kept: dict[Key, deque[Found]] = {
            (event, None): deque(maxlen=KEPT) for event in expects
        }

    def handle(self, key: Key, handler: Callable[..., Any]) -> bool:
        """Have a handler called; whether the event was not listened to before."""
        self._handlers[key] = handler
        return self._listen(key)

    def keys(self, namespace: str | None) -> Iterator[Key]:
        """What is listened to in a namespace."""
        return (key for key in self._waiting if key[1] == namespace)

    def wait(self, key: Key, matching: Callable[..., Any] | None) -> tuple[Waiting, bool]:
        """Begin to wait; whether the event was not listened to before."""
        waiting = Waiting(AsyncResult(), matching)
        is_new = self._listen(key)
        self._waiting[key].append(waiting)
        return waiting, is_new

    def dismiss(self, key: Key, waiting: Waiting) -> None:
        """Wait no more."""
        self._waiting[key] = [each for each in self._waiting[key] if each is not waiting]

    def take_kept(self, key: Key, waiting: Waiting) -> None:
        """Be content with what was kept, and forget what was kept before that.

        Raises:
            RuntimeError: ``matching`` has raised something; all is kept.
        """
        kept = self._kept.get(key)
        if not kept:
            return
        for number, found in enumerate(tuple(kept), start=1):
            if waiting.wants(found.arguments):
                for _ in range(number):
                    kept.popleft()
                waiting.answer.set(found)
                return
        kept.clear()

    def deliver(self, key: Key, found: Found) -> Any:
        """An event has arrived: the first who waits for it gets it, and its handler.

        Returns:
            What the handler returned; None if there is none.
        """
        for waiting in self._waiting[key]:
            if self._wanted(key, waiting, found):
                self._waiting[key].remove(waiting)
                waiting.answer.set(found)
                break
        else:
            if key in self._kept:
                self._kept[key].append(found)
        handler = self._handlers.get(key)
        return None if handler is None else handler(*found.arguments)

    def _wanted(self, key: Key, waiting: Waiting, found: Found) -> bool:
        try:
            return waiting.wants(found.arguments)
        except RuntimeError as error:
            self._broken(key, error)
            return False

    def _listen(self, key: Key) -> bool:
        is_new = key not in self._waiting
        if is_new:
            self._waiting[key] = []
        return is_new
