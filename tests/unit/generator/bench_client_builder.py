"""Trials and rows of the client's benchmark, as small as a test can say them."""

from __future__ import annotations

from loadtests.generator.bench_client import verdicts
from loadtests.generator.bench_client.measured import (
    BARE,
    OURS,
    ContenderTrial,
    Echoes,
    Offered,
    Quantiles,
    Setup,
    Spending,
    Workload,
)
from loadtests.generator.bench_client.rows import (
    AgainstPeer,
    AgainstServer,
    Agreement,
    BenchRow,
    Memory,
    Reference,
)
from loadtests.record.words import Transport

WS, POLLING = Transport.WEBSOCKET, Transport.POLLING
ECHO, IDLE = Workload.ECHO, Workload.IDLE
WS_ECHO, POLLING_ECHO = Offered(ECHO, WS), Offered(ECHO, POLLING)
BROADCAST = Offered(Workload.BROADCAST, WS)
REFERENCE = Reference(
    {WS_ECHO: ("gevent", "eventlet"), POLLING_ECHO: ("eventlet",), BROADCAST: ("eventlet",)},
    {Workload.LATENCY: "gevent", Workload.BUSY_LATENCY: "gevent"},
)
SECOND = 1_000_000_000

AGAINST_SERVER = AgainstServer(WS_ECHO, 0.15)
AGAINST_NODE = AgainstPeer(WS_ECHO, "node", 0.5)
AGAINST_LOCUST = AgainstPeer(WS_ECHO, "locust")
MEMORY = Memory("memory", "memory", 12)
P99 = Agreement("p99", "p99", Workload.LATENCY, "p99", 0.03, 0.1)


def cost(contender_us: float, server_us: float) -> Spending:
    """Of a thousand messages in a second."""
    return Spending(1000, round(contender_us * 1e6), SECOND, round(server_us * 1e6), SECOND)


def costs(
    round_: int | None, mode: str, contender: str, contender_us: float, server_us: float
) -> ContenderTrial:
    return ContenderTrial(
        round_, Setup(ECHO, WS, contender, mode), cost=cost(contender_us, server_us)
    )


def ours(round_: int, mode: str, contender_us: float, server_us: float) -> ContenderTrial:
    return costs(round_, mode, OURS, contender_us, server_us)


def bare(round_: int, mode: str, contender_us: float, server_us: float) -> ContenderTrial:
    return costs(round_, mode, BARE, contender_us, server_us)


def failed(round_: int | None, contender: str, *, available: bool = True) -> ContenderTrial:
    setup = Setup(ECHO, WS, contender, "gevent")
    return ContenderTrial(round_, setup, problem="it broke", available=available)


def find(row: BenchRow, *trials: ContenderTrial) -> verdicts.TargetFinding:
    return verdicts.find(row, trials, REFERENCE)


def echoes(round_: int, captured: float, service: float) -> ContenderTrial:
    quantiles = Quantiles(captured, service, service + 1, 1)
    found = Echoes(3000, 0, 0, quantiles, quantiles, 20.0, 50.0, 0)
    return ContenderTrial(round_, Setup(Workload.LATENCY, WS, OURS, "gevent"), echoes=found)


def piloted(**servers_us: float) -> list[ContenderTrial]:
    return [costs(None, mode, OURS, 10, cost_us) for mode, cost_us in servers_us.items()]
