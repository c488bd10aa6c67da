"""Runs one setup once: a fresh peer on one core, a fresh contender on another, the meters read."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loadtests.arithmetic.usage import Usage, between
from loadtests.generator.bench_client import agreement
from loadtests.generator.bench_client.children import Child, child
from loadtests.generator.bench_client.contenders import CONTENDERS, missing
from loadtests.generator.bench_client.measured import (
    OURS,
    ContenderFailed,
    ContenderTrial,
    Echoes,
    NotAvailable,
    Setup,
    Spending,
    Workload,
)
from loadtests.generator.bench_client.plan import OPEN_LOOP_HZ
from loadtests.generator.bench_client.tcpdump import capturing
from loadtests.generator.calibrate.rounds import MEMORY, RESPONDER
from loadtests.generator.footprint import Footprints
from loadtests.machine.cores import Pinning
from loadtests.machine.journal import WrongConnections, verify_connections
from loadtests.machine.launch import LaunchError, serving, started
from loadtests.machine.meter import Meter
from loadtests.record.ready import Listening
from loadtests.scenarios.bench import connect_timeout_s

#: The server's heartbeat: python-engineio's defaults.
_PING_INTERVAL_S, _PING_TIMEOUT_S = 25.0, 20.0
_CONNECT_TIMEOUT_S = 60.0
#: Beyond the announced end, for draining and for a busy machine.
_GRACE_S = 20.0
BUSY_PERCENT = 80.0
LATENCY = (sys.executable, "-m", "loadtests.generator.bench_client.latency")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is the same in all trials of a run.

    Attributes:
        pins: which core serves and which runs the contender.
        folder: for logs and captures.
        seconds: how long each trial counts.
        warmup_s: before that, with the load on.
        echo_clients: of echoes, in either loop.
        recipients: of broadcasts, the publisher among them.
        broadcast_hz: far from saturating any server.
        idle_connections: whose memory is measured.
    """

    pins: Pinning
    folder: Path
    seconds: float = 3.0
    warmup_s: float = 0.5
    echo_clients: int = 20
    recipients: int = 200
    broadcast_hz: float = 10.0
    idle_connections: int = 10_000

    def numbers(self) -> dict[str, float]:
        """All that can be written as a number, by name."""
        return {
            name: value for name, value in asdict(self).items() if isinstance(value, int | float)
        }

    def clients(self, workload: Workload) -> int:
        """How many connections a workload has."""
        return self.recipients if workload is Workload.BROADCAST else self.echo_clients


#: What can go wrong in a trial and has a message for a person.
_FAILURES = (ContenderFailed, LaunchError, WrongConnections, ProcessLookupError)


def run(conditions: Conditions, setup: Setup, label: str, round_: int | None) -> ContenderTrial:
    """One trial, whatever comes of it.

    Args:
        conditions: of the run.
        setup: what to measure.
        label: what the names of its files begin with.
        round_: see Trial.
    """
    begun = time.monotonic()
    name = f"{label}-{setup.workload}-{setup.transport}-{setup.contender}-{setup.mode}"
    found: dict[str, Any]
    try:
        lacks = missing(setup.contender)
        if lacks is not None:
            raise NotAvailable(lacks)
        found = _MEASURE[setup.workload](_Place(conditions, name.replace(" ", "-")), setup)
    except NotAvailable as error:
        found = {"problem": str(error), "available": False}
    except _FAILURES as error:
        found = {"problem": str(error)}
    return ContenderTrial(round=round_, setup=setup, seconds=time.monotonic() - begun, **found)


@dataclass(frozen=True, slots=True)
class _Place:
    """One trial's conditions and the names of its files."""

    conditions: Conditions
    name: str

    def file(self, ending: str) -> Path:
        return self.conditions.folder / f"{self.name}-{ending}"


@dataclass(frozen=True, slots=True)
class _Peer:
    """What serves, whichever it is; a responder keeps no journal."""

    url: str
    pid: int
    journal: Path | None

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@contextmanager
def _peer(at: _Place, mode: str | None) -> Iterator[_Peer]:
    core, log = at.conditions.pins.server, at.file("server.log")
    if mode is None:
        with started("responder", RESPONDER, type=Listening, log=log, core=core) as responder:
            yield _Peer(responder.url, responder.ready.pid, None)
        return
    journal = at.file("journal.jsonl")
    journal.unlink(missing_ok=True)
    with serving(
        mode,
        ping_interval_s=_PING_INTERVAL_S,
        ping_timeout_s=_PING_TIMEOUT_S,
        log=log,
        journal=journal,
        core=core,
    ) as server:
        yield _Peer(server.url, server.ready.pid, journal)


def _verify(peer: _Peer, setup: Setup, conditions: Conditions) -> None:
    """Check by the server's account that every client is on the transport that was forced."""
    if peer.journal is not None:
        verify_connections(peer.journal, setup.transport, conditions.clients(setup.workload))


def _cost(at: _Place, setup: Setup) -> dict[str, Any]:
    """CPU time per message of a contender and of the server."""
    conditions = at.conditions
    command = [
        *CONTENDERS[setup.contender].command,
        str(setup.workload),
        f"--transport={setup.transport}",
        f"--clients={conditions.clients(setup.workload)}",
        f"--seconds={conditions.seconds:g}",
        f"--warmup={conditions.warmup_s:g}",
        f"--rate={conditions.broadcast_hz:g}",
    ]
    with _peer(at, setup.mode) as peer:
        with child(
            [*command, f"--url={peer.url}"],
            log=at.file("client.log"),
            core=conditions.pins.generator,
        ) as client:
            usage, said = _between_announced(client, Meter(peer.pid))
        _verify(peer, setup, conditions)
    if not said["messages"]:
        raise ContenderFailed("not a single reply was counted")
    assert usage.server_ns is not None
    cost = Spending(
        messages=said["messages"],
        contender_cpu_ns=said["cpu_ns"],
        contender_wall_ns=said["wall_ns"],
        server_cpu_ns=usage.server_ns,
        server_wall_ns=usage.wall_ns,
    )
    return {"client": said["client"], "cost": cost}


def _footprint(at: _Place, setup: Setup) -> dict[str, Any]:
    """Memory of idle connections."""
    wanted = at.conditions.idle_connections
    with (
        _peer(at, setup.mode) as peer,
        started(
            "load generator",
            [*MEMORY, peer.url, str(wanted)],
            type=Footprints,
            log=at.file("client.log"),
            core=at.conditions.pins.generator,
            timeout_s=connect_timeout_s(wanted),
        ) as client,
    ):
        [found] = client.ready.footprints
    return {
        "client": OURS,
        "footprint": found,
        "problem": found.shortfall,
        "available": found.shortfall is None,
    }


def _echoes(at: _Place, setup: Setup) -> dict[str, Any]:
    """An open loop and a capture of the same."""
    # Here, since dpkt would slow down the start of every other command.
    from loadtests.generator.bench_client import capture

    conditions = at.conditions
    pcap = at.file("server.pcap")
    with ExitStack() as stack:
        peer = stack.enter_context(_peer(at, setup.mode))
        command = [
            *LATENCY,
            f"--url={peer.url}",
            f"--clients={conditions.echo_clients}",
            f"--rate={OPEN_LOOP_HZ:g}",
            f"--seconds={conditions.seconds:g}",
            f"--warmup={conditions.warmup_s:g}",
        ]
        if setup.workload is Workload.BUSY_LATENCY:
            busy_url = stack.enter_context(_busy_responder(at))
            command += [f"--busy-url={busy_url}", f"--busy-percent={BUSY_PERCENT:g}"]
        watching = stack.enter_context(capturing(peer.port, pcap))
        client = stack.enter_context(
            child(command, log=at.file("client.log"), core=conditions.pins.generator)
        )
        usage, said = _between_announced(client, Meter(peer.pid))
        _verify(peer, setup, conditions)
    with pcap.open("rb") as file:
        passages = capture.exchanges(capture.segments(file), peer.port)
    pcap.unlink()
    unseen, p50, p99 = agreement.compare(said["echoes"], passages)
    generator_percent = 100 * said["cpu_ns"] / said["wall_ns"]
    if setup.workload is Workload.BUSY_LATENCY and generator_percent < BUSY_PERCENT:
        raise ContenderFailed(
            f"{said['busy_clients']} clients in a closed loop made the generator "
            f"{generator_percent:.0f} % busy, not {BUSY_PERCENT:g} %; is its core used by others?"
        )
    found = Echoes(
        messages=len(said["echoes"]),
        unseen=unseen,
        dropped=watching.dropped,
        p50=p50,
        p99=p99,
        generator_percent=generator_percent,
        server_percent=usage.server_percent or 0.0,
        busy_clients=said["busy_clients"],
    )
    return {"client": said["client"], "echoes": found}


@contextmanager
def _busy_responder(at: _Place) -> Iterator[str]:
    """The URL of a second peer, for a closed loop that keeps the generator busy."""
    log, core = at.file("busy.log"), _spare_core(at.conditions.pins)
    with started("busy responder", RESPONDER, type=Listening, log=log, core=core) as busy:
        yield busy.url


def _spare_core(pins: Pinning) -> int | None:
    """For a peer that should disturb neither side; with two cores it shares the server's."""
    if pins.server is None:
        return None
    spare = os.sched_getaffinity(0) - {pins.server, pins.generator}
    return max(spare, default=pins.server)


def _between_announced(client: Child, meter: Meter) -> tuple[Usage, dict[str, Any]]:
    """What the peer used between the moments that a client announces, and what that client says."""
    announced = client.line(_CONNECT_TIMEOUT_S)
    _sleep_until(announced["begin_ns"])
    begin = meter.read()
    _sleep_until(announced["end_ns"])
    end = meter.read()
    return between(begin, end), client.line(_GRACE_S)


def _sleep_until(moment_ns: int) -> None:
    time.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))


_MEASURE = {
    Workload.ECHO: _cost,
    Workload.BROADCAST: _cost,
    Workload.IDLE: _footprint,
    Workload.LATENCY: _echoes,
    Workload.BUSY_LATENCY: _echoes,
}
