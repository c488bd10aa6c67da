"""Locust's statistics written in bulk, against the same messages fired one by one."""

from __future__ import annotations

import random

import pytest

from loadtests.client.errors import ConnectionFailed
from tests.unit.users.unpatched import (
    Environment,
    RequestStats,
    StatsEntry,
    locust_stats,
    statistics,
)

FIELDS = (
    "num_requests",
    "num_none_requests",
    "num_failures",
    "min_response_time",
    "max_response_time",
    "response_times",
    "num_reqs_per_sec",
    "num_fail_per_sec",
    "total_content_length",
    "last_request_timestamp",
    "start_time",
    "response_times_cache",
)


class Clock:
    """Locust's clock, set by hand."""

    def __init__(self, now_s):
        self.now_s = now_s

    def time(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    result = Clock(1_000_000.25)
    monkeypatch.setattr(locust_stats, "time", result)
    return result


def messages(count, seed=1):
    """Arrival in seconds, response time in milliseconds and length of messages, by arrival."""
    chance = random.Random(seed)
    arrived = sorted(1_000_000.25 + chance.random() * 4 for _ in range(count))
    return [
        (
            arrived_s,
            None if chance.random() < 0.1 else 10 ** chance.uniform(-2, 5),
            chance.randrange(100),
        )
        for arrived_s in arrived
    ]


def one_by_one(clock, sent, use_cache=True):
    clock.now_s = 1_000_000.25
    stats = RequestStats(use_response_times_cache=use_cache)
    for name, (arrived_s, took_ms, length) in sent:
        clock.now_s = arrived_s
        stats.log_request("websocket", name, took_ms, length)
    return stats


def in_bulk(clock, sent, every_s=0.5, use_cache=True):
    clock.now_s = 1_000_000.25
    stats = RequestStats(use_response_times_cache=use_cache)
    pending = list(sent)
    while pending:
        clock.now_s += every_s
        due = [each for each in pending if each[1][0] <= clock.now_s]
        pending = pending[len(due) :]
        names = dict.fromkeys(name for name, _ in due)
        statistics.log_in_bulk(
            stats, [batch(name, [one for own, one in due if own == name]) for name in names]
        )
    return stats


def batch(name, found):
    arrived_s, took_ms, lengths = zip(*found, strict=True)
    return statistics.Batch("websocket", name, arrived_s, took_ms, lengths)


def assert_same(expected: StatsEntry, found: StatsEntry) -> None:
    for field in FIELDS:
        assert getattr(expected, field) == getattr(found, field), field
    # Sums of fractions differ in the last bit when they are added in another order.
    assert expected.total_response_time == pytest.approx(found.total_response_time, rel=1e-12)


@pytest.mark.parametrize("use_cache", [True, False], ids=["master or local", "worker"])
@pytest.mark.parametrize("every_s", [0.5, 1.7])
def test_bulk_leaves_the_same_state_as_one_by_one(clock, every_s, use_cache):
    sent = [("echo", each) for each in messages(2000)]
    expected = one_by_one(clock, sent, use_cache)
    found = in_bulk(clock, sent, every_s, use_cache)
    assert_same(expected.entries["echo", "websocket"], found.entries["echo", "websocket"])
    assert_same(expected.total, found.total)


def test_names_that_arrive_in_turns_leave_the_same_total(clock):
    chance = random.Random(2)
    sent = [(chance.choice(["echo", "delivery"]), each) for each in messages(2000)]
    expected = one_by_one(clock, sent)
    found = in_bulk(clock, sent)
    for name in ("echo", "delivery"):
        assert_same(expected.entries[name, "websocket"], found.entries[name, "websocket"])
    assert_same(expected.total, found.total)


@pytest.mark.parametrize("failure", [None, ConnectionFailed("not sent")])
@pytest.mark.parametrize("use_cache", [True, False], ids=["master or local", "worker"])
def test_untimed_in_bulk_leave_the_same_state_as_one_by_one(clock, failure, use_cache):
    expected = RequestStats(use_response_times_cache=use_cache)
    found = RequestStats(use_response_times_cache=use_cache)
    for second in range(3):
        clock.now_s = 1_000_000.25 + second
        for _ in range(4):
            expected.log_request("emit", "data", None, 0)  # type: ignore[arg-type]
            if failure is not None:
                expected.log_error("emit", "data", failure)
        untimed = [statistics.Untimed("emit", "data", 4, failure)]
        statistics.log_untimed_in_bulk(found, untimed, clock.now_s)
    assert_same(expected.entries["data", "emit"], found.entries["data", "emit"])
    assert_same(expected.total, found.total)
    assert found.entries["data", "emit"].num_none_requests == 12
    occurred = [
        {k: error.occurrences for k, error in each.errors.items()} for each in (expected, found)
    ]
    assert occurred[0] == occurred[1]


def test_rounding_is_locusts_at_every_edge(clock):
    edges = [0.5, 1.5, 99.5, 99.49999, 104.999999, 105.0, 144.99999999999997, 145.0, 999.5, 1050.0]
    sent = [("echo", (1_000_000.5, took_ms, 0)) for took_ms in edges]
    expected = one_by_one(clock, sent).entries["echo", "websocket"]
    assert (
        expected.response_times == in_bulk(clock, sent).entries["echo", "websocket"].response_times
    )


def test_replaced_rounding_is_honoured(clock, monkeypatch):
    monkeypatch.setattr(locust_stats, "bucket_response_time", lambda took_ms: int(took_ms) // 7 * 7)
    sent = [("echo", each) for each in messages(100)]
    expected = one_by_one(clock, sent).entries["echo", "websocket"]
    assert (
        expected.response_times == in_bulk(clock, sent).entries["echo", "websocket"].response_times
    )


def test_worker_reports_the_same_to_its_master(clock):
    sent = [("echo", each) for each in messages(500)]
    reports = [
        make(clock, sent, use_cache=False).serialize_stats() for make in (one_by_one, in_bulk)
    ]
    for (entry,) in reports:
        entry["total_response_time"] = pytest.approx(entry["total_response_time"], rel=1e-12)
    assert reports[0] == reports[1]


def test_percentiles_of_the_last_ten_seconds_are_the_same(clock):
    sent = [("echo", each) for each in messages(2000)]
    expected, found = one_by_one(clock, sent), in_bulk(clock, sent)
    clock.now_s = 1_000_011.0
    assert expected.total.get_current_response_time_percentile(
        0.95
    ) == found.total.get_current_response_time_percentile(0.95)


def test_locusts_own_statistics_are_nobody_else():
    environment = Environment()
    environment.create_local_runner()
    assert not statistics.others_listen(environment.events.request)


def test_plugin_is_somebody_else():
    environment = Environment()
    environment.create_local_runner()
    environment.events.request.add_listener(lambda **_: None)
    assert statistics.others_listen(environment.events.request)
