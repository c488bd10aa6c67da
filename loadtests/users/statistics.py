"""Locust's own statistics, written many messages at a time.

Firing ``events.request`` for each message costs more than receiving it. What is written here is
what the firing would have written, so that the web page, ``--csv``, ``--html`` and a master see no
difference; a test holds the two against each other.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from locust import stats as locust_stats
from locust.event import EventHook
from locust.stats import RequestStats, StatsEntry, StatsError

from loadtests.client.errors import ConnectionFailed


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one name, in the order in which they arrived; the sequences are parallel.

    Attributes:
        request_type, name: of Locust's entry.
        arrived_s: of the wall clock, ascending.
        took_ms: response times; None where it is not known.
        lengths: bytes of content.
    """

    request_type: str
    name: str
    arrived_s: Sequence[float]
    took_ms: Sequence[float | None]
    lengths: Sequence[int]


@dataclass(frozen=True, slots=True)
class Untimed:
    """Messages of one name that have no response time: Locust counts them with None.

    Attributes:
        request_type, name: of Locust's entry.
        count: how many.
        failure: what went wrong with each of them; None if nothing did.
    """

    request_type: str
    name: str
    count: int
    failure: ConnectionFailed | None = None


def others_listen(request: EventHook) -> bool:
    """Whether anybody but Locust's own statistics wants to be told of each message."""
    # EventHook has no public list of its listeners (locust/event.py). Each kind of runner adds one
    # of Locust's: Runner.__init__ in locust/runners.py.
    return any(
        getattr(handler, "__module__", None) != "locust.runners" for handler in request._handlers
    )


def log_in_bulk(stats: RequestStats, batches: Sequence[Batch]) -> None:
    """Do what ``stats.log_request`` does for each message, when each of them arrives.

    Source: StatsEntry.log and what it calls, locust/stats.py (2.47).
    """
    parts = [(batch, part) for batch in batches for part in _by_second(batch)]
    parts.sort(key=lambda found: found[1].second)  # the total's seconds must not go backwards
    for batch, part in parts:
        _extend(stats.total, part)
        key = (batch.name, batch.request_type)
        is_new = key not in stats.entries
        entry = stats.entries[key]
        if is_new:
            _date_back(entry, batch.arrived_s[0])
        _extend(entry, part)


def log_untimed_in_bulk(stats: RequestStats, found: Sequence[Untimed], now_s: float) -> None:
    """Do what ``log_request`` and ``log_error`` do for each, at a moment of the wall clock."""
    for each in found:
        part = _Part(int(now_s), now_s, each.count, [], Counter(), 0)
        _extend(stats.total, part)
        _extend(stats.entries[each.name, each.request_type], part)
        if each.failure is not None:
            _fail(stats, each, part.second)


def _fail(stats: RequestStats, found: Untimed, second: int) -> None:
    stats.log_error(found.request_type, found.name, found.failure)
    others = found.count - 1
    for entry in (stats.total, stats.entries[found.name, found.request_type]):
        entry.num_failures += others
        entry.num_fail_per_sec[second] += others
    key = StatsError.create_key(found.request_type, found.name, found.failure)
    stats.errors[key].occurrences += others


@dataclass(frozen=True, slots=True)
class _Part:
    """What arrived within one second of the wall clock."""

    second: int
    latest_s: float
    count: int
    took_ms: list[float]
    buckets: Counter[int]
    length: int


def _by_second(batch: Batch) -> list[_Part]:
    parts = []
    begin, end = 0, len(batch.arrived_s)
    while begin < end:
        second = int(batch.arrived_s[begin])
        stop = begin + 1
        while stop < end and int(batch.arrived_s[stop]) == second:
            stop += 1
        took_ms = [each for each in batch.took_ms[begin:stop] if each is not None]
        parts.append(
            _Part(
                second=second,
                latest_s=batch.arrived_s[stop - 1],
                count=stop - begin,
                took_ms=took_ms,
                # Looked up each time: Locust documents that it may be replaced.
                buckets=Counter(map(locust_stats.bucket_response_time, took_ms)),
                length=sum(batch.lengths[begin:stop]),
            )
        )
        begin = stop
    return parts


def _extend(entry: StatsEntry, part: _Part) -> None:
    latest_s = entry.last_request_timestamp or 0.0
    if entry.use_response_times_cache and latest_s and part.second > int(latest_s):
        entry._cache_response_times(part.second - 1)
    entry.num_requests += part.count
    entry.num_reqs_per_sec[part.second] += part.count
    entry.last_request_timestamp = max(latest_s, part.latest_s)
    entry.num_none_requests += part.count - len(part.took_ms)
    entry.total_content_length += part.length
    if not part.took_ms:
        return
    # Locust declares whole numbers there and is given fractions by all of its own clients.
    entry.total_response_time += sum(part.took_ms)  # type: ignore[assignment]
    shortest, longest = min(part.took_ms), max(part.took_ms)
    if entry.min_response_time is not None:
        shortest = min(shortest, entry.min_response_time)
    entry.min_response_time = shortest  # type: ignore[assignment]
    entry.max_response_time = max(longest, entry.max_response_time)  # type: ignore[assignment]
    for bucket, times in part.buckets.items():
        entry.response_times[bucket] += times


def _date_back(entry: StatsEntry, arrived_s: float) -> None:
    """An entry begins with its first message, not when that is written."""
    entry.start_time = arrived_s
    if entry.use_response_times_cache:
        entry.response_times_cache = OrderedDict()
        entry._cache_response_times(int(arrived_s))
