"""Our own client, as a trial's load generator uses it: the scenarios' clients, every time kept."""

from __future__ import annotations

import time
from collections.abc import Callable

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.client.alarm import Alarm
from loadtests.client.link import Server, locate
from loadtests.client.session import Session
from loadtests.generator.bench_client.contenders.contract import Call, Running, connect_all
from loadtests.record.application import BROADCAST_EVENT, NAMESPACE
from loadtests.record.words import Transport
from loadtests.scenarios.broadcasting import Publisher, Recipient
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.messages import MessageMaker

PACKAGE = ""

_FOREVER_NS = 2**62


def patch() -> None:
    """Nothing: sessions run on gevent's loop, patched or not."""


def echo(call: Call, server: Server | None = None) -> Running:
    """See Adapter."""
    alarm = Alarm()
    sessions = _sessions(call, server)
    clients = [EchoClient(session, alarm, call.payload_bytes) for session in sessions]
    for client in clients:
        client.closed_loop(_FOREVER_NS)
    return Running(
        count=lambda: sum(len(client.numbers) for client in clients), lost=_lost(sessions)
    )


def broadcast(call: Call, server: Server | None = None) -> Running:
    """See Adapter."""
    sessions = _sessions(call, server)
    recipients = [Recipient(session) for session in sessions]
    publisher = Publisher(
        sessions[0],
        Alarm(),
        MessageMaker(BROADCAST_EVENT, 0, call.payload_bytes, sessions[0].namespace),
    )
    publisher.publish(ConstantRate(time.monotonic_ns(), call.rate_hz), _FOREVER_NS)
    # As in a trial, what was kept is read afterwards: what counts is what keeps the generator busy.
    return Running(count=lambda: sum(map(len, recipients)), lost=_lost(sessions))


def _sessions(call: Call, server: Server | None) -> list[Session]:
    where = locate(call.url) if server is None else server
    return connect_all(lambda _number: _connected(where, call), call.clients)


def _connected(server: Server, call: Call) -> Session:
    session = Session(server, (Transport(call.transport),), NAMESPACE)
    session.connect()
    return session


def _lost(sessions: list[Session]) -> Callable[[], int]:
    return lambda: sum(session.ended is not None for session in sessions)
