"""The closed loop of an echo, cut into slices: how long each is, and what is counted in it."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.scenarios import echo
from loadtests.scenarios.bench import LEAD_NS
from loadtests.scenarios.echo_loops import Window
from loadtests.scenarios.echoing import Pace, closed_window, slice_of
from loadtests.scenarios.own_echo_client import echo_clients
from tests.support.simulation import MS, FakeBench, World, echoing
from tests.unit.scenarios.echo_in_turns import OPTIONS, Others, measured


@pytest.fixture
def world() -> World:
    return World()


# --- how long a slice is


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
    clients = echo_clients(bench, 32)  # type: ignore[arg-type]
    begun_ns = world.now_ns
    closed_window(bench, OPTIONS, clients, 0.04, 0.1)  # type: ignore[arg-type]
    # All within the time that is not measured.
    assert [each - begun_ns for each in sent_ns[:4]] == [0, 10 * MS, 20 * MS, 30 * MS]


def closed_slices_of(world: World, reply_ms: int) -> list[float]:
    """How long those of the closed loop were, in seconds."""
    bench = FakeBench(world, OPTIONS.clients)
    echoing(bench, lambda _session, _number: [reply_ms * MS])
    patient = msgspec.structs.replace(OPTIONS, drain_s=30)
    echo.measure(bench, patient)  # type: ignore[arg-type]
    return [told.seconds for number, told in enumerate(bench.slices) if number % 3]


def test_closed_slices_become_as_long_as_two_round_trips(world: World) -> None:
    # The first one has seen none yet; a tenth of a second holds one reply of each client.
    first, *later = closed_slices_of(world, 90)
    assert first == pytest.approx(0.1)
    assert len(later) == 5
    assert all(0.18 <= seconds <= 0.22 for seconds in later)


def test_closed_slices_that_hold_two_round_trips_stay_as_long_as_they_are(world: World) -> None:
    assert closed_slices_of(world, 40) == pytest.approx([0.1] * 6)


@pytest.mark.parametrize(
    ("round_trip_s", "settled_ms", "slice_ms"), [(0, 50, 100), (0.05, 50, 100), (0.09, 90, 180)]
)
def test_closed_slice_settles_for_a_round_trip_and_holds_two(
    world: World, round_trip_s: float, settled_ms: int, slice_ms: int
) -> None:
    bench = FakeBench(world, OPTIONS.clients)
    echoing(bench, lambda _session, _number: [MS])
    clients = echo_clients(bench, 32)  # type: ignore[arg-type]
    begun_ns = world.now_ns
    window = slice_of(bench, OPTIONS, clients, 5, Pace(round_trip_s)).window  # type: ignore[arg-type]
    assert window.begin_ns - begun_ns == settled_ms * MS
    assert window.end_ns - window.begin_ns == slice_ms * MS


def window_of(world: World, reply_ms: int, seconds: float = 1.0) -> Window:
    bench = FakeBench(world, OPTIONS.clients)
    echoing(bench, lambda _session, _number: [reply_ms * MS])
    clients = echo_clients(bench, 32)  # type: ignore[arg-type]
    return closed_window(bench, OPTIONS, clients, 0.1, seconds)  # type: ignore[arg-type]


def test_pace_is_how_long_a_client_waits_for_a_reply(world: World) -> None:
    pace = Pace()
    window = window_of(world, 50)
    pace.saw(window, 40, 2)
    assert pace.round_trip_s == pytest.approx(0.05, rel=0.01)
    pace.saw(window, 0, 2)
    assert pace.round_trip_s == pytest.approx(0.05, rel=0.01), "nothing answered tells nothing"
    pace.saw(window, 1, 20)
    assert pace.round_trip_s == 2.0, "however slow a server is, slices end"


# --- a stall at its end


def stalled(world: World, begin_ms: int, end_ms: int) -> Window:
    """A slice of 100 ms that begins 50 ms from now, and a stall."""
    world.frozen = (world.now_ns + begin_ms * MS, world.now_ns + end_ms * MS)
    bench = FakeBench(world, OPTIONS.clients)
    echoing(bench, lambda _session, _number: [MS])
    clients = echo_clients(bench, 32)  # type: ignore[arg-type]
    options = msgspec.structs.replace(OPTIONS, drain_s=2)
    return closed_window(bench, options, clients, 0.05, 0.1)  # type: ignore[arg-type]


def test_stall_at_the_end_of_a_closed_slice_is_counted_in_it(world: World) -> None:
    begin_ns = world.now_ns + 50 * MS
    window = stalled(world, 140, 640)
    assert window.begin_ns == begin_ns
    # Waited for in steps of 5 ms.
    assert 590 * MS <= window.end_ns - begin_ns <= 600 * MS
    assert window.usage.wall_ns == window.end_ns - window.begin_ns


@pytest.mark.parametrize(("begin_ms", "end_ms"), [(0, 0), (70, 120), (140, 180)])
def test_closed_slice_without_a_long_stall_at_its_end_is_as_long_as_it_was_to_be(
    world: World, begin_ms: int, end_ms: int
) -> None:
    window = stalled(world, begin_ms, end_ms)
    assert window.end_ns - window.begin_ns == 100 * MS


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


def test_what_was_lost_in_a_slice_that_is_left_out_was_lost(world: World) -> None:
    options = msgspec.structs.replace(OPTIONS, throughput_s=3)
    bench = FakeBench(world, options.clients)
    bench.turns = Others(world, 0, disturbed=[1])
    echoing(bench, Losing(world))
    [found] = echo.measure(bench, options)  # type: ignore[arg-type]
    assert [number for number, told in enumerate(bench.slices) if told.left_out] == [1]
    assert found.metrics["lost"] == 1
    assert "(1 lost beside" in found.invalid["throughput"]
    assert found.disturbed == []


def test_trial_that_lost_a_message_is_not_spared_whatever_disturbed_it(world: World) -> None:
    options = msgspec.structs.replace(OPTIONS, throughput_s=3)
    disturbed = {}
    for lost in (0, 1):
        here = World()
        bench = FakeBench(here, options.clients)
        bench.turns = Others(here, 0, disturbed=range(100))
        echoing(bench, Losing(here, lost))
        [found] = echo.measure(bench, options)  # type: ignore[arg-type]
        assert found.metrics["lost"] == lost
        assert "stood still" in found.invalid["latency_p50"]
        assert "stood still" in found.invalid["throughput"]
        disturbed[lost] = found.disturbed
    assert {"latency_p50", "throughput"} <= set(disturbed[0])
    assert disturbed[1] == []
