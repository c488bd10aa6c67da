"""CPU time between two readings of the clocks, and what follows per message. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_NOT_OURS = "the server was not started by this run, so its CPU and memory are not known"


@dataclass(frozen=True, slots=True)
class Reading:
    """Clocks at one moment, all in nanoseconds; the server's is None where it is not known.

    ``spun_ns`` is the part of ``generator_ns`` in which the generator only waited for a due time.
    ``cores_ns`` is what its processes used of each of their cores, where it has several.
    """

    at_ns: int
    generator_ns: int
    server_ns: int | None
    spun_ns: int = 0
    cores_ns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two readings, in nanoseconds.

    ``cores_ns`` as in Reading.
    """

    wall_ns: int
    generator_ns: int
    server_ns: int | None
    spun_ns: int = 0
    cores_ns: tuple[int, ...] = ()

    @property
    def _busiest_ns(self) -> int:
        return max(self.cores_ns, default=self.generator_ns)

    @property
    def generator_percent(self) -> float:
        """Share of one core, the busiest of its own, with what it spins."""
        return 100 * self._busiest_ns / self.wall_ns

    @property
    def working_ns(self) -> int:
        """The generator's CPU time that messages took: it would not spin if it had no time."""
        return max(0, self.generator_ns - self.spun_ns)

    @property
    def working_percent(self) -> float:
        """Share of one core, the busiest of its own, that messages took."""
        return 100 * max(0, self._busiest_ns - self.spun_ns) / self.wall_ns

    @property
    def server_percent(self) -> float | None:
        """Share of one core."""
        return None if self.server_ns is None else 100 * self.server_ns / self.wall_ns


def between(begin: Reading, end: Reading) -> Usage:
    """The usage from one reading to a later one."""
    server_ns = None
    if begin.server_ns is not None and end.server_ns is not None:
        server_ns = end.server_ns - begin.server_ns
    return Usage(
        wall_ns=end.at_ns - begin.at_ns,
        generator_ns=end.generator_ns - begin.generator_ns,
        server_ns=server_ns,
        spun_ns=end.spun_ns - begin.spun_ns,
        cores_ns=tuple(
            late - early for early, late in zip(begin.cores_ns, end.cores_ns, strict=True)
        ),
    )


def together(usages: Sequence[Usage]) -> Usage:
    """The usage of several times that do not overlap, at least one."""
    known = [each.server_ns for each in usages if each.server_ns is not None]
    return Usage(
        wall_ns=sum(each.wall_ns for each in usages),
        generator_ns=sum(each.generator_ns for each in usages),
        server_ns=sum(known) if len(known) == len(usages) else None,
        spun_ns=sum(each.spun_ns for each in usages),
        cores_ns=tuple(map(sum, zip(*(each.cores_ns for each in usages), strict=True))),
    )


def metrics(
    usage: Usage, messages: int, server_mib: float | None
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The metrics that every trial has, and why some of them are not available.

    Args:
        usage: over the time in which ``messages`` were counted.
        messages: what the CPU time is divided by.
        server_mib: resident memory at the end.
    """
    values: dict[str, float | None] = {
        "server_cpu": _microseconds_each(usage.server_ns, messages),
        "server_busy": usage.server_percent,
        "server_rss": server_mib,
        "generator_cpu": _microseconds_each(usage.working_ns, messages),
        "generator_busy": usage.generator_percent,
    }
    unavailable = {}
    if usage.server_ns is None:
        unavailable = dict.fromkeys(("server_cpu", "server_busy", "server_rss"), _NOT_OURS)
    if not messages:
        unavailable |= {
            name: "nothing was received in the time over which CPU was measured"
            for name in ("server_cpu", "generator_cpu")
            if name not in unavailable
        }
    return values, unavailable


def _microseconds_each(total_ns: int | None, messages: int) -> float | None:
    return total_ns / messages / 1000 if total_ns is not None and messages else None
