"""A user's session as it is made, lost, made again and left; socketio_user is what it says."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from http.cookiejar import CookieJar
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.exception import RescheduleTask, StopUser

from loadtests.client.errors import ConnectionFailed
from loadtests.client.hearing import PUT_OUT
from loadtests.client.session import Session
from loadtests.client.target import check_json, check_namespace
from loadtests.users import faults
from loadtests.users.answers import Answers, Unanswered
from loadtests.users.attributes import value_of
from loadtests.users.configured_user import ConfiguredUser
from loadtests.users.inbox import Inbox, Key, named
from loadtests.users.reconnecting import delays_s
from loadtests.users.recording import Recorder, errors_logged, recorder_of

#: Locust's request type of what is sent and nobody waits for: no row of an answer has it.
EMIT = "emit"

#: Of an event that had no session to go out over, or had not gone out when that ended. Over
#: long-polling one waits for the answer to the POST before.
NOT_SENT = "not sent: its user's session was lost"
STOPPED_BEFORE = "not sent: its user was stopped before it went out"

#: For the server to take our goodbye.
_GOODBYE_S = 0.1

#: How the application's own refusal begins; that of a proxy whose server is away is another.
_REFUSED = re.compile(r"namespace \S+ refused: ")


class ConnectedUser(ConfiguredUser):
    """A user with a Socket.IO session: connected before ``on_start``, until after ``on_stop``.

    How it connects and what it does when the session is lost are ConfiguredUser's attributes.
    """

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._now_ns: Callable[[], int] = time.monotonic_ns
        self._session: Session | None = None
        self._connected = False
        self._begun_ns = 0
        self._inbox = Inbox(self.expects, self._matching_broke)
        self._joining: set[str] = set()
        self._joined: dict[str, Any] = {}  # further namespace -> what its connect handler is given
        self._unsent: Counter[str] = Counter()  # emitted and not gone out yet, by row
        self._counted = False  # among those who are present
        self._back = Event()  # not set while a session that was lost is to come back
        self._back.set()
        self._returning: gevent.Greenlet | None = None
        self._why_away = ""
        self._lost_ns = 0
        self._stopping = False
        self._recorder: Recorder = recorder_of(environment)
        self._answers = Answers(
            self._recorder, lambda: self._now_ns(), lambda: self.session.ended is not None
        )
        # A subclass need not call super(), and a session is there for all of it. Locust logs a
        # traceback for whatever on_start raises, even for its own way to stop a user.
        self._own_on_start: Callable[[], Any] = self.on_start
        self._own_on_stop: Callable[[], Any] = self.on_stop
        vars(self).update(on_start=self._begin, on_stop=self._finish)

    @property
    def session(self) -> Session:
        """The session beneath, for what is not here; another one after each reconnection."""
        if self._session is None:
            raise RuntimeError(f"{type(self).__name__} is not connected yet")
        return self._session

    def connect(self) -> None:
        """Open the session and join the namespace, and record it. Called before ``on_start``.

        Raises:
            StopUser: refused or not answered, which is recorded.
        """
        begun_ns = self._begun_ns = self._now_ns()
        failure = self._attempt("connect", begun_ns, self._open)
        if failure is None and self._request_type == "upgrade":
            # Both begin with the first request: the upgrade may be over before the connect.
            failure = self._attempt("upgrade", begun_ns, self.session.wait_for_upgrade)
        if failure is not None:
            raise StopUser from failure
        self._counted = True
        self._recorder.attendance.came()
        self._recorder.start()
        self._recorder.checks.add(self.check)

    def disconnect(self) -> None:
        """Say goodbye and close the session. Called after ``on_stop``."""
        if self._session is not None and self._session.ended is None and self._back.is_set():
            self._session.close()
            gevent.sleep(_GOODBYE_S)

    def check(self) -> None:
        """See to a session that was lost, and record it. Called twice a second.

        Its user is stopped, unless it is one that comes back.
        """
        if self._stopping or not self._back.is_set():
            return
        session = self.session
        if session.ended is None:
            for namespace in [each for each in self._joined if not session.belongs(each)]:
                del self._joined[namespace]
                self._fail("disconnect", 0, f"namespace {namespace}: {PUT_OUT}")
            return
        self._fail("disconnect", 0, session.ended)
        self._write_off(NOT_SENT)
        self._counted = False
        # An official client does not come back by itself when the application has put it out.
        returning = self.reconnect and not session.ended.startswith(PUT_OUT)
        self._recorder.roll_call.lost(session.ended_ns, returning=returning)
        if not returning:
            self._go()
            return
        self._why_away, self._lost_ns = session.ended, session.ended_ns
        self._back.clear()
        self._answers.session_lost()
        self._returning = gevent.spawn(self._return)

    def join(self, namespace: str, auth: Any = None, timeout_s: float | None = None) -> None:
        """Join another namespace on the same connection; recorded as ``join NAMESPACE``.

        Args:
            namespace: not the user's own.
            auth: for the server's connect handler; any JSON.
            timeout_s: how long to wait.

        Raises:
            Unanswered: refused, or not answered in time, which is recorded.
            ValueError: it is the user's own, or joined already, or none that can be.
        """
        check_namespace(namespace)
        check_json("auth", auth)
        if namespace == self._own or namespace in self._joining or self._is_in(namespace):
            raise ValueError(f"{namespace} is joined already, or is being")
        patience_s = self.timeout_s if timeout_s is None else timeout_s
        enter = partial(self._enter, namespace, auth, patience_s)
        self._joining.add(namespace)
        try:
            failure = self._attempt(f"join {namespace}", self._now_ns(), enter)
        finally:
            self._joining.discard(namespace)
        if failure is not None:
            raise Unanswered from failure
        self._joined[namespace] = auth

    def leave(self, namespace: str) -> None:
        """Leave a namespace that was joined; its handlers wait for the next time.

        Raises:
            ValueError: it was not joined.
        """
        if namespace not in self._joined:
            joined = ", ".join(self._joined) or "none beside the user's own"
            raise ValueError(f"{namespace} was not joined, so it cannot be left; joined: {joined}")
        del self._joined[namespace]
        self.session.leave(namespace)

    def _received(
        self, key: Key, arguments: list[Any], kernel_ns: int, user_ns: int
    ) -> list[Any] | None:
        raise NotImplementedError

    def _matching_broke(self, key: Key, error: RuntimeError) -> None:
        kind = f"matching= of {named(*key)} raised {type(error.__cause__).__name__}"
        faults.tell(self, kind, error)

    def _is_in(self, namespace: str) -> bool:
        """Whether a namespace was joined, or will be again, and the server has not ended that."""
        away = not self._back.is_set()
        return namespace in self._joined and (away or self.session.belongs(namespace))

    def _begin(self) -> None:
        try:
            self.connect()
            self._connected = True
            self._own_on_start()
        except (StopUser, RescheduleTask) as stopped:
            self._count_out()
            raise gevent.GreenletExit from stopped
        except Exception:
            self._count_out()
            self._leave()
            raise
        except gevent.GreenletExit:  # it is stopped
            if not self._connected and not self._counted:
                self._recorder.attendance.refused()
            raise

    def _count_out(self) -> None:
        """It is ended by what was raised before its tasks."""
        if not self._connected and not self._counted:
            self._recorder.attendance.refused()
        elif self._counted and self.session.ended is None:
            self._counted = False
            self._recorder.roll_call.failed(self._now_ns())

    def _finish(self) -> None:
        self._stopping = True
        try:
            if self._connected:
                self._own_on_stop()
        except (StopUser, RescheduleTask):
            pass  # it is stopped, and what was not answered is recorded
        finally:
            self._leave()

    def _leave(self) -> None:
        self._recorder.checks.discard(self.check)
        if self._returning is not None and not self._back.is_set():
            self._returning.kill()
        if not self._back.is_set():
            took_ns = self._now_ns() - self._lost_ns
            self._fail("reconnect", took_ns, f"not back before its end: {self._why_away}")
            self._recorder.roll_call.gave_up()
        if self._counted:
            self._counted = False
            if self.session.ended is None:
                self._recorder.attendance.left()
            else:  # within the last half second
                self._recorder.roll_call.lost(self.session.ended_ns)
                self._fail("disconnect", 0, self.session.ended)
                self._write_off(NOT_SENT)
        try:
            self.disconnect()
        finally:
            if self._session is not None:
                self._session.kill()
            self._write_off(STOPPED_BEFORE)

    def _write_off(self, why: str) -> None:
        """Count what was emitted and will not go out any more."""
        for row, many in self._unsent.items():
            if many:
                self._recorder.count(EMIT, row, why, many)
        self._unsent.clear()

    def _go(self) -> None:
        """End this user, whose session is no more."""
        self._stopping = True
        self._recorder.checks.discard(self.check)
        greenlet: Any = self.greenlet
        if greenlet is not None:  # there is none in locust.run_single_user
            greenlet.kill(block=False)

    def _open(self) -> None:
        before = self._session
        server = self.locate()
        session = self._session = self.make_session(server)
        cookies = value_of(self, "cookies")
        if isinstance(cookies, CookieJar):
            session.cookies.add(cookies)
        if before is not None:  # a browser keeps those of a balancer and of a login
            session.cookies.add(before.cookies)
        self._attach(None)
        session.connect(server.target.auth, self.timeout_s)

    def _attach(self, namespace: str | None) -> None:
        for key in self._inbox.keys(namespace):
            self.session.on(key[0], partial(self._received, key), namespace)

    def _listen(self, key: Key) -> None:
        event, namespace = key
        session = self._session
        # Where it cannot be said yet, `_attach` says it.
        if session is not None and (namespace is None or session.belongs(namespace)):
            session.on(event, partial(self._received, key), namespace)

    def _enter(self, namespace: str, auth: Any, timeout_s: float) -> None:
        self._attach(namespace)
        self.session.join(namespace, auth, timeout_s)

    def _return(self) -> None:
        """Try until there is a session again, in all the namespaces that there were."""
        for delay_s in delays_s():
            gevent.sleep(delay_s)
            try:
                self._open()
                if self._request_type == "upgrade":
                    self.session.wait_for_upgrade(self.timeout_s)
                for namespace, auth in list(self._joined.items()):  # a task may leave one meanwhile
                    self._enter(namespace, auth, self.timeout_s)
            except ConnectionFailed as error:
                self.session.kill()
                self._why_away = str(error)
                if _REFUSED.match(self._why_away):  # as official clients hold
                    break
                continue
            except Exception:  # of a user's own code: it ends the user, as at its first connect
                self._go()
                raise
            with errors_logged():
                took_ns = self._now_ns() - self._lost_ns
                self._recorder.fire(self._request_type, "reconnect", took_ns)
            self._counted = True
            self._recorder.attendance.returned()
            self._back.set()
            return
        self._go()

    def _attempt(
        self, name: str, begun_ns: int, action: Callable[[], Any]
    ) -> ConnectionFailed | None:
        failure = None
        try:
            action()
        except ConnectionFailed as error:
            failure = error
        except gevent.GreenletExit:
            self._fail(name, self._now_ns() - begun_ns, "no answer before its user was stopped")
            raise
        self._recorder.fire(self._request_type, name, self._now_ns() - begun_ns, failure)
        return failure

    def _fail(self, name: str, took_ns: int, words: str) -> None:
        with errors_logged():  # nothing that listens is to keep a user that has to go
            self._recorder.fire(self._request_type, name, took_ns, ConnectionFailed(words))
