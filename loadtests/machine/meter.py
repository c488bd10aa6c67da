"""CPU time and memory of the server and of the load generator, exact where Linux can."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import psutil

from loadtests.arithmetic.usage import Reading
from loadtests.machine.cores import own_cores

_MIB = 1024 * 1024


class Meter:
    """Reads this process and one server.

    Args:
        server_pid: None for a server of one's own.
        spun_ns: how much of this process's CPU time went into waiting for due times.
        helpers: further processes of the generator, by id, and the cores that each may run on.
    """

    def __init__(
        self,
        server_pid: int | None,
        spun_ns: Callable[[], int] = lambda: 0,
        helpers: Mapping[int, Sequence[int]] = MappingProxyType({}),
    ) -> None:
        self._server = [] if server_pid is None else serving(server_pid)
        self._spun_ns = spun_ns
        self.helpers = helpers
        self._groups = _sharing({os.getpid(): sorted(own_cores()), **helpers}) if helpers else []

    def read(self) -> Reading:
        """All clocks, now.

        Raises:
            ProcessLookupError: the server has died.
        """
        at_ns, server_ns = time.monotonic_ns(), self.server_ns()
        if not self._groups:
            return Reading(at_ns, time.process_time_ns(), server_ns, self._spun_ns())
        cores_ns = tuple(sum(map(_cpu_ns, group)) for group in self._groups)
        return Reading(at_ns, sum(cores_ns), server_ns, self._spun_ns(), cores_ns)

    def server_mib(self) -> float | None:
        """Resident memory of the server; what its processes share counts in each."""
        return sum(each.memory_info().rss for each in self._server) / _MIB if self._server else None

    def server_threads(self) -> int | None:
        """Threads of the server; None where that is not known."""
        return sum(each.num_threads() for each in self._server) if self._server else None

    def server_files(self) -> int | None:
        """Open descriptors of the server; None where that is not known, as on Windows."""
        if not self._server or not hasattr(psutil.Process, "num_fds"):
            return None
        return sum(each.num_fds() for each in self._server)

    def server_ns(self) -> int | None:
        """CPU time of the server so far.

        Raises:
            ProcessLookupError: it has died.
        """
        return sum(_cpu_ns(each) for each in self._server) if self._server else None


def serving(server_pid: int) -> list[psutil.Process]:
    """The process that runs the application, with those that its master has started beside it.

    uWSGI's router is one. A master that only waits is not counted.
    """
    server = psutil.Process(server_pid)
    # Every server is started in a session of its own (loadtests.machine.processes): who leads
    # it has no master.
    if os.getsid(server_pid) == server_pid or (master := server.parent()) is None:
        return [server]
    return master.children()


def _sharing(helpers: Mapping[int, Sequence[int]]) -> list[list[psutil.Process]]:
    """Processes that are pinned to the same core, together; others each alone."""
    groups: dict[Any, list[psutil.Process]] = {}
    for pid, cores in helpers.items():
        key = tuple(cores) if len(cores) == 1 else pid
        groups.setdefault(key, []).append(psutil.Process(pid))
    return list(groups.values())


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
