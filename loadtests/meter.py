"""CPU time and memory of the server and of the load generator, exact where Linux can."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

import psutil

_MIB = 1024 * 1024
_NOT_OURS = "the server was not started by this run, so its CPU and memory are not known"


@dataclass(frozen=True, slots=True)
class Reading:
    """Clocks at one moment, all in nanoseconds; the server's is None where it is not known."""

    at_ns: int
    generator_ns: int
    server_ns: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two readings, in nanoseconds."""

    wall_ns: int
    generator_ns: int
    server_ns: int | None

    @property
    def generator_percent(self) -> float:
        """Share of one core."""
        return 100 * self.generator_ns / self.wall_ns

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
    )


class Meter:
    """Reads this process and one server; ``server_pid`` None for a server of one's own."""

    def __init__(self, server_pid: int | None) -> None:
        self._server = [] if server_pid is None else serving(server_pid)

    def read(self) -> Reading:
        """All clocks, now.

        Raises:
            ProcessLookupError: the server has died.
        """
        return Reading(time.monotonic_ns(), time.process_time_ns(), self._server_ns())

    def server_mib(self) -> float | None:
        """Resident memory of the server; what its processes share counts in each."""
        return sum(each.memory_info().rss for each in self._server) / _MIB if self._server else None

    def _server_ns(self) -> int | None:
        return sum(_cpu_ns(each) for each in self._server) if self._server else None


def serving(server_pid: int) -> list[psutil.Process]:
    """The process that runs the application, with those that its master has started beside it.

    uWSGI's router is one. A master that only waits is not counted.
    """
    server = psutil.Process(server_pid)
    # Every server is started in a session of its own (loadtests.launch.process): who leads it has
    # no master.
    if os.getsid(server_pid) == server_pid or (master := server.parent()) is None:
        return [server]
    return master.children()


def _cpu_ns(process: psutil.Process) -> int:
    if sys.platform == "linux":
        # clock_getcpuclockid(3): the CPU clock of another process, exact where /proc/PID/stat
        # counts in hundredths of a second. MAKE_PROCESS_CPUCLOCK in the kernel's posix-timers.h.
        try:
            return time.clock_gettime_ns((~process.pid << 3) | 2)
        except OSError as error:
            raise ProcessLookupError(f"server process {process.pid} is gone") from error
    times = process.cpu_times()
    return round((times.user + times.system) * 1e9)


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
        "generator_cpu": _microseconds_each(usage.generator_ns, messages),
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
