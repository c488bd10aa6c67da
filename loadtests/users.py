"""The Locust users: one Socket.IO client each.

Under ``locust -f loadtests/locustfile.py`` a user sends at its own rate for as long as Locust lets
it, and real response times go to Locust's statistics. In a trial (``python -m loadtests run``) the
user only connects: the conductor has all of them send as the experiment says.
"""

from __future__ import annotations

import os
import time
from typing import ClassVar

import gevent
from locust import User, task
from locust.exception import StopUser

from loadtests.client.alarm import Alarm
from loadtests.client.errors import ConnectionFailed
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.conductor import Conductor
from loadtests.model import Transport
from loadtests.pacing import ConstantRate
from loadtests.scenarios.broadcast import Publisher, Recipient
from loadtests.scenarios.echo import EchoClient
from loadtests.scenarios.messages import NAMESPACE

#: How often raw times become entries of Locust's statistics.
REPORT_S = 0.5
#: After this an echo counts as a failure.
GIVE_UP_S = 5.0
FOREVER_NS = 2**62


class SocketIOUser(User):
    """One connected client.

    Attributes:
        session: the connection, from ``on_start`` to ``on_stop``.
        conductor: of this process's trial, if it runs one.
        alarm: shared by all users of the process, for sends that are due.
        publishers: of this process, by number; what other processes publish is received, not timed.
    """

    conductor: ClassVar[Conductor | None] = None
    alarm: ClassVar[Alarm | None] = None
    publishers: ClassVar[dict[int, Publisher]] = {}
    session: Session

    def on_start(self) -> None:
        """Connect, and count it in Locust's statistics."""
        options = self.environment.parsed_options
        transport = Transport(options.transport)
        if self.conductor is not None:
            transport = self.conductor.assignment.transport
        begun = time.perf_counter()
        failure = None
        try:
            self.session = Session(locate(self.host or ""), (transport,), NAMESPACE)
            self.session.connect()
        except ConnectionFailed as error:
            failure = error
        self.environment.events.request.fire(
            request_type=str(transport),
            name="connect",
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=0,
            exception=failure,
            context={},
        )
        if failure is not None:
            if self.conductor is not None:
                self.conductor.failed(str(failure))
            raise StopUser

    def on_stop(self) -> None:
        """Say goodbye, or just go when the trial is over."""
        if not hasattr(self, "session"):
            return
        if self.conductor is None:
            self.session.close()
            gevent.sleep(0.1)
        self.session.kill()

    @task
    def drive(self) -> None:
        """Do what the scenario asks until Locust stops the user."""
        if self.conductor is not None:
            self.conductor.joined(self.session)
            gevent.sleep(float("inf"))
        options = self.environment.parsed_options
        if type(self).alarm is None:
            SocketIOUser.alarm = Alarm()
        if options.scenario == "broadcast":
            self._broadcast(options.rate, options.payload_bytes)
        else:
            self._echo(options.rate, options.payload_bytes)

    def _echo(self, rate_hz: float, payload_bytes: int) -> None:
        assert self.alarm is not None
        client = EchoClient(self.session, self.alarm, payload_bytes)
        client.open_loop(ConstantRate(time.monotonic_ns(), rate_hz), FOREVER_NS)
        reported = 0
        try:
            while True:
                gevent.sleep(REPORT_S)
                self._check_session()
                for index in range(reported, len(client.numbers)):
                    due_ns = client.due_ns[client.numbers[index]]
                    self._report("echo", client.kernel_ns[index] - due_ns, payload_bytes)
                reported = len(client.numbers)
                self._report_lost(client)
        finally:
            client.stop()

    def _report_lost(self, client: EchoClient) -> None:
        """A message that nobody answers is a failure, not silence."""
        given_up_ns = time.monotonic_ns() - round(GIVE_UP_S * 1e9)
        for number in [each for each in client.unanswered if client.due_ns[each] < given_up_ns]:
            client.unanswered.remove(number)
            failure = ConnectionFailed(f"no answer within {GIVE_UP_S:g} s")
            self._report("echo", round(GIVE_UP_S * 1e9), 0, failure)

    def _broadcast(self, rate_hz: float, payload_bytes: int) -> None:
        assert self.alarm is not None
        # The process id keeps the publishers of several Locust workers apart.
        number = os.getpid() % 1000 * 10_000 + len(self.publishers)
        publisher = Publisher(number, self.session, self.alarm, payload_bytes)
        self.publishers[number] = publisher
        recipient = Recipient(self.session)
        publisher.publish(ConstantRate(time.monotonic_ns(), rate_hz), FOREVER_NS)
        reported = 0
        try:
            while True:
                gevent.sleep(REPORT_S)
                self._check_session()
                for index in range(reported, len(recipient.numbers)):
                    sender = self.publishers.get(recipient.publishers[index])
                    if sender is not None:
                        due_ns = sender.due_ns[recipient.numbers[index]]
                        took_ns = recipient.kernel_ns[index] - due_ns
                        self._report("delivery", took_ns, payload_bytes)
                reported = len(recipient.numbers)
        finally:
            publisher.stop()

    def _check_session(self) -> None:
        if self.session.ended is None:
            return
        self._report("session", 0, 0, ConnectionFailed(self.session.ended))
        raise StopUser

    def _report(
        self, name: str, took_ns: int, length: int, exception: Exception | None = None
    ) -> None:
        self.environment.events.request.fire(
            request_type=str(self.environment.parsed_options.transport),
            name=name,
            response_time=took_ns / 1e6,
            response_length=length,
            exception=exception,
            context={},
        )
