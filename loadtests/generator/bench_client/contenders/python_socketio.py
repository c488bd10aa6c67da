"""python-socketio's synchronous Client under gevent, as a Locust user would use it."""

from __future__ import annotations

import time
from typing import Any

from loadtests.generator.bench_client.contenders.contract import (
    GREETING,
    Call,
    Running,
    connect_all,
)
from loadtests.record.application import BROADCAST_EVENT, ECHO_EVENT, NAMESPACE, RESPONSE_EVENT

PACKAGE = "python-socketio"


def patch() -> None:
    """As Locust does when it is imported."""
    from gevent import monkey

    monkey.patch_all()


class _Client:
    """One connection, which counts what it receives."""

    def __init__(self, call: Call) -> None:
        import socketio

        self.message = {"data": "x" * call.payload_bytes}
        self.received = 0
        self.sio = socketio.Client(reconnection=False, handle_sigint=False)
        self.sio.on(RESPONSE_EVENT, self._received, namespace=NAMESPACE)
        self.sio.connect(
            call.url, transports=[call.transport], namespaces=[NAMESPACE], wait_timeout=10
        )

    def send(self, event: str) -> None:
        self.sio.emit(event, self.message, namespace=NAMESPACE)

    def _received(self, message: dict[str, Any]) -> None:
        if message["data"] != GREETING:
            self.received += 1


class _EchoClient(_Client):
    """Sends again whenever its reply has come."""

    def _received(self, message: dict[str, Any]) -> None:
        if message["data"] != GREETING:
            self.received += 1
            self.send(ECHO_EVENT)


def echo(call: Call) -> Running:
    """See Adapter."""
    clients = connect_all(lambda _number: _EchoClient(call), call.clients)
    for client in clients:
        client.send(ECHO_EVENT)
    return _running(clients)


def broadcast(call: Call) -> Running:
    """See Adapter."""
    import gevent

    clients = connect_all(lambda _number: _Client(call), call.clients)

    def publish() -> None:
        due = time.monotonic()
        while True:
            clients[0].send(BROADCAST_EVENT)
            due += 1 / call.rate_hz
            gevent.sleep(max(0.0, due - time.monotonic()))

    gevent.spawn(publish)
    return _running(clients)


def _running(clients: list[Any]) -> Running:
    return Running(
        count=lambda: sum(client.received for client in clients),
        lost=lambda: sum(not client.sio.connected for client in clients),
    )
