"""Echo over several turns: what comes later, what could not be sent, and a server that stops."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.scenarios import echo
from loadtests.scenarios.bench import LEAD_NS
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echoing import turns_of
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.turns import Lone
from tests.support.simulation import (
    MS,
    SECOND,
    FakeBench,
    FakeSession,
    Fate,
    World,
    echoing,
    number_of,
)
from tests.unit.scenarios.echo_in_turns import OPTIONS, Others, at_once, measured


@pytest.fixture
def world() -> World:
    return World()


# --- what is counted


@pytest.mark.parametrize("rounds", [1, 2, 3, 6])
def test_as_many_samples_as_rate_and_time_make_however_they_are_cut(
    world: World, rounds: int
) -> None:
    options = msgspec.structs.replace(OPTIONS, throughput_s=1.2, rounds=rounds)
    found = measured(world, at_once, options)
    assert found.samples["latency"] == 20 * 3
    assert found.metrics["lost"] == 0
    assert found.invalid == {}


def test_warming_up_and_settling_are_not_counted(world: World) -> None:
    # What comes first is slow, in each turn: after a pause of its own, of 70 ms.
    quiet_since = [0]

    def fate(_session: int, _number: int) -> list[int]:
        woken = world.now_ns - quiet_since[0] > 60 * MS
        quiet_since[0] = world.now_ns
        return [45 * MS if woken else MS]

    found = measured(world, fate, pause_ns=SECOND)
    assert found.metrics["latency_max"] == 1.0


def test_turns_far_apart_are_added_up_and_the_time_between_them_is_not(world: World) -> None:
    near = measured(world, lambda _session, _number: [10 * MS])
    far = measured(World(), lambda _session, _number: [10 * MS], pause_ns=30 * SECOND)
    # Each of two clients has one message under way that takes 10 ms.
    for found in (near, far):
        assert found.metrics["throughput"] == pytest.approx(200, rel=0.04)
        assert found.metrics["server_busy"] == found.metrics["server_busy_open"] == 10.0
    far_world = World()
    measured(far_world, at_once, pause_ns=30 * SECOND)
    assert far_world.now_ns > world.now_ns + 60 * SECOND


def test_slices_are_told_with_what_the_server_used(world: World) -> None:
    bench = FakeBench(world, OPTIONS.clients)
    echoing(bench, at_once)
    echo.measure(bench, OPTIONS)  # type: ignore[arg-type]
    assert len(bench.slices) == turns_of(OPTIONS) == 9
    for number, told in enumerate(bench.slices):
        if number % 3 == 0:  # of the open loop, where it depends on the load
            assert told.seconds == pytest.approx(1)
            assert told.server_cpu_us is None
        else:
            assert told.seconds == pytest.approx(0.1)
            # A tenth of a core for a message of each client in each millisecond.
            assert told.server_cpu_us == pytest.approx(50, rel=0.02)


def test_what_a_disturbed_turn_gave_is_in_no_number(world: World) -> None:
    bench = FakeBench(world, OPTIONS.clients)
    bench.turns = Others(world, 0, disturbed=[3, 5])
    turns: list[int] = []

    def fate(_session: int, _number: int) -> list[int]:
        turns.append(bench.turns.rest() if isinstance(bench.turns, Lone) else 0)
        return [90 * MS if turns[-1] in {3, 5} else MS]

    echoing(bench, fate)
    [found] = echo.measure(bench, OPTIONS)  # type: ignore[arg-type]
    assert set(range(9)) == set(turns)
    assert found.samples["latency"] == 40
    assert found.metrics["latency_max"] == 1.0
    # Of two clients that have one message under way, which takes a millisecond.
    assert found.metrics["throughput"] == pytest.approx(2000, rel=0.02)
    why = "the load generator stood still (for 1 s)"
    assert [each.left_out for each in bench.slices] == ["", "", "", why, "", why, "", "", ""]


# --- what comes later


def test_reply_that_comes_in_a_later_turn_is_charged_its_true_latency(world: World) -> None:
    # The fourth message of a client is due in the first turn, which lasts about 1.5 s.
    found = measured(
        world,
        lambda session, number: [5 * SECOND] if (session, number) == (0, 3) else [MS],
        pause_ns=2 * SECOND,
    )
    assert (found.metrics["latency_max"], found.metrics["lost"]) == (5000.0, 0)
    assert found.metrics["latency_p90"] == 1.0


def test_reply_that_has_not_come_when_all_turns_are_over_is_lost(world: World) -> None:
    found = measured(
        world, lambda session, number: [60 * SECOND] if (session, number) == (0, 3) else [MS]
    )
    assert (found.metrics["latency_max"], found.metrics["lost"]) == (None, 1)
    assert "never arrived (1 of 60)" in found.invalid["latency_max"]


# --- what could not be sent in time


def frozen(world: World, begin_s: float, end_s: float) -> World:
    """From when to when no callback runs; the first open loop is from 0 to 1.1 s."""
    first_ns = world.now_ns + LEAD_NS
    world.frozen = (first_ns + round(begin_s * SECOND), first_ns + round(end_s * SECOND))
    return world


def test_what_was_due_before_the_end_is_sent_late_and_charged(world: World) -> None:
    patient = msgspec.structs.replace(OPTIONS, drain_s=2)
    found = measured(frozen(world, 1.01, 2.01), at_once, patient)
    assert found.samples["latency"] == 60
    assert found.metrics["lost"] == 0
    # Due at 1.05 s, sent when the generator went on, and answered a millisecond later.
    assert found.metrics["latency_max"] == pytest.approx(961)
    assert found.metrics["service_p99"] == 1.0
    assert found.metrics["lateness_p99"] == pytest.approx(960)


def test_what_was_due_and_could_not_be_sent_within_the_drain_is_lost(world: World) -> None:
    found = measured(frozen(world, 0.99, 1.99), at_once)
    # Those of 1.00 s and 1.05 s; a drain takes 0.2 s.
    assert found.samples["latency"] == 60
    assert found.metrics["lost"] == 2
    assert found.metrics["latency_max"] is None
    assert "never arrived (2 of 60)" in found.invalid["latency_max"]
    assert found.metrics["latency_p90"] == 1.0


def test_what_could_not_be_sent_is_not_sent_beside_a_later_turn(world: World) -> None:
    bench = FakeBench(frozen(world, 0.99, 1.99), OPTIONS.clients)
    bench.turns = Others(world, 5 * SECOND)
    echoing(bench, at_once)
    pausing_ns = (world.now_ns + 2 * SECOND, world.now_ns + 5 * SECOND)
    sent_ns: list[int] = []
    for session in bench.sessions:
        answer = session.on_send

        def note(name: str, data: str, answer: Callable[[str, str], None] = answer) -> None:
            sent_ns.append(world.now_ns)
            answer(name, data)

        session.on_send = note
    echo.measure(bench, OPTIONS)  # type: ignore[arg-type]
    assert not [each for each in sent_ns if pausing_ns[0] < each < pausing_ns[1]]


def test_alarm_that_an_earlier_loop_has_left_sends_nothing_early(world: World) -> None:
    session = FakeSession()
    client = EchoClient(session, world, 32, now_ns=world.time_ns)  # type: ignore[arg-type]
    start_ns = world.now_ns
    # It has looked ahead: its third message would be due at 200 ms, after its end.
    client.open_loop(ConstantRate(start_ns, 10), start_ns + 150 * MS)
    world.run_until(start_ns + 160 * MS)
    client.open_loop(ConstantRate(start_ns + 300 * MS, 10), start_ns + SECOND)
    world.run_until(start_ns + 299 * MS)
    assert [number_of(data) for _, data in session.sent] == [0, 1]
    world.run_until(start_ns + 300 * MS)
    assert [number_of(data) for _, data in session.sent] == [0, 1, 2]
    assert start_ns + 300 * MS == client.due_ns[2]


# --- a server that stops


def answered_until(world: World, turn: int) -> Fate:
    """Answers in the first turns only, which begin more than ten seconds after each other."""
    end_ns = world.now_ns + turn * 10 * SECOND
    return lambda _session, _number: [MS] if world.now_ns < end_ns else []


def test_server_that_stops_answering_between_turns_fails_the_trial(world: World) -> None:
    options = msgspec.structs.replace(OPTIONS, latency_s=5, throughput_s=1, rounds=5)
    with pytest.raises(TrialFailed) as failed:
        measured(world, answered_until(world, 2), options, pause_ns=10 * SECOND)
    assert str(failed.value) == "the server stopped answering: nothing in turns 3 and 4 of 15"


def test_loop_without_an_answer_has_no_throughput_and_no_cpu_per_message(world: World) -> None:
    sent = [0, 0]

    def fate(session: int, _number: int) -> list[int]:
        sent[session] += 1
        return [MS] if sent[session] <= 11 else []  # those of the open loop

    one = msgspec.structs.replace(OPTIONS, latency_s=1, throughput_s=0.1, rounds=1)
    found = measured(world, fate, one)
    assert "no reply came" in found.invalid["throughput"]
    assert found.metrics["server_cpu"] is None
    assert "nothing was received" in found.unavailable["server_cpu"]
    assert found.metrics["latency_max"] == 1.0
    assert {"throughput"} == found.invalid.keys()


def test_open_loop_without_an_answer_fails_the_trial(world: World) -> None:
    sent = [0, 0]

    def fate(session: int, _number: int) -> list[int]:
        sent[session] += 1
        return [] if sent[session] <= 11 else [MS]

    one = msgspec.structs.replace(OPTIONS, latency_s=1, throughput_s=0.5, rounds=1)
    with pytest.raises(TrialFailed, match=r"answered none of 20 messages.*'my event'.*/test"):
        measured(world, fate, one)
