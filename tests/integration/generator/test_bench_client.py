"""Every contender does its workload over the transport that it is told; no times are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.generator.bench_client import trials
from loadtests.generator.bench_client.contenders import CONTENDERS, missing
from loadtests.generator.bench_client.measured import OURS, ContenderTrial, Setup, Workload
from loadtests.generator.bench_client.trials import Conditions
from loadtests.machine import journal
from loadtests.machine.cores import Pinning
from loadtests.record.words import Transport

CLIENTS = 3
WS, POLLING = Transport.WEBSOCKET, Transport.POLLING


def measure(folder: Path, setup: Setup) -> ContenderTrial:
    """One short trial on any core."""
    conditions = Conditions(
        pins=Pinning(None, None, None),
        folder=folder,
        seconds=0.3,
        warmup_s=0.1,
        echo_clients=CLIENTS,
        recipients=CLIENTS,
        broadcast_hz=20,
        idle_connections=150,
    )
    return trials.run(conditions, setup, "test", 0)


def connected(folder: Path) -> list[str]:
    """Transports of all connections that the server saw."""
    (file,) = folder.glob("*-journal.jsonl")
    return [each["transport"] for each in journal.entries(file) if each["event"] == "connect"]


@pytest.mark.parametrize("transport", Transport)
@pytest.mark.parametrize("contender", CONTENDERS)
def test_contender_gets_its_echoes_over_the_forced_transport(
    contender: str, transport: Transport, tmp_path: Path
) -> None:
    lacks = missing(contender)
    if lacks is not None:
        pytest.skip(lacks)
    found = measure(tmp_path, Setup(Workload.ECHO, transport, contender, "gevent"))
    assert found.problem is None
    assert found.cost is not None
    assert found.cost.messages > 0
    assert found.cost.contender_cpu_ns > 0
    assert found.cost.server_cpu_ns > 0
    assert found.client != ""
    assert [transport] * CLIENTS == connected(tmp_path)


@pytest.mark.parametrize("contender", [OURS, "python-socketio"])
def test_contender_gets_its_deliveries(contender: str, tmp_path: Path) -> None:
    found = measure(tmp_path, Setup(Workload.BROADCAST, WS, contender, "gevent"))
    assert found.problem is None
    assert found.cost is not None
    assert found.cost.messages >= CLIENTS
    assert connected(tmp_path) == [WS] * CLIENTS


def test_idle_connections_are_all_there(tmp_path: Path) -> None:
    found = measure(tmp_path, Setup(Workload.IDLE, WS, OURS, None))
    assert found.problem is None
    assert found.footprint is not None
    assert (found.footprint.connections, found.footprint.wanted) == (150, 150)
    assert found.footprint.rss_after >= found.footprint.rss_before


@pytest.mark.parametrize("mode", ["gevent", None])
def test_capture_sees_every_echo_that_is_reported(mode: str | None, tmp_path: Path) -> None:
    found = measure(tmp_path, Setup(Workload.LATENCY, WS, OURS, mode))
    if not found.available:
        pytest.skip(str(found.problem))
    assert found.problem is None
    assert found.echoes is not None
    assert found.echoes.messages == 300
    assert found.echoes.unseen == 0
    assert not list(tmp_path.glob("*.pcap"))


def test_a_contender_that_breaks_says_why(tmp_path: Path) -> None:
    found = measure(tmp_path, Setup(Workload.BROADCAST, WS, "node", "gevent"))
    if not found.available:
        pytest.skip(str(found.problem))
    assert "this contender does not do broadcast" in str(found.problem)
