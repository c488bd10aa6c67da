"""Echo over several turns: what comes later, what could not be sent, and what was lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from loadtests.arithmetic.disturbance import Disturbance
from loadtests.arithmetic.pacing import ConstantRate
from loadtests.record.results import Measurement
from loadtests.scenarios import echo
from loadtests.scenarios.bench import LEAD_NS
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echoing import closed_window, turns_of
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.turns import Lone, Turn
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

#: Each of three rounds sends 20 messages, 50 ms apart, in a turn of the open loop, and has two of
#: the closed one, of a tenth of a second each; the first of either is warmed up by 100 ms, the
#: others by 50.
OPTIONS = Echo(
    clients=2,
    rate_hz=20,
    latency_s=3,
    throughput_s=0.6,
    warmup_s=0.1,
    settle_s=0.05,
    drain_s=0.2,
    rounds=3,
)


@pytest.fixture
def world() -> World:
    return World()


class Others(Lone):
    """Turns with a pause between them, in which others have theirs."""

    def __init__(self, world: World, pause_ns: int, disturbed: Collection[int] = ()) -> None:
        super().__init__()
        self._world = world
        self._pause_ns = pause_ns
        self._disturbed = disturbed

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        with super().turn() as turn:
            yield turn
        if turn.number in self._disturbed:
            turn.disturbance = Disturbance("the load generator stood still (for 1 s)")
        self._world.run_until(self._world.now_ns + self._pause_ns)


def measured(world: World, fate: Fate, options: Echo = OPTIONS, pause_ns: int = 0) -> Measurement:
    bench = FakeBench(world, options.clients)
    bench.turns = Others(world, pause_ns)
    echoing(bench, fate)
    [found] = echo.measure(bench, options)  # type: ignore[arg-type]
    return found


def at_once(_session: int, _number: int) -> list[int]:
    return [MS]


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


def test_clients_that_wait_long_for_their_replies_do_not_stay_in_step(world: World) -> None:
    options = msgspec.structs.replace(OPTIONS, clients=10)
    bench = FakeBench(world, options.clients)
    echoing(bench, lambda _session, _number: [40 * MS])
    echo.measure(bench, options)  # type: ignore[arg-type]
    closed = [told for number, told in enumerate(bench.slices) if number % 3]
    assert len(closed) == 6
    for told in closed:
        # 25 replies in a tenth of a second; clients in step would have 20, or 30.
        assert told.server_cpu_us == pytest.approx(400, rel=0.1)


def test_clients_of_a_closed_loop_begin_one_after_the_other(world: World) -> None:
    bench = FakeBench(world, 4)
    sent_ns: list[int] = []
    for session in bench.sessions:
        session.on_send = lambda _name, _data: sent_ns.append(world.now_ns)
    clients = [EchoClient(each, world, 32, now_ns=world.time_ns) for each in bench.sessions]  # type: ignore[arg-type]
    begun_ns = world.now_ns
    closed_window(bench, OPTIONS, clients, 0.04, 0.1)  # type: ignore[arg-type]
    # All within the time that is not measured.
    assert [each - begun_ns for each in sent_ns[:4]] == [0, 10 * MS, 20 * MS, 30 * MS]


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


# --- a reply that is lost in a closed loop


class Losing:
    """Loses the first reply that was sent for in a closed loop of the first turn."""

    def __init__(self, world: World, lost: int = 1) -> None:
        self._world = world
        self._begin_ns = world.now_ns + LEAD_NS + 1100 * MS
        self._left = lost
        self.sent_ns: list[int] = []

    def __call__(self, session: int, _number: int) -> list[int]:
        if session == 0 and self._world.now_ns > self._begin_ns + 20 * MS:
            self.sent_ns.append(self._world.now_ns)
            if self._left:
                self._left -= 1
                return []
        return [MS]


def test_client_whose_reply_was_lost_goes_on_when_that_is_sure(world: World) -> None:
    options = msgspec.structs.replace(OPTIONS, throughput_s=3)
    fate = Losing(world)
    found = measured(world, fate, options)
    waited_ns = fate.sent_ns[1] - fate.sent_ns[0]
    assert 200 * MS <= waited_ns <= 400 * MS, "at least the drain, at most twice as long"
    assert found.metrics["lost"] == 1
    assert "replies were lost" in found.invalid["throughput"]
    assert "(1 lost beside" in found.invalid["throughput"]
    assert found.invalid.keys() == {"throughput"}
    # Of three seconds of two clients one missed a fifth, or two.
    assert 0.9 < (found.metrics["throughput"] or 0) / 2000 < 1


def test_each_lost_reply_costs_its_own_wait(world: World) -> None:
    options = msgspec.structs.replace(OPTIONS, throughput_s=3)
    fate = Losing(world, lost=3)
    found = measured(world, fate, options)
    assert found.metrics["lost"] == 3
    waits = [after - before for before, after in zip(fate.sent_ns, fate.sent_ns[1:4], strict=False)]
    assert all(200 * MS <= wait <= 400 * MS for wait in waits)


def test_reply_that_was_given_up_and_comes_is_not_lost_and_starts_no_second_message(
    world: World,
) -> None:
    options = msgspec.structs.replace(OPTIONS, throughput_s=3)
    losing = Losing(world)

    def fate(session: int, number: int) -> list[int]:
        return losing(session, number) or [800 * MS]

    found = measured(world, fate, options)
    assert found.metrics["lost"] == 0
    assert "throughput" not in found.invalid
    # Each of two clients has one message under way that takes a millisecond.
    assert (found.metrics["throughput"] or 0) < 2000


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
