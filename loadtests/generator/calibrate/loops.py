"""What is measured in the load generator's process to calibrate it.

Echo is the scenario of trials with more quantiles of the generator's own. The fan-out differs from
the broadcast of trials, whose open loop would pile up copies in the kernel where the generator is
what limits: here a publisher sends again when its own copy has been read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil

from loadtests.arithmetic.samples import milliseconds, quantile
from loadtests.arithmetic.usage import between, metrics
from loadtests.client.session import Session
from loadtests.generator.calibrate.capabilities import LATENESS_P50, RECEIVE_LAG_P50, RESIDENT
from loadtests.record.application import BROADCAST_EVENT
from loadtests.record.results import Measurement
from loadtests.scenarios import broadcast, echo, echoing
from loadtests.scenarios.bench import LEAD_NS, Bench
from loadtests.scenarios.broadcast import Broadcast
from loadtests.scenarios.broadcasting import Recipient
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echoes import LocalEchoes
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.messages import MessageMaker, identity

_KIB = 1024


def measure_echo(bench: Bench, options: Echo) -> list[Measurement]:
    """The echo scenario of trials, which also tells medians of lateness and receive lag.

    Raises:
        TrialFailed: every client lost its connection.
    """
    clients = LocalEchoes(
        EchoClient(session, bench.alarm, options.payload_bytes, now_ns=bench.now_ns)
        for session in bench.sessions
    )
    # The loops of echo.measure themselves: a copy of them would calibrate the copy.
    both = echoing.both_loops(bench, options, clients)
    opened = both.opened
    medians = {
        LATENESS_P50: milliseconds(quantile(opened.lateness_ns, 0.5)),
        RECEIVE_LAG_P50: milliseconds(quantile(opened.receive_lag_ns, 0.5)),
    }
    bench.numbers |= {name: each for name, each in medians.items() if each is not None}
    return [echo.summarise(both, bench.meter.server_mib())]


class _Eager(Recipient):
    """A recipient that publishes, and does so again when its own copy has come."""

    def __init__(self, number: int, session: Session, payload_bytes: int) -> None:
        super().__init__(session, decoded=True)
        self._session = session
        self._number = number
        self._maker = MessageMaker(BROADCAST_EVENT, number, payload_bytes)
        self._sent = 0
        self._until_ns = 0

    def publish(self, until_ns: int) -> None:
        """Begin; send nothing more from ``until_ns`` on."""
        self._until_ns = until_ns
        self._send()

    def _send(self) -> None:
        self._session.send(self._maker.make(self._sent))
        self._sent += 1

    def _received(self, arguments: list[Any], kernel_ns: int, user_ns: int) -> None:
        super()._received(arguments, kernel_ns, user_ns)
        found = identity(arguments)
        if found is not None and found[0] == self._number and user_ns < self._until_ns:
            self._send()


def measure_fan_out(bench: Bench, options: Broadcast) -> list[Measurement]:
    """How many copies of broadcasts are read per second when nothing else is asked for.

    Args:
        bench: with a session for each recipient.
        options: its rate is not used, since every publisher waits for its own copy.

    Raises:
        TrialFailed: nothing was delivered, or every client lost its connection.
    """
    bench.numbers[RESIDENT] = psutil.Process().memory_info().rss / _KIB
    publishers = [
        _Eager(number, session, options.payload_bytes)
        for number, session in enumerate(bench.sessions[: options.publishers])
    ]
    recipients = [*publishers, *map(Recipient, bench.sessions[options.publishers :])]
    begin_ns = bench.now_ns() + round(options.warmup_s * 1e9)
    end_ns = begin_ns + round(options.measure_s * 1e9)
    for publisher in publishers:
        # A little beyond the end, so that the loop is still full when the clocks are read.
        publisher.publish(end_ns + LEAD_NS)
    bench.sleep_until(begin_ns)
    begin = bench.meter.read()
    bench.sleep_until(end_ns)
    end = bench.meter.read()
    for recipient in recipients:  # copies that came compressed are among the arrivals only then
        recipient.read_up()
    # By the time of reading: what waits in the kernel has not been dealt with.
    read = sum(
        sum(1 for _, _, at_ns in recipient.arrivals if begin.at_ns <= at_ns < end.at_ns)
        for recipient in recipients
    )
    if not read:
        raise TrialFailed("no copy of a broadcast was delivered")
    usage = between(begin, end)
    common, unavailable = metrics(usage, read, bench.meter.server_mib())
    values = {"deliveries": read / (usage.wall_ns / 1e9), **common}
    return [Measurement(row=broadcast.SCENARIO.name, metrics=values, unavailable=unavailable)]


#: In place of the scenarios' own.
MEASURES: dict[str, Callable[[Bench, Any], list[Measurement]]] = {
    echo.SCENARIO.name: measure_echo,
    broadcast.SCENARIO.name: measure_fan_out,
}
