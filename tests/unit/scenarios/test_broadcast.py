"""Broadcast: every copy is accounted for, and latency runs from when a broadcast was due."""

from __future__ import annotations

from array import array
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from loadtests.arithmetic.pacing import ConstantRate
from loadtests.arithmetic.samples import NEVER, Audit, Nanoseconds
from loadtests.arithmetic.usage import Usage
from loadtests.scenarios import broadcast
from loadtests.scenarios.broadcast import (
    METRICS,
    Broadcast,
    BroadcastSlice,
    Deliveries,
    collect,
    summarise,
)
from loadtests.scenarios.broadcasting import Publisher, Received, Recipient
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.messages import MessageMaker
from tests.support.simulation import (
    MS,
    SECOND,
    FakeBench,
    FakeSession,
    World,
    broadcasting,
    number_of,
)

Copy = tuple[int, int, int]  #: publisher, number, when it arrived


@pytest.fixture
def world() -> World:
    return World()


def published(due: list[int], late: int = 0) -> Any:
    return SimpleNamespace(
        due_ns=array("q", due), sent_ns=array("q", [each + late for each in due])
    )


def received(copies: list[Copy], lag: int = 0) -> Received:
    publishers, numbers, times = np.asarray(copies, dtype=np.int64).reshape(-1, 3).T
    return Received(publishers, numbers, times, times + lag)


def turn(begin_ns: int, end_ns: int, due: int) -> BroadcastSlice:
    """Broadcasts due in [begin, end), so many of them."""
    return BroadcastSlice(
        begin_ns, end_ns, begin_ns, end_ns, due, messages=0, answered=0, usage=usage()
    )


# --- matching what was sent with what came


def test_each_copy_counts_from_when_its_broadcast_was_due() -> None:
    found = collect(
        [published([100, 200], late=3)],
        [received([(0, 0, 110), (0, 1, 230)], lag=4), received([(0, 0, 120), (0, 1, 215)], lag=5)],
        [turn(0, 1000, due=2)],
    )
    assert found.delivery_ns.tolist() == [10, 30, 20, 15]
    assert found.last_recipient_ns.tolist() == [20, 30]
    assert found.lateness_ns.tolist() == [3, 3]
    assert found.receive_lag_ns.tolist() == [4, 4, 5, 5]
    assert Audit(0, 0, 0) == found.audit


def test_missing_copy_is_never_and_so_is_its_last_recipient() -> None:
    found = collect(
        [published([100, 200])],
        [received([(0, 0, 110), (0, 1, 210)]), received([(0, 1, 220)])],
        [turn(0, 1000, due=2)],
    )
    assert found.delivery_ns.tolist() == [10, 10, NEVER, 20]
    assert found.last_recipient_ns.tolist() == [NEVER, 20]
    assert Audit(1, 0, 0) == found.audit
    assert len(found.receive_lag_ns) == 3


def test_recipient_that_got_nothing_misses_everything() -> None:
    found = collect([published([100, 200])], [received([])], [turn(0, 1000, due=2)])
    assert found.delivery_ns.tolist() == [NEVER, NEVER]
    assert Audit(2, 0, 0) == found.audit


def test_duplicate_copy_is_counted_and_the_first_one_is_timed() -> None:
    found = collect(
        [published([100])], [received([(0, 0, 110), (0, 0, 190)])], [turn(0, 1000, due=1)]
    )
    assert found.delivery_ns.tolist() == [10]
    assert Audit(0, 1, 0) == found.audit


def test_reordered_copies_are_counted_for_each_publisher_by_itself() -> None:
    # The second publisher's messages between the first one's are not out of order.
    copies = [(0, 0, 110), (1, 1, 111), (0, 1, 112), (1, 0, 113)]
    publishers = [published([100, 101]), published([100, 101])]
    found = collect(publishers, [received(copies)], [turn(0, 1000, due=4)])
    assert Audit(0, 0, 1) == found.audit


def test_audits_of_all_recipients_and_publishers_add_up() -> None:
    nothing = received([])
    twice = received([(0, 0, 110), (0, 0, 120), (1, 0, 130)])
    found = collect([published([100]), published([100])], [nothing, twice], [turn(0, 1000, due=2)])
    assert Audit(2, 1, 0) == found.audit


def test_only_broadcasts_that_were_due_in_the_measured_time_count() -> None:
    found = collect(
        [published([99, 100, 199, 200])],
        [received([(0, 1, 150), (0, 2, 260), (0, 3, 270)])],
        [turn(100, 200, due=2)],
    )
    assert found.delivery_ns.tolist() == [50, 61]
    assert Audit(0, 0, 0) == found.audit
    assert len(found.lateness_ns) == 2


def test_arrays_can_grow_after_they_were_matched() -> None:
    publisher, session = published([100]), FakeSession()
    recipient = Recipient(session)  # type: ignore[arg-type]
    session.receive("0:0:x", 110)
    found = collect([publisher], [recipient.received()], [turn(0, 1000, due=1)])
    for values in (publisher.due_ns, publisher.sent_ns):
        values.append(1)
    session.receive("0:1:x", 120)
    assert found.delivery_ns.tolist() == [10]
    assert recipient.received().numbers.tolist() == [0, 1]


# --- sending and receiving


def test_publisher_sends_the_broadcast_event_when_due(world: World) -> None:
    session = FakeSession()
    publisher = Publisher(session, world, MessageMaker("my broadcast event", 3, 24))  # type: ignore[arg-type]
    start_ns = world.now_ns + MS
    publisher.publish(ConstantRate(start_ns, 100), start_ns + 25 * MS)
    world.run_until(start_ns + SECOND)
    assert [name for name, _ in session.sent] == ["my broadcast event"] * 3
    assert [data[:4] for _, data in session.sent] == ["3:0:", "3:1:", "3:2:"]
    assert {24} == {len(data) for _, data in session.sent}
    assert [start_ns, start_ns + 10 * MS, start_ns + 20 * MS] == list(publisher.due_ns)


def test_stopped_publisher_sends_nothing_more(world: World) -> None:
    session = FakeSession()
    publisher = Publisher(session, world, MessageMaker("my broadcast event", 0, 24))  # type: ignore[arg-type]
    publisher.publish(ConstantRate(world.now_ns, 100), world.now_ns + SECOND)
    world.run_until(world.now_ns + 15 * MS)
    publisher.stop()
    world.run_until(world.now_ns + SECOND)
    assert [number_of(data) for _, data in session.sent] == [0, 1]


def test_recipient_keeps_everything_in_the_order_in_which_it_came() -> None:
    session = FakeSession()
    recipient = Recipient(session)  # type: ignore[arg-type]
    for data, kernel_ns in (("1:7:x", 10), ("Connected", 11), ("0:2:x", 12), ("1:7:x", 13)):
        session.receive(data, kernel_ns, kernel_ns + 100)
    rows = np.stack(recipient.received(), axis=1).tolist()
    assert rows == [[1, 7, 10, 110], [0, 2, 12, 112], [1, 7, 13, 113]]
    assert len(recipient) == 4


def test_packets_that_were_kept_as_they_came_are_read_later() -> None:
    recipient = Recipient(FakeSession())  # type: ignore[arg-type]
    recipient.arrivals.append((b'42/test,["my response",{"data":"3:5:xx"}]', 10, 11))
    recipient._received([{"data": "3:6:xx"}], 12, 13)
    rows = np.stack(recipient.received(), axis=1).tolist()
    assert rows == [[3, 5, 10, 11], [3, 6, 12, 13]]


def test_packet_that_cannot_be_read_fails_the_trial_and_is_not_shown() -> None:
    recipient = Recipient(FakeSession())  # type: ignore[arg-type]
    recipient.arrivals.append((b'42/test,["my response",{"data"', 10, 11))
    with pytest.raises(TrialFailed, match=r"not a Socket\.IO packet: an event"):
        recipient.received()


# --- the whole scenario

OPTIONS = Broadcast(recipients=5, publishers=2, rate_hz=20, measure_s=1, warmup_s=0.2, drain_s=0.3)


def measured(world: World, fate: Any) -> dict[str, float | None]:
    bench = FakeBench(world, OPTIONS.recipients)
    broadcasting(bench, fate)
    [found] = broadcast.measure(bench, OPTIONS)  # type: ignore[arg-type]
    return found.metrics


def test_steady_fan_out_is_measured_as_it_is(world: World) -> None:
    found = measured(world, lambda _publisher, _number, recipient: [(recipient + 1) * MS])
    assert METRICS.keys() == found.keys()
    assert (
        found["delivery_p50"],
        found["delivery_p99"],
        found["last_recipient_p50"],
    ) == (3.0, 5.0, 5.0)
    assert found["deliveries"] == pytest.approx(100, rel=0.01)
    assert (found["missing"], found["duplicate"], found["reordered"]) == (0, 0, 0)


def test_copy_that_comes_during_the_drain_is_not_missing(world: World) -> None:
    found = measured(world, lambda _p, _n, recipient: [250 * MS if recipient == 4 else MS])
    assert (found["missing"], found["last_recipient_p99"]) == (0, 250.0)


def test_duplicates_do_not_stand_in_for_missing_copies(world: World) -> None:
    found = measured(world, lambda _p, _n, recipient: {0: [MS, 2 * MS], 1: []}.get(recipient, [MS]))
    assert (found["missing"], found["duplicate"], found["last_recipient_p50"]) == (20, 20, None)


def test_drain_does_not_take_a_duplicate_for_the_copy_that_is_still_to_come(
    world: World,
) -> None:
    fates = {0: [MS, 2 * MS], 1: [250 * MS]}
    found = measured(world, lambda _p, _n, recipient: fates.get(recipient, [MS]))
    assert (found["missing"], found["duplicate"]) == (0, 20)


def test_server_that_delivers_nothing_fails_the_trial(world: World) -> None:
    with pytest.raises(TrialFailed, match=r"answered nothing.*'my broadcast event'.*/test"):
        measured(world, lambda _p, _n, _r: [])


# --- numbers from raw times


def ns(*values: int) -> Nanoseconds:
    return np.asarray(values, dtype=np.int64)


def deliveries(
    delivery: Nanoseconds, last: Nanoseconds, counts: Audit, late: int = 0
) -> Deliveries:
    here = ns(*[0] * int(np.count_nonzero(delivery != NEVER)))
    return Deliveries(delivery, last, ns(*[late] * len(last)), here, counts)


def usage(generator: float = 10, server: float | None = 10) -> Usage:
    server_ns = None if server is None else round(server * 2e7)
    return Usage(2 * SECOND, round(generator * 2e7), server_ns)


def test_summary_counts_copies_per_second_and_cpu_per_copy() -> None:
    found = summarise(deliveries(ns(MS), ns(MS), Audit(0, 0, 0)), 1000, usage(server=50), 30.0)
    assert (found.metrics["deliveries"], found.metrics["server_cpu"]) == (500.0, 1000.0)
    assert METRICS.keys() == found.metrics.keys()
    assert (found.invalid, found.unavailable) == ({}, {})
    assert found.samples == {"delivery": 1, "last_recipient": 1}


def test_lost_copies_p99_is_not_a_number_and_says_why() -> None:
    delivery, last = ns(*[MS] * 97, NEVER, NEVER, NEVER), ns(*[MS] * 9, NEVER)
    found = summarise(deliveries(delivery, last, Audit(3, 2, 1)), 100, usage(), 30.0)
    assert tuple(found.metrics[name] for name in ("missing", "duplicate", "reordered")) == (
        3.0,
        2.0,
        1.0,
    )
    assert {"delivery_p99", "last_recipient_p99"} == found.invalid.keys()
    assert "messages never arrived (3 of 100)" in found.invalid["delivery_p99"]
    assert (found.metrics["delivery_p50"], found.metrics["last_recipient_p50"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("generator", "server", "late", "invalid", "reason"),
    [
        (10, 10, 0, set(), "all is well"),
        (
            90,
            10,
            0,
            {
                "delivery_p50",
                "delivery_p99",
                "last_recipient_p50",
                "last_recipient_p99",
                "deliveries",
                "server_cpu",
            },
            "the generator receives every copy",
        ),
        (
            10,
            99,
            0,
            {"delivery_p50", "delivery_p99", "last_recipient_p50", "last_recipient_p99"},
            "a growing queue",
        ),
        (
            10,
            10,
            6 * MS,
            {"delivery_p50", "delivery_p99", "last_recipient_p50", "last_recipient_p99"},
            "late sends",
        ),
        (10, None, 0, set(), "a server of one's own"),
    ],
)
def test_what_could_explain_the_numbers_spoils_them(
    generator: float, server: float | None, late: int, invalid: set[str], reason: str
) -> None:
    raw = deliveries(ns(10 * MS), ns(10 * MS), Audit(0, 0, 0), late)
    found = summarise(raw, 10, usage(generator, server), 30.0)
    assert invalid == found.invalid.keys(), reason
