"""Locust's own SocketIOUser, run by Locust as a library, with Locust's statistics at work."""

from __future__ import annotations

from typing import Any, ClassVar

from loadtests.generator.bench_client.contenders.contract import GREETING, Call, Running
from loadtests.record.application import ECHO_EVENT, NAMESPACE, RESPONSE_EVENT

PACKAGE = "locust"

_CONNECT_TIMEOUT_S = 30.0


def patch() -> None:
    """Locust patches the standard library when it is imported."""
    import locust  # noqa: F401


def echo(call: Call) -> Running:
    """See Adapter."""
    import gevent
    from locust import task
    from locust.contrib.socketio import SocketIOUser
    from locust.env import Environment

    class EchoUser(SocketIOUser):
        """Sends again whenever its reply has come, and tells Locust of both."""

        users: ClassVar[list[EchoUser]] = []
        options: dict[str, Any] = {"reconnection": False, "handle_sigint": False}  # noqa: RUF012

        def on_start(self) -> None:
            self.received = 0
            self.sio.on(RESPONSE_EVENT, self.replied, namespace=NAMESPACE)
            self.sio.connect(
                call.url, transports=[call.transport], namespaces=[NAMESPACE], wait_timeout=10
            )
            self.users.append(self)

        def send(self) -> None:
            self.sio.emit(ECHO_EVENT, {"data": "x" * call.payload_bytes}, namespace=NAMESPACE)

        def replied(self, message: dict[str, Any]) -> None:
            # Locust's annotation says str; it gets what python-socketio decoded.
            self.sio.on_message(RESPONSE_EVENT, message)  # type: ignore[arg-type]
            if message["data"] != GREETING:
                self.received += 1
                self.send()

        @task
        def wait(self) -> None:
            gevent.sleep(float("inf"))

    environment = Environment(user_classes=[EchoUser], host=call.url)
    environment.create_local_runner().start(call.clients, spawn_rate=call.clients)
    with gevent.Timeout(_CONNECT_TIMEOUT_S):
        while len(EchoUser.users) < call.clients:
            gevent.sleep(0.01)
    for user in EchoUser.users:
        user.send()
    return Running(
        count=lambda: sum(user.received for user in EchoUser.users),
        lost=lambda: sum(not user.sio.connected for user in EchoUser.users),
    )


def broadcast(call: Call) -> Running:
    """It is python-socketio's Client with statistics; that one is measured by itself."""
    raise NotImplementedError
