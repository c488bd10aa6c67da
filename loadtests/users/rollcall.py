"""Who is there of all users of a test, in this process and at its workers; and when nobody is."""

from __future__ import annotations

import logging

from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.users.attendance import Attendance, Headcount, no_load
from loadtests.users.preflight import socketio_users

logger = logging.getLogger(__name__)


class RollCall:
    """One per Locust environment. That there is no load any more is said once, when it is known.

    Attributes:
        attendance: of this process's users; a worker's is told by its master.
    """

    def __init__(self, environment: Environment) -> None:
        self.attendance = Attendance()
        self._environment = environment
        self._at_end: Headcount | None = None  # as the test was stopped, before its users were
        self._of_workers: dict[str, Headcount] = {}
        self._idle_told = False

    def begin(self, now_ns: int) -> None:
        """A test begins, without users."""
        self.attendance.begin(now_ns)
        self._at_end, self._idle_told = None, False
        self._of_workers.clear()

    def stopping(self) -> None:
        """The test is being stopped: who is there now has been there to its end."""
        self._at_end = self.attendance.headcount()

    def lost(self, at_ns: int, *, returning: bool = False) -> None:
        """A user's session ended by itself; when it was the last one, that is said."""
        self.attendance.lost(at_ns, returning=returning)
        self._missed()

    def failed(self, at_ns: int) -> None:
        """A user was ended by what its on_start raised."""
        self.attendance.failed(at_ns)
        self._missed()

    def gave_up(self) -> None:
        """A user does not try to come back any more."""
        self.attendance.gave_up()
        self._missed()

    def _missed(self) -> None:
        if not isinstance(self._environment.runner, WorkerRunner):  # whose users are not all
            self._tell_if_idle()

    def worker_told(self, master: MasterRunner, worker_id: str, headcount: Headcount) -> None:
        """A worker has told of its users.

        Args:
            master: of that worker.
            worker_id: Locust's.
            headcount: in place of what the worker told before.
        """
        self._of_workers[worker_id] = headcount
        for each in master.clients.missing:  # with all of its users
            self._of_workers.pop(each.id, None)
        if self._all_counted(master):
            self._tell_if_idle()

    def headcount(self) -> Headcount:
        """Of this process: as of now, or as the test was stopped."""
        now = self.attendance.headcount()
        # Who was still connecting is stopped after that, and could not connect.
        return now if self._at_end is None else self._at_end._replace(refused=now.refused)

    def no_load(self) -> str | None:
        """Since when there has been no load, if there is none for want of sessions."""
        words = no_load(self._counted())
        every = self._environment.user_classes
        if words is not None and len(socketio_users(every)) < len(every):  # others may go on
            return words.replace("no load", "no load over Socket.IO", 1)
        return words

    def _tell_if_idle(self) -> None:
        words = self.no_load()
        if words is None or self._idle_told:
            return
        if any(each.returning for each in self._counted()):
            return  # there may be load again in a second
        if any(each.came for each in self._counted()):
            self._idle_told = True  # the end tells it again, and a server may come and go
            logger.warning(words)

    def _counted(self) -> list[Headcount]:
        """Of each process that has users, as far as is known here."""
        if isinstance(self._environment.runner, MasterRunner):
            return list(self._of_workers.values())
        return [self.headcount()]

    def _all_counted(self, master: MasterRunner) -> bool:
        """Whether workers have told of every user there is to be: reports come now and then."""
        wanted = master.target_user_classes_count
        ours = (each.__name__ for each in socketio_users(self._environment.user_classes))
        told = sum(each.came + each.refused for each in self._of_workers.values())
        return told >= sum(wanted.get(name, 0) for name in ours)
