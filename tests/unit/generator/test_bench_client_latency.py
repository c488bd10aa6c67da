"""The open loop that a capture watches: what it reports of the EchoClient of trials."""

from __future__ import annotations

import pytest

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.generator.bench_client import latency
from loadtests.scenarios.echo_client import EchoClient
from tests.support.simulation import MS, FakeSession, World


@pytest.fixture
def world() -> World:
    return World()


def test_every_echo_that_counts_is_reported_and_a_lost_one_without_an_arrival(
    world: World,
) -> None:
    session = FakeSession()
    client = EchoClient(session, world, 32, publisher=7, now_ns=world.time_ns)  # type: ignore[arg-type]
    begin_ns = world.now_ns
    client.open_loop(ConstantRate(begin_ns, 100), begin_ns + 40 * MS)
    world.run_until(begin_ns + 50 * MS)
    for number in (2, 1):
        session.receive(f"7:{number}:x", begin_ns + (100 + number) * MS)
    reported = latency.reported(7, client, begin_ns + 10 * MS, begin_ns + 40 * MS)
    due = [begin_ns + number * 10 * MS for number in range(4)]
    assert reported == [
        (7, 1, due[1], due[1], begin_ns + 101 * MS),
        (7, 2, due[2], due[2], begin_ns + 102 * MS),
        (7, 3, due[3], due[3]),
    ]


def test_the_publisher_tells_a_client_in_the_capture(world: World) -> None:
    session = FakeSession()
    client = EchoClient(session, world, 32, publisher=7, now_ns=world.time_ns)  # type: ignore[arg-type]
    client.closed_loop(world.now_ns + MS)
    [(_, data)] = session.sent
    assert data.startswith("7:0:")


def test_a_generator_that_has_not_sent_all_that_was_due_could_not_keep_up(world: World) -> None:
    client = EchoClient(FakeSession(), world, 32, now_ns=world.time_ns)  # type: ignore[arg-type]
    schedule = ConstantRate(world.now_ns, 100)
    end_ns = world.now_ns + 40 * MS
    client.open_loop(schedule, end_ns)
    world.run_until(end_ns - 15 * MS)
    assert not latency.sent_all(client, schedule, end_ns)
    world.run_until(end_ns)
    assert latency.sent_all(client, schedule, end_ns)
    client.sent_ns.pop()  # handed over, and still waiting to go out
    assert not latency.sent_all(client, schedule, end_ns)
