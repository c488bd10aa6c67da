"""A Locust user with a Socket.IO session, for scenarios of your own: see docs/locust.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gevent.event import AsyncResult
from locust.env import Environment

from loadtests.arithmetic.series import UNKNOWN
from loadtests.client.arrivals import clocks_apart_ns
from loadtests.users import faults, moments
from loadtests.users.answers import Asked, Unanswered
from loadtests.users.connected_user import EMIT, NOT_SENT, ConnectedUser
from loadtests.users.given import check_callable, check_names
from loadtests.users.inbox import Found, Key, named

__all__ = ["EMIT", "SocketIOUser", "Unanswered"]


class SocketIOUser(ConnectedUser):
    """A user with a Socket.IO session that speaks: see ConfiguredUser for how that is made.

    What it waits for is recorded in Locust's statistics, up to when the kernel had the answer.
    Times are integers of ``time.monotonic_ns``.

    Attributes:
        arrived_ns: in a handler of an event, when the kernel had it.
    """

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.arrived_ns = 0
        self._read_ns: int | None = None

    def emit(
        self, event: str, *arguments: Any, namespace: str | None = None, name: str | None = None
    ) -> None:
        """Send an event, with bytes among its arguments or not.

        It is counted as an ``emit`` when it goes out, or as a failure where it never does.

        Args:
            event: to send.
            arguments: of the event.
            namespace: one that was joined; the user's own if None.
            name: in the statistics; the event's if None.

        Raises:
            Unanswered: a session that was lost did not come back in time.
        """
        row, where = self._row(event, namespace, name)
        if self._is_there(where):
            self._unsent[row] += 1
            try:
                self.session.emit(
                    event, *arguments, namespace=where, leaves=partial(self._left, row)
                )
            except Exception:  # that cannot be sent at all
                self._unsent[row] -= 1
                raise
            return
        self._recorder.count(EMIT, row, NOT_SENT)
        if self.reconnect and self._read_ns is None and not self._stopping:
            raise Unanswered

    def call(
        self,
        event: str,
        *arguments: Any,
        namespace: str | None = None,
        name: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Send an event and wait for its acknowledgement.

        Args:
            event: to send.
            arguments: of the event.
            namespace: one that was joined; the user's own if None.
            name: in the statistics; the event's if None.
            timeout_s: how long to wait.

        Returns:
            What the server's handler returned, a tuple if it was several values.

        Raises:
            Unanswered: it did not come in time.
        """
        answer = AsyncResult()
        row, where = self._row(event, namespace, name)
        asked = self._asked(row)
        self._have_session(where, asked)
        self.session.emit(
            event, *arguments, on_ack=lambda *found: answer.set(Found(*found)), namespace=where
        )
        return self._wait(asked, answer, timeout_s)

    def ask(
        self,
        event: str,
        *arguments: Any,
        answer: str,
        matching: Callable[..., Any] | None = None,
        namespace: str | None = None,
        name: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Send an event and wait for another that answers it.

        Args:
            event: to send.
            arguments: of the event.
            answer: the event to wait for.
            matching: called with its arguments; the first for which it is true is the answer, so
                that others' messages are not taken for it. It must not block.
            namespace: of both; one that was joined, the user's own if None.
            name: in the statistics; the event's if None.
            timeout_s: how long to wait.

        Returns:
            The answer's argument, a tuple if there are several.

        Raises:
            Unanswered: it did not come in time.
        """
        check_names(answer)
        if matching is not None:
            check_callable("matching=", matching)
        row, where = self._row(event, namespace, name)
        asked = self._asked(row)
        self._have_session(where, asked)
        key = (answer, where)
        waiting, is_new = self._inbox.wait(key, matching)
        if is_new:
            self._listen(key)
        try:
            self.session.emit(event, *arguments, namespace=where)
            return self._wait(asked, waiting.answer, timeout_s)
        finally:
            self._inbox.dismiss(key, waiting)

    def wait_for(
        self,
        event: str,
        matching: Callable[..., Any] | None = None,
        *,
        namespace: str | None = None,
        name: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Wait for an event that the server sends by itself.

        How long that takes is no latency of the server's, so an event that comes is recorded only
        where there is a ``name``. One that does not come is a failure in any case.

        Args:
            event: to wait for; one that ``expects`` names may have come already.
            matching: called with its arguments; the first for which it is true is meant. It must
                not block.
            namespace: one that was joined; the user's own if None.
            name: in the statistics.
            timeout_s: how long to wait.

        Returns:
            The event's argument, a tuple if there are several.

        Raises:
            Unanswered: it did not come in time.
        """
        if matching is not None:
            check_callable("matching=", matching)
        row, where = self._row(event, namespace, name)
        asked = self._asked(row if name else f"wait_for {row}")
        key = (event, where)
        waiting, is_new = self._inbox.wait(key, matching)
        if is_new:
            self._listen(key)
        try:
            self._inbox.take_kept(key, waiting)
            return self._wait(asked, waiting.answer, timeout_s, timed=name is not None)
        finally:
            self._inbox.dismiss(key, waiting)

    def on(self, event: str, handler: Callable[..., Any], *, namespace: str | None = None) -> None:
        """Have ``handler(*arguments)`` called for an event.

        What the server sends at once after the connect needs its handler in ``__init__``. A handler
        runs in gevent's loop and must not block. What it returns is the acknowledgement, if the
        server wants one.
        """
        check_names(event)
        check_callable("a handler", handler)
        key = (event, None if namespace == self._own else namespace)
        if self._inbox.handle(key, handler):
            self._listen(key)

    def record(
        self,
        name: str,
        since_ns: int | None = None,
        length: int = 0,
        *,
        since_wall_ns: int | None = None,
    ) -> None:
        """Record a time of one's own: from a moment to the arrival of the event being handled.

        Args:
            name: in the statistics.
            since_ns: of ``time.monotonic_ns`` on this host.
            length: of what arrived, in bytes.
            since_wall_ns: in place of since_ns: of ``time.time_ns`` on this host. It is converted
                with the difference of the two clocks as it is now.

        Raises:
            RuntimeError: no event is being handled.
            ValueError: nothing can be timed from that moment: it is still to come, or was long
                before the session, so that it is of another clock.
        """
        check_names(name)
        if self._read_ns is None:
            raise RuntimeError(
                f"record({name!r}) outside a handler: it measures up to the arrival of the event "
                "being handled, and there is none"
            )
        due_ns = self._due(name, since_ns, since_wall_ns)
        series = self._recorder.series(self._request_type, name)
        series.arrived(due_ns, UNKNOWN, self.arrived_ns, self._read_ns, length)

    def _received(
        self, key: Key, arguments: list[Any], kernel_ns: int, user_ns: int
    ) -> list[Any] | None:
        self.arrived_ns, self._read_ns = kernel_ns, user_ns
        try:
            answer = self._inbox.deliver(key, Found(arguments, kernel_ns, user_ns))
        except Exception as error:  # theirs, as in a task: Locust reports it and goes on
            faults.tell(self, f"a handler of {named(*key)} raised {type(error).__name__}", error)
            return None
        finally:
            self._read_ns = None
        if answer is None:
            return []
        return list(answer) if isinstance(answer, tuple) else [answer]

    def _left(self, row: str) -> None:
        self._unsent[row] -= 1
        self._recorder.count(EMIT, row)

    def _row(self, event: str, namespace: str | None, name: str | None) -> tuple[str, str | None]:
        """The name in the statistics, and where the event belongs."""
        check_names(event, *([name] if name else []))
        where = self._where(namespace)
        return name or named(event, where), where

    def _where(self, namespace: str | None) -> str | None:
        if namespace is None or namespace == self._own:
            return None
        if namespace not in self._joined:
            raise ValueError(
                f"{namespace} was not joined: self.join({namespace!r}) comes first; "
                f"joined: {', '.join([self._own, *self._joined])}"
            )
        return namespace

    def _is_there(self, where: str | None) -> bool:
        """Whether there is a session to send over, if need be after waiting for its return."""
        in_handler = self._read_ns is not None
        if self.session.ended is None:
            if self._back.is_set():
                return True
            # On its way back: a handler is called before further namespaces are joined again.
            if in_handler and (where is None or where in self.session.namespaces):
                return True
        if not self.reconnect or in_handler or self._stopping:
            return False
        self.check()
        return bool(self._back.wait(self.timeout_s))

    def _asked(self, name: str) -> Asked:
        return Asked(self._request_type, name, self._now_ns())

    def _have_session(self, where: str | None, asked: Asked) -> None:
        """Wait for a session that is to come back; one that is not ends its user soon."""
        if self.reconnect and not self._is_there(where):
            self._answers.lost(asked, "while its user's session was lost")
            raise Unanswered

    def _wait(
        self, asked: Asked, answer: AsyncResult, timeout_s: float | None, *, timed: bool = True
    ) -> Any:
        patience_s = self.timeout_s if timeout_s is None else timeout_s
        return self._answers.wait(asked, answer, patience_s, timed=timed).value

    def _due(self, name: str, since_ns: int | None, since_wall_ns: int | None) -> int:
        if (since_ns is None) == (since_wall_ns is None):
            raise ValueError(f"record({name!r}): either since_ns or since_wall_ns")
        try:
            if since_ns is not None:
                return moments.due(since_ns, self.arrived_ns, self._begun_ns)
            assert since_wall_ns is not None, "one of the two is there"
            return moments.due_by_wall(
                since_wall_ns, clocks_apart_ns(), self.arrived_ns, self._begun_ns
            )
        except ValueError as error:
            raise ValueError(f"record({name!r}): {error}") from None
