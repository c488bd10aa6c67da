"""The user of loadtests/locustfile.py: loads the application under test, or is in a trial."""

from __future__ import annotations

import random
from typing import ClassVar

from locust import constant, task
from locust.env import Environment

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.client.alarm import Alarm
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import Server
from loadtests.client.session import Session
from loadtests.client.sessions import make_session
from loadtests.record.application import NAMESPACE
from loadtests.record.words import Client
from loadtests.run.conductor import Conductor
from loadtests.run.ensemble import Ensemble
from loadtests.run.worker import Recruit, Worker
from loadtests.scenarios.own_messages import Messages
from loadtests.users.endless import WORKLOADS, EndlessWorkload, Load
from loadtests.users.recording import errors_logged
from loadtests.users.socketio_user import SocketIOUser
from loadtests.users.telling import located

#: After this a message is lost.
GIVE_UP_S = 5.0

#: Of a message that the schedule had due, and nobody was there to send it.
NEVER_SENT = "was due after its user's session was lost"


class BenchUser(SocketIOUser):
    """A user of the application under test: sends at a rate, or is a client of a trial.

    Attributes:
        ensemble: this process's trials, if it runs any.
        alarm: shared by all users of the process, for sends that are due.
    """

    # There is nothing to do but wait, where Locust can stop a user at once.
    wait_time = constant(float("inf"))
    namespace = NAMESPACE
    ensemble: ClassVar[Ensemble | Worker | None] = None
    alarm: ClassVar[Alarm | None] = None
    _load: Load | None = None

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        #: Of the trial that it is in, if any.
        self.conductor: Conductor | Recruit | None = self.ensemble.next() if self.ensemble else None

    @task
    def drive(self) -> None:
        """The sending has begun, in the loop; there is nothing to do here."""

    def on_start(self) -> None:
        """Begin to send, unless a conductor has all users of a trial do so."""
        if self.conductor is not None:
            return
        options = self.environment.parsed_options
        workload = WORKLOADS[options.scenario]
        # Users that are spawned together must not all send in the same instant.
        phase_ns = round(random.random() * 1e9 / options.rate)
        self._load = Load(
            workload,
            self.session,
            _alarm(self.environment),
            ConstantRate(self._now_ns() + phase_ns, options.rate),
            options.payload_bytes,
            self._recorder.series(self._request_type, workload.name),
            self._now_ns,
        )

    def on_stop(self) -> None:
        """Send nothing more; say how much is still waited for, as that may be the slowest."""
        load = self._load
        if load is None:
            return
        load.stop()
        if self.session.ended is not None:
            self._bury(load)
            return
        tally = self._recorder.board.of(self._request_type, load.workload.name)
        tally.in_flight += len(load.give_up())

    def connect(self) -> None:
        """See SocketIOUser; in a trial the conductor hears how it went."""
        if self.conductor is None:
            super().connect()
            return
        if self.conductor.idle:  # one too many, see ``spreading.spawned``
            return
        place = self.conductor.assignment.place
        self._request_type = str(place.transport)
        failure = self._attempt("connect", self._now_ns(), self._open)
        if failure is None and place.messages is not None:
            failure = self._begun(place.messages)
        if failure is None:
            self.conductor.joined(self.session)
        else:
            # It stays, with nothing to do: Locust would spawn another in its place.
            self.conductor.failed(str(failure))

    def _begun(self, messages: Messages) -> ConnectionFailed | None:
        try:
            messages.begin(self.session)
        except ConnectionFailed as error:
            return error
        return None

    def disconnect(self) -> None:
        """See SocketIOUser; when a trial is over, its clients just go."""
        if self.conductor is None:
            super().disconnect()

    def check(self) -> None:
        """See SocketIOUser; what nobody answers is a failure, not silence."""
        load = self._load
        if load is not None and self.session.ended is None:
            late_ns = self._now_ns() - round(GIVE_UP_S * 1e9)
            self._report_lost(load.workload, load.give_up(late_ns), f"within {GIVE_UP_S:g} s")
        elif load is not None:
            self._bury(load)
            # Its schedule goes on without it: a test whose users are gone is not to look well.
            self._recorder.follow(
                lambda: self._never_sent(load.workload, load.overdue(self._now_ns()))
            )
        super().check()

    def make_session(self, server: Server) -> Session:
        """See SocketIOUser; a trial says whose client it is and on which transport."""
        if self.conductor is None:
            return super().make_session(server)
        place = self.conductor.assignment.place
        return make_session(place.client, server, place.transport, place.namespace)

    def locate(self) -> Server:
        """See SocketIOUser; a trial says where, and what connections are told."""
        if self.conductor is None:
            return super().locate()
        place = self.conductor.assignment.place
        return located(
            place.url,
            place.target,
            lean=place.client is Client.LEAN,
            compression=place.compression,
        )

    def _bury(self, load: Load) -> None:
        """Count what a lost session owes."""
        load.stop()
        self._load = None
        in_time = load.give_up(self.session.ended_ns)
        self._report_lost(load.workload, in_time, "before the session was lost")
        self._never_sent(load.workload, len(load.give_up()))  # given to it when it was over

    def _never_sent(self, workload: EndlessWorkload, many: int) -> None:
        self._recorder.lose(self._request_type, workload.name, NEVER_SENT, many)

    def _report_lost(self, workload: EndlessWorkload, lost: list[int], when: str) -> None:
        now_ns = self._now_ns()
        for due_ns in lost:
            failure = ConnectionFailed(f"{workload.complaint} {when}")
            took_ns = now_ns - due_ns
            with errors_logged():
                self._recorder.fire(self._request_type, workload.name, took_ns, failure, lost=True)


def _alarm(environment: Environment) -> Alarm:
    if BenchUser.alarm is None:
        alarm = BenchUser.alarm = Alarm()
        # Locust reads the sources of its whole call stack just before it tells of the end of a
        # test (Runner.stop): what was due in that tenth of a second is not to be sent late.
        environment.events.test_stopping.add_listener(lambda **_event: alarm.clear())
    return BenchUser.alarm
