"""``python -m loadtests.generator.bench_client.latency``: an open loop of echoes.

What sends and takes the times is the EchoClient of trials, so that the capture is held against
that one. With ``--busy-url`` the same process also keeps clients of another peer in a closed loop,
as many as it takes to be busy for the wanted share of its core. Prints one JSON line with the
moments between which echoes that are due count, and one with every echo of that time.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Sequence
from typing import Any

import gevent

from loadtests.arithmetic.pacing import ConstantRate, staggered
from loadtests.client.alarm import Alarm
from loadtests.client.link import Server, locate
from loadtests.client.session import Session
from loadtests.generator.bench_client.contenders.contract import connect_all
from loadtests.generator.bench_client.measured import OURS
from loadtests.record.application import BROADCAST_EVENT, NAMESPACE, RESPONSE_EVENT
from loadtests.record.words import Transport
from loadtests.scenarios.bench import LEAD_NS
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.messages import MessageMaker, identity

_DRAIN_S = 2.0
#: How long one look at this process's CPU time takes, and what it should be above what is wanted,
#: so that a slightly quieter moment does not fall below.
_LOOK_S = 0.2
_MARGIN_PERCENT = 5.0
#: With fewer, every hitch of the peer would leave this process without work.
_FEWEST_BUSY_CLIENTS = 8
_MOST_BUSY_CLIENTS = 64
#: What a busy client's handler takes for each copy; about what the copy itself costs us.
_HANDLER_NS = 10_000
#: For the looks at 8, 16, 32 and 64 clients, and for connecting them.
_FILLING_S = 2.0


class _BusyClient:
    """Broadcasts again whenever its own copy has come, and receives what the others broadcast.

    Not an echo: that costs a peer nearly what it costs us, so on two cores the one that both peers
    share would be full before ours is. A copy of a broadcast costs the peer half of that, and the
    handler takes its time, as a user's own would: without it that shared core (peer 62 %, measured
    server 34 %) was full when ours was 76 % busy.
    """

    def __init__(self, server: Server, publisher: int, payload_bytes: int) -> None:
        self._publisher = publisher
        self._packet = MessageMaker(BROADCAST_EVENT, publisher, payload_bytes).make(0)
        self.session = _session(server)
        self.session.on(RESPONSE_EVENT, self._received)
        self.session.send(self._packet)

    def _received(self, arguments: list[Any], _kernel_ns: int, _user_ns: int) -> None:
        until_ns = time.monotonic_ns() + _HANDLER_NS
        found = identity(arguments)
        if found is not None and found[0] == self._publisher:
            self.session.send(self._packet)
        while time.monotonic_ns() < until_ns:
            pass


def main() -> None:
    """Connect, fill the generator's time if asked to, measure, say."""
    options = _parser().parse_args()
    # A capture reads frames as they are on the wire.
    server = locate(options.url, lean=True, compression=False)
    alarm = Alarm()
    sessions = connect_all(lambda _number: _session(server), options.clients)
    clients = [
        EchoClient(session, alarm, options.payload_bytes, publisher=number)
        for number, session in enumerate(sessions)
    ]
    gc.collect()
    gc.freeze()
    gc.disable()  # as in a trial
    filling_s = 0.0 if options.busy_url is None else _FILLING_S
    start_ns = time.monotonic_ns() + LEAD_NS
    begin_ns = start_ns + round((filling_s + options.warmup) * 1e9)
    end_ns = begin_ns + round(options.seconds * 1e9)
    schedules = staggered(start_ns, options.rate, len(clients))
    for client, schedule in zip(clients, schedules, strict=True):
        client.open_loop(schedule, end_ns)
    busy: list[_BusyClient] = []
    if options.busy_url is not None:
        # While the open loop runs: what serves it may share a core with what serves these, and
        # takes from it then.
        busy = _make_busy(locate(options.busy_url), options.busy_percent, options.payload_bytes)
    _say({"begin_ns": begin_ns, "end_ns": end_ns})
    begin = _sleep_until(begin_ns)
    end = _sleep_until(end_ns)
    _drain(clients, schedules, end_ns)
    everybody = [*sessions, *(each.session for each in busy)]
    ended = [each.ended for each in everybody if each.ended is not None]
    if ended:
        raise SystemExit(f"{len(ended)} clients lost their connection: {ended[0]}")
    cpu_ns, wall_ns = (after - before for before, after in zip(begin, end, strict=True))
    _say(
        {
            "client": OURS,
            "cpu_ns": cpu_ns,
            "wall_ns": wall_ns,
            "busy_clients": len(busy),
            "echoes": [
                each
                for publisher, client in enumerate(clients)
                for each in reported(publisher, client, begin_ns, end_ns)
            ],
        }
    )


def _session(server: Server) -> Session:
    session = Session(server, (Transport.WEBSOCKET,), NAMESPACE)
    session.connect()
    return session


def _parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m loadtests.generator.bench_client.latency")
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
        begin = time.process_time_ns(), time.monotonic_ns()
        gevent.sleep(_LOOK_S)
        cpu_ns, wall_ns = time.process_time_ns() - begin[0], time.monotonic_ns() - begin[1]
        if 100 * cpu_ns / wall_ns >= wanted_percent + _MARGIN_PERCENT:
            break
    return clients


def _sleep_until(moment_ns: int) -> tuple[int, int]:
    """CPU time of this process and the time, at a moment."""
    gevent.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))
    return time.process_time_ns(), time.monotonic_ns()


def _drain(clients: Sequence[EchoClient], schedules: Sequence[ConstantRate], end_ns: int) -> None:
    """Let them send what was due before the end, and wait for the replies."""

    def all_sent() -> bool:
        return all(
            sent_all(client, schedule, end_ns)
            for client, schedule in zip(clients, schedules, strict=True)
        )

    give_up_ns = time.monotonic_ns() + round(_DRAIN_S * 1e9)
    while time.monotonic_ns() < give_up_ns and not (
        all_sent() and not any(client.unanswered for client in clients)
    ):
        gevent.sleep(0.01)
    if not all_sent():
        raise SystemExit("the generator could not keep up with its schedule")


def sent_all(client: EchoClient, schedule: ConstantRate, end_ns: int) -> bool:
    """Whether everything that was due before the end has really gone out."""
    sent = len(client.sent_ns)
    return sent == len(client.due_ns) and schedule.due_ns(sent) >= end_ns


def reported(
    publisher: int, client: EchoClient, begin_ns: int, end_ns: int
) -> list[tuple[int, ...]]:
    """Publisher, number, and the due, sent and arrived times of every echo that counts.

    An echo whose reply never came has no arrived time.
    """
    arrived_ns = dict(zip(client.numbers, client.kernel_ns, strict=True))
    return [
        (publisher, number, due_ns, client.sent_ns[number])
        + ((arrived_ns[number],) if number in arrived_ns else ())
        for number, due_ns in enumerate(client.due_ns)
        if begin_ns <= due_ns < end_ns
    ]


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
