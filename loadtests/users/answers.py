"""What a user waits for: recorded when it is answered, and as lost when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import gevent
from gevent.event import AsyncResult
from locust.exception import RescheduleTask

from loadtests.arithmetic.series import UNKNOWN
from loadtests.client.errors import ConnectionFailed
from loadtests.users.inbox import Found
from loadtests.users.recording import Recorder, errors_logged

#: In place of an answer.
_SESSION_LOST = object()


class Unanswered(RescheduleTask):
    """No answer in time, or a refusal. It is recorded; not caught, it ends the task."""


class Asked(NamedTuple):
    """Something that is waited for.

    Attributes:
        request_type: of Locust's entry.
        name: of Locust's entry.
        begun_ns: since when, monotonic.
    """

    request_type: str
    name: str
    begun_ns: int


class Answers:
    """Those that one user waits for.

    Args:
        recorder: of how long they took, or that they did not come.
        now_ns: the monotonic clock.
        is_lost: whether the user's session has ended by itself.
    """

    def __init__(
        self, recorder: Recorder, now_ns: Callable[[], int], is_lost: Callable[[], bool]
    ) -> None:
        self._recorder = recorder
        self._now_ns = now_ns
        self._is_lost = is_lost
        self._pending: set[AsyncResult] = set()

    def wait(
        self, asked: Asked, answer: AsyncResult, patience_s: float, *, timed: bool = True
    ) -> Found:
        """Wait for an answer and record how it went.

        Args:
            asked: what is waited for.
            answer: to be set to what is found.
            patience_s: how long to wait.
            timed: whether the time that an answer took is recorded.

        Raises:
            Unanswered: it did not come in time, or before the session was lost.
        """
        self._pending.add(answer)
        try:
            found = answer.wait(timeout=patience_s)
        except gevent.GreenletExit:  # by Locust, or by ConnectedUser.check
            if self._is_lost():
                self.lost(asked, "before the session was lost")
            else:
                self._recorder.board.of(asked.request_type, asked.name).in_flight += 1
            raise
        finally:
            self._pending.discard(answer)
        if found is _SESSION_LOST:
            self.lost(asked, "before the session was lost")
            raise Unanswered
        if found is None:
            self.lost(asked, f"within {patience_s:g} s")
            raise Unanswered
        answered: Found = found
        if timed:
            self._record(asked, answered)
        return answered

    def lost(self, asked: Asked, when: str) -> None:
        """Record that there was no answer.

        Args:
            asked: what was waited for.
            when: the end of a sentence that begins with "no answer".
        """
        failure = ConnectionFailed(f"no answer {when}")
        took_ns = self._now_ns() - asked.begun_ns
        with errors_logged():  # nothing that listens is to take the place of the exit
            self._recorder.fire(asked.request_type, asked.name, took_ns, failure, lost=True)

    def session_lost(self) -> None:
        """Have nobody wait any longer."""
        for answer in self._pending:
            if not answer.ready():  # what came just before the loss has come
                answer.set(_SESSION_LOST)

    def _record(self, asked: Asked, found: Found) -> None:
        if found.kernel_ns < asked.begun_ns:  # it was there before anybody waited
            self._recorder.board.of(asked.request_type, asked.name).untimed += 1
            self._recorder.count(asked.request_type, asked.name)
            return
        series = self._recorder.series(asked.request_type, asked.name)
        series.arrived(asked.begun_ns, UNKNOWN, found.kernel_ns, found.user_ns, found.length)
