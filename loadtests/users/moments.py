"""From which moment a time of one's own counts, and which moments cannot be meant. Pure."""

from __future__ import annotations

#: How long a message may have waited in a server while its recipient connected.
_LONGEST_WAIT_NS = 60_000_000_000

#: What two comparisons of two clocks, and a time of day in a float, may be wrong by.
_UNSURE_NS = 50_000


def due(since_ns: int, arrived_ns: int, begun_ns: int) -> int:
    """A moment of the monotonic clock, as it was given.

    Args:
        since_ns: the moment.
        arrived_ns: when the event arrived.
        begun_ns: when its user began to connect.

    Raises:
        ValueError: nothing that arrived can be timed from it.
    """
    hint = (
        "it is to be of time.monotonic_ns() on this host; a time of day, such as time.time_ns() "
        "gives it, goes into since_wall_ns"
    )
    if since_ns > arrived_ns:
        ahead_s = (since_ns - arrived_ns) / 1e9
        raise ValueError(f"since_ns is {ahead_s:.3f} s after its event has arrived: {hint}")
    if since_ns < begun_ns - _LONGEST_WAIT_NS:
        before_s = (begun_ns - since_ns) / 1e9
        raise ValueError(f"since_ns is {before_s:.3f} s before this user's session began: {hint}")
    return since_ns


def due_by_wall(since_wall_ns: int, apart_ns: int, arrived_ns: int, begun_ns: int) -> int:
    """A moment of the wall clock, as one of the monotonic clock.

    Args:
        since_wall_ns: the moment.
        apart_ns: how far the wall clock is ahead of the monotonic one.
        arrived_ns: see ``due``.
        begun_ns: see ``due``.

    Raises:
        ValueError: it is not of this host's clock.
    """
    since_ns = since_wall_ns - apart_ns
    hint = (
        "either it is no time of day in nanoseconds, or of another host: the clocks of different "
        "hosts differ, and only times of this one's can be measured"
    )
    if since_ns > arrived_ns + _UNSURE_NS:
        ahead_s = (since_ns - arrived_ns) / 1e9
        raise ValueError(f"since_wall_ns is {ahead_s:.6f} s after its event has arrived: {hint}")
    if since_ns < begun_ns - _LONGEST_WAIT_NS:
        before_s = (begun_ns - since_ns) / 1e9
        raise ValueError(
            f"since_wall_ns is {before_s:.3f} s before this user's session began: {hint}"
        )
    return min(since_ns, arrived_ns)
