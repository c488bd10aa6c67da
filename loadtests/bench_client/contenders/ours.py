"""Our own client, as a trial's load generator uses it: every message has its identity."""

from __future__ import annotations

import time
from typing import Any

from loadtests.bench_client.contenders.contract import Call, Running, connect_all
from loadtests.client.alarm import Alarm
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.model import Transport
from loadtests.pacing import ConstantRate
from loadtests.scenarios.messages import (
    BROADCAST_EVENT,
    ECHO_EVENT,
    NAMESPACE,
    RESPONSE_EVENT,
    MessageMaker,
    identity,
)

PACKAGE = ""


def patch() -> None:
    """Nothing: sessions run on gevent's loop, patched or not."""


class _Client:
    """One session, which counts what it receives."""

    def __init__(self, call: Call) -> None:
        self.session = Session(locate(call.url), (Transport(call.transport),), NAMESPACE)
        self.session.on(RESPONSE_EVENT, self._received)
        self.session.connect()
        self.received = 0

    def _received(self, arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
        if identity(arguments) is not None:  # anything but the greeting
            self.received += 1


class _EchoClient(_Client):
    """Sends again whenever its reply has come."""

    def __init__(self, call: Call, number: int) -> None:
        self._messages = MessageMaker(ECHO_EVENT, number, call.payload_bytes)
        super().__init__(call)

    def send(self) -> None:
        self.session.send(self._messages.make(self.received))

    def _received(self, arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
        if identity(arguments) is not None:
            self.received += 1
            self.send()


def echo(call: Call) -> Running:
    """See Adapter."""
    clients = connect_all(lambda number: _EchoClient(call, number), call.clients)
    for client in clients:
        client.send()
    return _running(clients)


def broadcast(call: Call) -> Running:
    """See Adapter."""
    clients = connect_all(lambda _number: _Client(call), call.clients)
    messages = MessageMaker(BROADCAST_EVENT, 0, call.payload_bytes)
    schedule = ConstantRate(time.monotonic_ns(), call.rate_hz)
    alarm = Alarm()

    def publish(number: int) -> None:
        clients[0].session.send(messages.make(number))
        alarm.at(schedule.due_ns(number + 1), lambda: publish(number + 1))

    publish(0)
    return _running(clients)


def _running(clients: list[Any]) -> Running:
    return Running(
        count=lambda: sum(client.received for client in clients),
        lost=lambda: sum(client.session.ended is not None for client in clients),
    )
