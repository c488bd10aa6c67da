"""Echo: an open loop that waits for nobody, a closed loop that never has two messages under way."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.record.results import Measurement
from loadtests.scenarios import echo
from loadtests.scenarios.echo import METRICS, Echo
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.errors import TrialFailed
from tests.support.simulation import MS, SECOND, FakeBench, FakeSession, World, echoing, number_of


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def client(world: World, session: FakeSession) -> EchoClient:
    return EchoClient(session, world, 32, now_ns=world.time_ns)  # type: ignore[arg-type]


def numbers(session: FakeSession) -> list[int]:
    return [number_of(data) for _, data in session.sent]


# --- the open loop


def test_open_loop_sends_when_due_and_waits_for_no_reply(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    start_ns = world.now_ns + 10 * MS
    client.open_loop(ConstantRate(start_ns, 100), start_ns + 45 * MS)
    world.run_until(start_ns + SECOND)
    assert numbers(session) == [0, 1, 2, 3, 4]
    due = [start_ns + index * 10 * MS for index in range(5)]
    assert due == list(client.due_ns) == list(client.sent_ns)


def test_open_loop_sends_the_echo_event_in_its_stated_length(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.open_loop(ConstantRate(world.now_ns, 100), world.now_ns + MS)
    world.run_until(world.now_ns + SECOND)
    [(name, data)] = session.sent
    assert (name, len(data)) == ("my event", 32)


def test_late_send_keeps_its_due_time(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    start_ns = world.now_ns
    client.open_loop(ConstantRate(start_ns, 100), start_ns + 30 * MS)
    world.now_ns += 25 * MS  # the generator was busy
    world.run_until(start_ns + SECOND)
    assert [start_ns, start_ns + 10 * MS, start_ns + 20 * MS] == list(client.due_ns)
    assert [start_ns + 25 * MS] * 3 == list(client.sent_ns)


def test_send_that_is_due_at_the_end_is_not_sent(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.open_loop(ConstantRate(world.now_ns, 100), world.now_ns + 20 * MS)
    world.run_until(world.now_ns + SECOND)
    assert numbers(session) == [0, 1]


def test_stopped_client_sends_nothing_more(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.open_loop(ConstantRate(world.now_ns, 100), world.now_ns + SECOND)
    world.run_until(world.now_ns + 15 * MS)
    client.stop()
    world.run_until(world.now_ns + SECOND)
    assert numbers(session) == [0, 1]


def test_second_open_loop_begins_at_its_own_start(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.open_loop(ConstantRate(world.now_ns, 100), world.now_ns + 15 * MS)
    world.run_until(world.now_ns + SECOND)
    again_ns = world.now_ns + SECOND
    client.open_loop(ConstantRate(again_ns, 50), again_ns + 30 * MS)
    world.run_until(again_ns + SECOND)
    assert [again_ns, again_ns + 20 * MS] == list(client.due_ns)[2:]


def test_reply_is_kept_with_both_its_times(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.open_loop(ConstantRate(world.now_ns, 1), world.now_ns + MS)
    world.run_until(world.now_ns)
    assert {0} == client.unanswered
    session.receive(session.sent[0][1], 111, 222)
    assert set() == client.unanswered
    assert (
        list(client.numbers),
        list(client.kernel_ns),
        list(client.user_ns),
    ) == ([0], [111], [222])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["words"],
        [{}],
        [{"data": "Connected"}],
        [{"data": None}],
        [{"data": ["0", "0", ""]}],
        [{"data": "0:x:y"}],
        [{"data": "0:99:xxx"}],
        [None],
    ],
)
def test_what_is_no_reply_of_ours_is_left_alone(
    client: EchoClient, session: FakeSession, arguments: list[Any]
) -> None:
    client.closed_loop(2**62)
    session.handlers["my response"](arguments, 1, 1)
    assert (len(client.numbers), len(session.sent)) == (0, 1)


# --- the closed loop


def test_closed_loop_that_begins_later_sends_when_it_is_to_begin(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    start_ns = world.now_ns + 10 * MS
    client.closed_loop(world.now_ns + SECOND, start_ns)
    world.run_until(start_ns - 1)
    assert numbers(session) == []
    world.run_until(start_ns)
    assert numbers(session) == [0]
    assert list(client.due_ns) == [start_ns]


def test_closed_loop_that_is_over_before_it_begins_sends_nothing(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    begun_ns = world.now_ns
    client.closed_loop(begun_ns + SECOND, begun_ns + 10 * MS)
    client.open_loop(ConstantRate(begun_ns + 20 * MS, 100), begun_ns + 25 * MS)
    world.run_until(begun_ns + SECOND)
    assert list(client.due_ns) == [begun_ns + 20 * MS]


def test_closed_loop_sends_at_once_and_then_with_each_reply(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.closed_loop(world.now_ns + SECOND)
    assert numbers(session) == [0]
    for _ in range(3):
        world.now_ns += MS
        session.receive(session.sent[-1][1], world.now_ns)
    assert numbers(session) == [0, 1, 2, 3]
    assert list(client.due_ns) == list(client.sent_ns)


def test_duplicate_reply_starts_no_second_message(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.closed_loop(world.now_ns + SECOND)
    first = session.sent[0][1]
    for _ in range(3):
        session.receive(first, world.now_ns)
    assert numbers(session) == [0, 1]
    assert list(client.numbers) == [0]


def test_straggler_of_the_open_loop_starts_no_second_message(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.open_loop(ConstantRate(world.now_ns, 1), world.now_ns + MS)
    world.run_until(world.now_ns)
    straggler = session.sent[0][1]
    client.closed_loop(world.now_ns + SECOND)
    session.receive(straggler, world.now_ns)
    assert numbers(session) == [0, 1]
    assert list(client.numbers) == [0]


def test_schedule_of_the_open_loop_starts_no_second_message(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    start_ns = world.now_ns
    client.open_loop(ConstantRate(start_ns, 10), start_ns + 150 * MS)
    world.run_until(start_ns + 150 * MS)
    for _, data in session.sent:
        session.receive(data, world.now_ns)
    # The open loop has looked ahead: its third send would be due at 200 ms, after its end.
    client.closed_loop(start_ns + 10 * SECOND)
    world.run_until(start_ns + SECOND)
    assert numbers(session) == [0, 1, 2]
    assert {2} == client.unanswered


def test_reply_after_the_end_starts_nothing(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.closed_loop(world.now_ns + 10)
    session.receive(session.sent[0][1], world.now_ns + 9, world.now_ns + 10)
    assert numbers(session) == [0]
    assert list(client.numbers) == [0]


def test_unanswered_message_stays_so(
    world: World, session: FakeSession, client: EchoClient
) -> None:
    client.closed_loop(world.now_ns + SECOND)
    session.receive(session.sent[0][1], world.now_ns)
    assert {1} == client.unanswered


# --- the whole scenario, with a server that does as the test says

OPTIONS = Echo(
    clients=4, rate_hz=40, latency_s=1, throughput_s=0.5, warmup_s=0.1, drain_s=0.2, rounds=1
)


def measurement(world: World, fate: Any) -> Measurement:
    bench = FakeBench(world, OPTIONS.clients)
    echoing(bench, fate)
    [found] = echo.measure(bench, OPTIONS)  # type: ignore[arg-type]
    return found


def measured(world: World, fate: Any) -> dict[str, float | None]:
    return measurement(world, fate).metrics


def test_steady_servers_numbers_are_what_it_does(world: World) -> None:
    found = measured(world, lambda _session, _number: [10 * MS])
    assert (
        found["latency_p50"],
        found["latency_max"],
        found["service_p99"],
    ) == (10.0, 10.0, 10.0)
    # Four clients, each with one message under way that takes 10 ms.
    assert found["throughput"] == pytest.approx(400, rel=0.02)
    assert (found["lost"], found["lateness_p99"]) == (0, 0.0)


def test_busy_generators_late_sends_are_charged_to_latency_and_not_to_service_time(
    world: World,
) -> None:
    def be_busy() -> None:
        world.now_ns += 700 * MS

    world.after(300 * MS, be_busy)  # of the second that is measured
    found = measured(world, lambda _session, _number: [10 * MS])
    assert (found["latency_p50"] or 0) > 100
    assert found["service_p50"] == 10.0
    assert (found["lateness_p99"] or 0) > 600


def test_every_metric_of_the_scenario_is_measured(world: World) -> None:
    assert METRICS.keys() == measured(world, lambda _s, _n: [MS]).keys()


def test_lost_reply_is_counted_and_is_the_slowest(world: World) -> None:
    found = measured(world, lambda session, number: [] if (session, number) == (1, 5) else [MS])
    assert (found["lost"], found["latency_max"], found["latency_p50"]) == (1, None, 1.0)


def test_message_lost_in_the_closed_loop_is_counted(world: World) -> None:
    found = measured(world, lambda session, number: [] if (session, number) == (1, 30) else [MS])
    assert (found["lost"], found["latency_max"]) == (1, 1.0)


def test_straggler_does_not_make_up_for_a_lost_message(world: World) -> None:
    # One open-loop reply comes during the closed loop, so it is slow; one of that never comes.
    def fate(session: int, number: int) -> list[int]:
        return {(0, 10): [500 * MS], (1, 30): []}.get((session, number), [MS])

    found = measured(world, fate)
    assert (found["lost"], found["latency_max"]) == (1, 500.0)


def test_duplicates_are_not_throughput(world: World) -> None:
    once = measured(world, lambda _s, _n: [10 * MS])["throughput"]
    world.run_until(world.now_ns + SECOND)
    twice = measured(world, lambda _s, _n: [10 * MS, 11 * MS])["throughput"]
    assert once == pytest.approx(twice, rel=0.01)


@pytest.mark.parametrize(
    ("service_ms", "why"), [(40, "busy with the open loop's messages"), (200, "no reply came")]
)
def test_overloaded_server_has_neither_a_latency_nor_a_throughput(
    world: World, service_ms: int, why: str
) -> None:
    free_ns = 0

    def queue(_session: int, _number: int) -> list[int]:  # one message at a time
        nonlocal free_ns
        free_ns = max(world.now_ns, free_ns) + service_ms * MS
        return [free_ns - world.now_ns]

    found = measurement(world, queue)
    assert (found.metrics["throughput"] or 0) < 1000 / service_ms, "far less than it can"
    assert why in found.invalid["throughput"]
    assert {"latency_p50", "latency_max"} <= found.invalid.keys()


def test_server_that_answers_nothing_fails_the_trial(world: World) -> None:
    with pytest.raises(TrialFailed, match=r"answered nothing.*'my event'.*/test"):
        measured(world, lambda _s, _n: [])
