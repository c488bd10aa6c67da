"""``python -m loadtests.bench_client.latency``: an open loop of echoes and what it reports of them.

With ``--busy-url`` the same process also keeps clients of another peer in a closed loop, as many as
it takes to be busy for the wanted share of its core. Prints one JSON line with the moments
between which echoes that are due count, and one with every echo of that time.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from typing import Any

import gevent

from loadtests.bench_client.contenders.contract import connect_all
from loadtests.bench_client.measured import OURS
from loadtests.client.alarm import Alarm
from loadtests.client.link import Server, locate
from loadtests.client.session import Session
from loadtests.model import Transport
from loadtests.pacing import ConstantRate, staggered
from loadtests.scenarios.messages import (
    BROADCAST_EVENT,
    ECHO_EVENT,
    NAMESPACE,
    RESPONSE_EVENT,
    MessageMaker,
    identity,
)

_LEAD_NS = 20_000_000
_DRAIN_S = 2.0
#: How long one look at this process's CPU time takes, and what it should be above what is wanted,
#: so that a slightly quieter moment does not fall below.
_LOOK_S = 0.2
_MARGIN_PERCENT = 5.0
#: With fewer, every hitch of the peer would leave this process without work.
_FEWEST_BUSY_CLIENTS = 8
_MOST_BUSY_CLIENTS = 32

_monotonic_ns = time.monotonic_ns


class OpenLoop:
    """One client that sends on a schedule.

    Attributes:
        publisher: its number in its messages.
        due_ns, sent_ns: of message 0, 1, ...
        arrived_ns: message -> when the kernel had its reply.
        finished: whether everything that was to be sent is.
    """

    def __init__(self, server: Server, publisher: int, alarm: Alarm, payload_bytes: int) -> None:
        self.publisher = publisher
        self.due_ns: list[int] = []
        self.sent_ns: list[int] = []
        self.arrived_ns: dict[int, int] = {}
        self._alarm = alarm
        self._messages = MessageMaker(ECHO_EVENT, publisher, payload_bytes)
        self._schedule = ConstantRate(0, 1)
        self._until_ns = 2**62
        self.finished = False
        self.session = Session(server, (Transport.WEBSOCKET,), NAMESPACE)
        self.session.on(RESPONSE_EVENT, self._received)
        self.session.connect()

    def start(self, schedule: ConstantRate) -> None:
        """Send as scheduled until told to finish."""
        self._schedule = schedule
        self._alarm.at(schedule.start_ns, self._send)

    def finish(self, until_ns: int) -> None:
        """Send nothing that is due then or later, but all that is due before, however late."""
        self._until_ns = until_ns

    def _send(self) -> None:
        number = len(self.due_ns)
        due_ns = self._schedule.due_ns(number)
        if due_ns >= self._until_ns:
            self.finished = True
            return
        packet = self._messages.make(number)
        self.due_ns.append(due_ns)
        self.sent_ns.append(_monotonic_ns())
        self.session.send(packet)
        self._alarm.at(self._schedule.due_ns(number + 1), self._send)

    def _received(self, arguments: list[Any], kernel_ns: int, _user_ns: int) -> None:
        found = identity(arguments)
        if found is not None:
            self.arrived_ns.setdefault(found[1], kernel_ns)


class _BusyClient:
    """Broadcasts again whenever its own copy has come, and receives what the others broadcast.

    Not an echo: that costs a peer nearly what it costs us, so on two cores the one that both peers
    share would be full before ours is. A copy of a broadcast costs the peer half of that.
    """

    def __init__(self, server: Server, publisher: int, payload_bytes: int) -> None:
        self._publisher = publisher
        self._packet = MessageMaker(BROADCAST_EVENT, publisher, payload_bytes).make(0)
        self.session = Session(server, (Transport.WEBSOCKET,), NAMESPACE)
        self.session.on(RESPONSE_EVENT, self._received)
        self.session.connect()
        self.session.send(self._packet)

    def _received(self, arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
        found = identity(arguments)
        if found is not None and found[0] == self._publisher:
            self.session.send(self._packet)


def main() -> None:
    """Connect, fill the generator's time if asked to, measure, say."""
    options = _parser().parse_args()
    server = locate(options.url)
    alarm = Alarm()
    clients = connect_all(
        lambda number: OpenLoop(server, number, alarm, options.payload_bytes), options.clients
    )
    gc.collect()
    gc.freeze()
    gc.disable()  # as in a trial
    schedules = staggered(_monotonic_ns() + _LEAD_NS, options.rate, len(clients))
    for client, schedule in zip(clients, schedules, strict=True):
        client.start(schedule)
    busy: list[_BusyClient] = []
    if options.busy_url is not None:
        busy = _make_busy(locate(options.busy_url), options.busy_percent, options.payload_bytes)
    begin_ns = _monotonic_ns() + round(options.warmup * 1e9)
    end_ns = begin_ns + round(options.seconds * 1e9)
    _say({"begin_ns": begin_ns, "end_ns": end_ns})
    begin = _sleep_until(begin_ns)
    end = _sleep_until(end_ns)
    _drain(clients, end_ns)
    sessions = [each.session for each in clients] + [each.session for each in busy]
    ended = [each.ended for each in sessions if each.ended is not None]
    if ended:
        raise SystemExit(f"{len(ended)} clients lost their connection: {ended[0]}")
    cpu_ns, wall_ns = (after - before for before, after in zip(begin, end, strict=True))
    _say(
        {
            "client": OURS,
            "cpu_ns": cpu_ns,
            "wall_ns": wall_ns,
            "busy_clients": len(busy),
            "echoes": [each for client in clients for each in _reported(client, begin_ns, end_ns)],
        }
    )


def _parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m loadtests.bench_client.latency")
    result.add_argument("--url", required=True)
    result.add_argument("--clients", type=int, required=True)
    result.add_argument("--rate", type=float, required=True, metavar="HZ", help="of all clients")
    result.add_argument("--seconds", type=float, required=True)
    result.add_argument("--warmup", type=float, required=True, metavar="SECONDS")
    result.add_argument("--payload-bytes", type=int, default=32)
    result.add_argument("--busy-url", help="a peer for clients in a closed loop")
    result.add_argument("--busy-percent", type=float, default=80.0, help="of this process's core")
    return result


def _make_busy(server: Server, wanted_percent: float, payload_bytes: int) -> list[_BusyClient]:
    """Add clients, each time as many as there are, until this process is as busy as wanted."""
    clients: list[_BusyClient] = []
    while len(clients) < _MOST_BUSY_CLIENTS:
        for number in range(len(clients), max(_FEWEST_BUSY_CLIENTS, 2 * len(clients))):
            clients.append(_BusyClient(server, number, payload_bytes))
        begin = time.process_time_ns(), _monotonic_ns()
        gevent.sleep(_LOOK_S)
        cpu_ns, wall_ns = time.process_time_ns() - begin[0], _monotonic_ns() - begin[1]
        if 100 * cpu_ns / wall_ns >= wanted_percent + _MARGIN_PERCENT:
            break
    return clients


def _sleep_until(moment_ns: int) -> tuple[int, int]:
    """CPU time of this process and the time, at a moment."""
    gevent.sleep(max(0.0, (moment_ns - _monotonic_ns()) / 1e9))
    return time.process_time_ns(), _monotonic_ns()


def _drain(clients: list[OpenLoop], end_ns: int) -> None:
    """Let them send what is due before the end, and wait for the replies."""
    for client in clients:
        client.finish(end_ns)
    give_up_ns = _monotonic_ns() + round(_DRAIN_S * 1e9)
    while _monotonic_ns() < give_up_ns and any(
        not client.finished or len(client.arrived_ns) < len(client.due_ns) for client in clients
    ):
        gevent.sleep(0.01)
    if not all(client.finished for client in clients):
        raise SystemExit("the generator could not keep up with its schedule")


def _reported(client: OpenLoop, begin_ns: int, end_ns: int) -> list[tuple[int, ...]]:
    """Publisher, number, and the due, sent and arrived times of every echo that counts.

    An echo whose reply never came has no arrived time.
    """
    return [
        (client.publisher, number, due_ns, client.sent_ns[number])
        + ((client.arrived_ns[number],) if number in client.arrived_ns else ())
        for number, due_ns in enumerate(client.due_ns)
        if begin_ns <= due_ns < end_ns
    ]


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
