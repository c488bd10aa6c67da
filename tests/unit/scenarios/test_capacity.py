"""Capacity: of a queue whose truth is known, and what ended a search, in words."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from loadtests.arithmetic.search import Bound, Counted, Range, Search
from loadtests.arithmetic.usage import Usage
from loadtests.record.results import Measurement
from loadtests.record.words import Transport
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import capacity_of_echo
from loadtests.scenarios.bearing import METRICS, Capacity, Kind
from loadtests.scenarios.climbing import Climb, End, Step
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.registry import metrics_of
from loadtests.scenarios.turns import Interrupted
from tests.support import queueing
from tests.support.present import present
from tests.support.simulation import MS, SECOND, FakeBench
from tests.unit.scenarios.queues import Queue

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[capacity]\n'
OPTIONS = Capacity(clients=20, polling_limit_ms=50)


def measured(bench: FakeBench, seed: int = 1, options: Capacity = OPTIONS) -> Measurement:
    bench.seed = seed
    (found,) = capacity_of_echo.measure(bench, options)  # type: ignore[arg-type]
    return found


# --- a server that takes 5 ms for everything


def test_theory_of_the_queue_is_that_of_the_books() -> None:
    # Without load nobody waits; at 0.5 half of all find the server idle.
    assert queueing.waiting_share(0.5, 0) == pytest.approx(0.5)
    assert queueing.quantile(0.001, 0.9) == pytest.approx(1)
    # Pollaczek and Khinchine: on average load / 2 (1 - load) service times, 2 at a load of 0.8.
    mean = sum((1 - queueing.waiting_share(0.8, step / 100)) / 100 for step in range(2000))
    assert mean == pytest.approx(2.0, rel=0.01)


def test_capacity_of_a_known_queue_is_found_to_within_a_twentieth() -> None:
    truth_hz = queueing.capacity(50 / 5) * 200
    found = [
        present(measured(Queue(20, 5 * MS).bench, 1000 * seed).metrics["capacity"])
        for seed in range(10)
    ]
    assert statistics.geometric_mean(found) == pytest.approx(truth_hz, rel=0.05)
    assert max(found) / min(found) < 1.3, found


def test_evenly_spaced_sends_would_have_flattered_it() -> None:
    assert queueing.capacity(50 / 5) < 0.85


def test_tighter_limit_is_a_smaller_capacity() -> None:
    options = Capacity(clients=20, polling_limit_ms=20, steps=8)
    truth_hz = queueing.capacity(20 / 5) * 200
    found = [
        present(measured(Queue(20, 5 * MS).bench, 1000 * seed, options).metrics["capacity"])
        for seed in range(10)
    ]
    assert statistics.geometric_mean(found) == pytest.approx(truth_hz, rel=0.06)


def test_what_ended_it_stands_beside_the_number() -> None:
    found = measured(Queue(20, 5 * MS).bench)
    assert found.row == "capacity:echo"
    assert METRICS[Kind.ECHO].keys() == found.metrics.keys()
    assert found.notes["capacity"].startswith("p99 beyond 50 ms, with the server's core not full (")
    assert found.invalid == {}
    assert 20 < present(found.metrics["latency_p99"]) < 70


def test_limit_that_no_load_meets_is_said_and_is_no_zero() -> None:
    found = measured(Queue(20, 60 * MS).bench)
    assert found.metrics["capacity"] is None
    assert found.invalid["capacity"].startswith("not even the least load passes: p99 beyond 50 ms")


def test_server_that_bears_more_than_is_tried_bears_at_least_that() -> None:
    options = Capacity(clients=20, most_hz=500)
    found = measured(Queue(20, 100_000).bench, options=options)
    assert found.metrics["capacity"] == 500
    assert found.invalid["capacity"] == "at least this: no more was offered (at most 500)"


def test_server_that_answers_nothing_has_failed() -> None:
    with pytest.raises(TrialFailed, match=r"answered nothing; does it handle 'my event'"):
        measured(FakeBench(Queue(3, MS).bench.world, 3))


def test_message_that_is_lost_is_too_much_however_quick_the_others_are() -> None:
    queue = Queue(20, MS)
    deaf = queue.bench.sessions[0]
    plain = deaf.on_send
    # Of its messages each hundredth: a hiccup that is there at every load.
    deaf.on_send = lambda name, data: None if data.split(":")[1][-2:] == "60" else plain(name, data)
    found = measured(queue.bench)
    assert "messages were lost" in found.notes["capacity"]
    assert (found.metrics["capacity"] or 0) < 900


def test_connections_that_are_lost_end_the_search_with_what_was_borne() -> None:
    queue = Queue(20, MS)
    victim = queue.bench.sessions[0]
    plain = victim.on_send

    def until(name: str, data: str) -> None:
        if int(data.split(":")[1]) > 60:
            victim.ended = "connection closed by the server"
        else:
            plain(name, data)

    victim.on_send = until
    found = measured(queue.bench)
    assert found.notes["capacity"] == (
        "connections were lost or refused: connection closed by the server (1 of 20)"
    )
    assert found.invalid["capacity"].startswith("at least this: clients were lost")
    assert queue.bench.judged == (), "what is lost at a high load is the result"


def test_interrupted_search_is_as_if_it_had_never_begun() -> None:
    queue = Queue(20, MS)

    class Ending:
        cycle = 1

        def turn(self) -> Any:
            raise Interrupted

        def rest(self) -> int:
            return 0

    queue.bench.turns = Ending()
    with pytest.raises(Unfinished):
        measured(queue.bench)


# --- why a load is too much

LIMIT_NS = 50 * MS


def usage(server: float | None = 0.5, generator: float = 0.1) -> Usage:
    server_ns = None if server is None else round(server * SECOND)
    return Usage(SECOND, round(generator * SECOND), server_ns)


def step(**changes: Any) -> Step[None]:
    values: dict[str, Any] = {
        "piece": None,
        "counted": Counted(100, 100, 2),
        "p99_ns": 60 * MS,
        "lateness_p99_ns": 0,
        "lost": 0,
        "usage": usage(),
    }
    return Step(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"p99_ns": 49 * MS}, None),
        ({"p99_ns": 50 * MS}, None),
        ({}, End.LATENCY),
        ({"usage": usage(0.95)}, End.SATURATED),
        ({"usage": usage(None)}, End.LATENCY),
        ({"p99_ns": 1, "lost": 1}, End.LOSS),
        ({"p99_ns": None, "lost": 99}, End.LOSS),
        # What is still queued when nobody waits any more is the queue's length.
        ({"p99_ns": None, "lost": 99, "usage": usage(0.99)}, End.SATURATED),
        ({"usage": usage(0.95, generator=0.8)}, End.GENERATOR),
        ({"lateness_p99_ns": 20 * MS}, End.GENERATOR),
        # A busy generator that keeps up is none.
        ({"p99_ns": MS, "usage": usage(0.95, generator=0.8)}, None),
        ({"gone": "closed (1 of 20)"}, End.CONNECTIONS),
    ],
)
def test_a_load_is_too_much_for_a_reason(changes: dict[str, Any], end: End | None) -> None:
    assert step(**changes).end(LIMIT_NS) is end


def test_generator_that_ends_it_makes_it_no_capacity() -> None:
    search = Search(Range(100, 1, 1000))
    found = Climb[None](search, LIMIT_NS, near=[step(usage=usage(0.5, 0.9))] * 2)
    found.ends += [End.GENERATOR, End.GENERATOR]
    assert found.doubt == (
        "at least this: the load generator came to its own limit first (90 % of its core used)"
    )


def test_most_that_was_offered_is_said_to_be_that() -> None:
    search = Search(Range(100, 1, 100))
    search.saw(passed=True)
    assert search.bound is Bound.MOST
    assert Climb[None](search, LIMIT_NS).words == "no more was offered"


def search_between(low: float, high: float) -> Search:
    search = Search(Range(low, 1, 10_000))
    search.saw(passed=True)
    search.low, search.high = low, high
    search.stop()
    return search


def climbed(every: list[Step[None]], near: int = 2) -> Climb[None]:
    ends = [end for each in every if (end := each.end(LIMIT_NS)) is not None]
    return Climb[None](search_between(100, 105), LIMIT_NS, every[-near:], every, ends, "closed")


def lossy(load: float, lost: int = 1) -> Step[None]:
    return step(p99_ns=MS, lost=lost, counted=Counted(load, 100, lost))


def fine(load: float) -> Step[None]:
    return step(p99_ns=MS, counted=Counted(load, 100, 0))


def test_loss_that_did_not_come_again_at_the_same_load_is_forgiven() -> None:
    every = [lossy(30), fine(30), fine(100), lossy(110), lossy(105), lossy(108)]
    assert climbed(every).found == 100


def test_loss_at_every_load_leaves_none_that_passes_and_says_so() -> None:
    found = climbed([lossy(100), lossy(105), lossy(98)])
    assert found.found is None
    assert found.doubt.startswith("no load passes for sure: messages were lost")


def test_near_steps_count_however_far_apart_they_are() -> None:
    slow = step(counted=Counted(205, 100, 60))
    found = climbed([fine(51), slow]).found
    assert 51 <= present(found) <= 205


def test_clients_that_are_lost_before_the_end_was_found_make_it_at_least_that() -> None:
    over = step(gone="closed (1 of 20)", over=True, counted=Counted(150, 100, 0))
    found = climbed([fine(100), over], near=0)
    found.near.clear()
    assert found.found == 100
    assert found.doubt == "at least this: clients were lost before the end was found (closed)"


# --- the experiment


def test_each_kind_is_a_row_and_a_trial_of_its_own() -> None:
    experiment = parse(HEAD, "mine.toml")
    assert [each.name for each in experiment.variants("capacity")] == ["echo", "broadcast"]
    assert [each.rows() for each in experiment.variants("capacity")] == [
        ["capacity:echo"],
        ["capacity:broadcast"],
    ]
    assert str(metrics_of("capacity:echo")["capacity"].unit) == "messages/s"
    assert str(metrics_of("capacity:broadcast")["capacity"].unit) == "clients"


def test_each_transport_has_its_limit() -> None:
    assert Capacity().limit_ms(Transport.POLLING) == 200
    assert Capacity().limit_ms(Transport.WEBSOCKET) == 50


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('kinds = ["echo", "echo"]', "a kind is named twice"),
        ("kinds = []", "Expected `array` of length >= 1"),
        ("least_hz = 9\nmost_hz = 9", "least_hz is not below most_hz"),
        ("broadcast_hz = 1", "step_s = 5 would do"),
        ("drain_s = 0.1\nwebsocket_limit_ms = 200", "drain_s is shorter than a limit"),
        ("resolution = 0.9", "<= 0.5"),
        ("step_s = 0", "> 0.0"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
