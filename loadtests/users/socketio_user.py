"""A Locust user with a Socket.IO session, for scenarios of your own: see docs/locust.md."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import gevent
import msgspec
from gevent.event import AsyncResult
from locust import User
from locust.env import Environment
from locust.exception import RescheduleTask, StopUser

from loadtests.arithmetic.series import UNKNOWN
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import Server
from loadtests.client.session import Session
from loadtests.record.words import Transport
from loadtests.users.plugin import TRANSPORTS
from loadtests.users.recording import Recorder, errors_logged, recorder_of
from loadtests.users.telling import compression_of, located, target_of

#: For the server to take our goodbye.
_GOODBYE_S = 0.1

logger = logging.getLogger(__name__)


class Unanswered(RescheduleTask):
    """No answer in time. It is recorded; not caught, it ends the task as ``return`` does."""


class _Waiting(NamedTuple):
    answer: AsyncResult
    matching: Callable[..., Any] | None


class SocketIOUser(User):
    """A user with a Socket.IO session: connected before ``on_start``, until after ``on_stop``.

    What it waits for is recorded in Locust's statistics, up to when the kernel had the answer.
    Times are integers of ``time.monotonic_ns``.

    Attributes:
        transports: one, or polling and websocket for a session that is upgraded; None leaves it
            to ``--transport``.
        namespace: to join.
        auth: for the server's connect handler; any JSON.
        timeout_s: how long to wait for an answer, unless a call says otherwise.
        arrived_ns: in a handler of an event, when the kernel had it.
    """

    abstract = True
    transports: ClassVar[Sequence[Transport | str] | None] = None
    namespace: ClassVar[str] = "/"
    auth: Any = None
    timeout_s: ClassVar[float] = 10.0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.arrived_ns = 0
        self._now_ns: Callable[[], int] = time.monotonic_ns
        self._read_ns: int | None = None
        self._session: Session | None = None
        self._connected = False
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._waiting: dict[str, list[_Waiting]] = {}
        self._recorder: Recorder = recorder_of(environment)
        self._request_type = self.carriage(environment.parsed_options)
        # A subclass need not call super(), and a session is there for all of it. Locust logs a
        # traceback for whatever on_start raises, even for its own way to stop a user.
        self._own_on_start: Callable[[], Any] = self.on_start
        self._own_on_stop: Callable[[], Any] = self.on_stop
        vars(self).update(on_start=self._begin, on_stop=self._finish)

    @classmethod
    def carriage(cls, options: Any) -> str:
        """The name of its transports: one of TRANSPORTS, and Locust's request type."""
        if cls.transports is None:
            return str(getattr(options, "transport", Transport.WEBSOCKET))
        order = tuple(str(each) for each in cls.transports)
        for name, transports in TRANSPORTS.items():
            if transports == order:
                return name
        raise ValueError(
            f"{cls.__name__}.transports is {order}: polling, websocket, or polling and websocket"
        )

    @property
    def session(self) -> Session:
        """The session beneath, for what is not here."""
        if self._session is None:
            raise RuntimeError(f"{type(self).__name__} is not connected yet")
        return self._session

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event, with bytes among its arguments or not. Nothing is recorded."""
        self.session.emit(event, *arguments)

    def call(
        self, event: str, *arguments: Any, name: str | None = None, timeout_s: float | None = None
    ) -> Any:
        """Send an event and wait for its acknowledgement.

        Args:
            event: to send.
            arguments: of the event.
            name: in the statistics; the event's if None.
            timeout_s: how long to wait.

        Returns:
            What the server's handler returned, a tuple if it was several values.

        Raises:
            Unanswered: it did not come in time.
        """
        answer = AsyncResult()
        begun_ns = self._now_ns()
        self.session.emit(event, *arguments, on_ack=lambda *found: answer.set(found))
        return self._wait(answer, name or event, begun_ns, timeout_s)

    def ask(
        self,
        event: str,
        *arguments: Any,
        answer: str,
        matching: Callable[..., Any] | None = None,
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
            name: in the statistics; the event's if None.
            timeout_s: how long to wait.

        Returns:
            The answer's argument, a tuple if there are several.

        Raises:
            Unanswered: it did not come in time.
        """
        waiting = _Waiting(AsyncResult(), matching)
        self._listen(answer)
        self._waiting[answer].append(waiting)
        begun_ns = self._now_ns()
        try:
            self.session.emit(event, *arguments)
            return self._wait(waiting.answer, name or event, begun_ns, timeout_s)
        finally:
            self._waiting[answer] = [each for each in self._waiting[answer] if each is not waiting]

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        """Have ``handler(*arguments)`` called for an event.

        What the server sends at once after the connect needs its handler in ``__init__``. A handler
        runs in gevent's loop and must not block. What it returns is the acknowledgement, if the
        server wants one.
        """
        self._handlers[event] = handler
        self._listen(event)

    def record(self, name: str, since_ns: int, length: int = 0) -> None:
        """Record a time of one's own: from a moment to the arrival of the event being handled.

        Args:
            name: in the statistics.
            since_ns: of ``time.monotonic_ns``.
            length: of what arrived, in bytes.

        Raises:
            RuntimeError: no event is being handled.
        """
        if self._read_ns is None:
            raise RuntimeError(
                f"record({name!r}) outside a handler: it measures up to the arrival of the event "
                "being handled, and there is none"
            )
        series = self._recorder.series(self._request_type, name)
        series.arrived(since_ns, UNKNOWN, self.arrived_ns, self._read_ns, length)

    def connect(self) -> None:
        """Open the session and join the namespace, and record it. Called before ``on_start``.

        Raises:
            StopUser: refused or not answered, which is recorded.
        """
        begun_ns = self._now_ns()
        failure = self._attempt("connect", begun_ns, self._open)
        if failure is None and self._request_type == "upgrade":
            # Both begin with the first request: the upgrade may be over before the connect.
            failure = self._attempt("upgrade", begun_ns, self.session.wait_for_upgrade)
        if failure is not None:
            raise StopUser from failure
        self._recorder.start()
        self._recorder.checks.add(self.check)

    def disconnect(self) -> None:
        """Say goodbye and close the session. Called after ``on_stop``."""
        if self._session is not None and self._session.ended is None:
            self._session.close()
            gevent.sleep(_GOODBYE_S)

    def check(self) -> None:
        """Stop this user if its session was lost, which is recorded. Called twice a second."""
        if self.session.ended is None:
            return
        self._recorder.checks.discard(self.check)
        failure = ConnectionFailed(self.session.ended)
        with errors_logged():
            self._recorder.fire(self._request_type, "disconnect", 0, failure)
        greenlet: Any = self.greenlet
        if greenlet is not None:  # there is none in locust.run_single_user
            greenlet.kill(block=False)

    def make_session(self, server: Server) -> Session:
        """A session that is not connected yet."""
        namespace = server.target.namespace or self.namespace
        return Session(server, TRANSPORTS[self._request_type], namespace)

    def locate(self) -> Server:
        """Where to connect to, and what is said there.

        Raises:
            ConnectionFailed: nobody knows where that is.
        """
        options = self.environment.parsed_options
        return located(self.host or "", target_of(options), compression=compression_of(options))

    def _begin(self) -> None:
        try:
            self.connect()
            self._connected = True
            self._own_on_start()
        except (StopUser, RescheduleTask) as stopped:
            raise gevent.GreenletExit from stopped
        except Exception:
            self._leave()
            raise

    def _finish(self) -> None:
        try:
            if self._connected:
                self._own_on_stop()
        finally:
            self._leave()

    def _leave(self) -> None:
        self._recorder.checks.discard(self.check)
        try:
            self.disconnect()
        finally:
            if self._session is not None:
                self._session.kill()

    def _open(self) -> None:
        server = self.locate()
        self._session = self.make_session(server)
        for event in self._waiting:
            self._session.on(event, partial(self._received, event))
        auth = self.auth if server.target.auth is None else server.target.auth
        self._session.connect(auth, self.timeout_s)

    def _attempt(
        self, name: str, begun_ns: int, action: Callable[[], None]
    ) -> ConnectionFailed | None:
        failure = None
        try:
            action()
        except ConnectionFailed as error:
            failure = error
        self._recorder.fire(self._request_type, name, self._now_ns() - begun_ns, failure)
        return failure

    def _listen(self, event: str) -> None:
        if event not in self._waiting:
            self._waiting[event] = []
            if self._session is not None:
                self._session.on(event, partial(self._received, event))

    def _received(
        self, event: str, arguments: list[Any], kernel_ns: int, user_ns: int
    ) -> list[Any] | None:
        self.arrived_ns, self._read_ns = kernel_ns, user_ns
        try:
            for waiting in self._waiting[event]:
                if waiting.matching is None or waiting.matching(*arguments):
                    self._waiting[event].remove(waiting)
                    waiting.answer.set((arguments, kernel_ns, user_ns))
                    break
            handler = self._handlers.get(event)
            answer = None if handler is None else handler(*arguments)
        except Exception as error:  # theirs, as in a task: Locust reports it and goes on
            self.environment.events.user_error.fire(
                user_instance=self, exception=error, tb=error.__traceback__
            )
            logger.error("%s\n%s", error, traceback.format_exc())
            return None
        finally:
            self._read_ns = None
        if answer is None:
            return []
        return list(answer) if isinstance(answer, tuple) else [answer]

    def _wait(self, answer: AsyncResult, name: str, begun_ns: int, timeout_s: float | None) -> Any:
        patience_s = self.timeout_s if timeout_s is None else timeout_s
        try:
            found = answer.wait(timeout=patience_s)
        except gevent.GreenletExit:  # by Locust, or by `check`
            if self.session.ended is None:
                self._recorder.board.of(self._request_type, name).in_flight += 1
            else:
                with errors_logged():  # nothing that listens is to take the place of the exit
                    self._lost(name, begun_ns, "before the session was lost")
            raise
        if found is None:
            self._lost(name, begun_ns, f"within {patience_s:g} s")
            raise Unanswered
        arguments, kernel_ns, user_ns = found
        series = self._recorder.series(self._request_type, name)
        series.arrived(begun_ns, UNKNOWN, kernel_ns, user_ns, _length(arguments))
        return arguments[0] if len(arguments) == 1 else tuple(arguments) or None

    def _lost(self, name: str, begun_ns: int, when: str) -> None:
        failure = ConnectionFailed(f"no answer {when}")
        took_ns = self._now_ns() - begun_ns
        self._recorder.fire(self._request_type, name, took_ns, failure, lost=True)


def _length(arguments: list[Any]) -> int:
    """Bytes of the arguments as JSON, without the brackets."""
    return len(msgspec.json.encode(arguments)) - 2
