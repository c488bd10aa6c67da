"""What else happens on the cores of a trial while a slice of load is measured."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

from loadtests.arithmetic.disturbance import Watched

#: proc(5): CPU time, time ready and waiting for a core, nanoseconds, of a process's first thread.
_SCHEDSTAT = "/proc/{process}/schedstat"
_WORKING = ("user", "nice", "system", "irq", "softirq")


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is read at either end of a slice; nanoseconds and seconds since whenever."""

    at_ns: int
    boot_ns: int
    waited_ns: Sequence[int]
    stolen_s: float
    server_core_s: float
    servers_ns: Mapping[str, int]


class Watch:
    """Reads what is needed to judge a slice: a tenth of a millisecond before it, and after it.

    Args:
        server_core: where the servers are pinned; None where they are not.
        generator_cores: those of this process.
        servers: label of a cell -> CPU time of its server so far, nanoseconds; None where it is not
            known. What raises has ended.
        helpers: further processes of the generator, by id, and the cores that each may run on.
    """

    def __init__(
        self,
        server_core: int | None,
        generator_cores: set[int],
        servers: Mapping[str, Callable[[], int | None]],
        helpers: Mapping[int, Sequence[int]] = MappingProxyType({}),
    ) -> None:
        self._server_core = server_core
        # Only a core that is theirs alone tells of others.
        self._shared = server_core is None or server_core in generator_cores
        self._cores = generator_cores | ({server_core} if server_core is not None else set())
        self._servers = servers
        self._helpers = list(helpers)
        # Where two of them share a core it is each other that they wait for.
        self._crowded = len({tuple(each) for each in helpers.values()}) < len(helpers)

    def begin(self) -> Clocks:
        """A slice begins: what all clocks say."""
        return self._read()

    def end(self, before: Clocks, labels: Collection[str], absent_ns: int) -> Watched:
        """It is over.

        Args:
            before: what ``begin`` gave.
            labels: of the cell whose slice it was, and of all that were on turn with it.
            absent_ns: see ``Watched.absent_s``.
        """
        after = self._read()
        seconds = (after.at_ns - before.at_ns) / 1e9
        used_s = {
            name: (used_ns - before.servers_ns[name]) / 1e9
            for name, used_ns in after.servers_ns.items()
            if name in before.servers_ns
        }
        others_s = 0.0
        if not self._shared:
            others_s = after.server_core_s - before.server_core_s - sum(used_s.values())
        return Watched(
            seconds=seconds,
            absent_s=absent_ns / 1e9,
            suspended_s=(after.boot_ns - before.boot_ns) / 1e9 - seconds,
            stolen_s=after.stolen_s - before.stolen_s,
            others_s=max(0.0, others_s),
            # Where they share a core it is the server that it waits for.
            waited_s=(
                0.0
                if self._shared or self._crowded
                else max(
                    (late - early) / 1e9
                    for early, late in zip(before.waited_ns, after.waited_ns, strict=True)
                )
            ),
            off_turn_s={name: used for name, used in used_s.items() if name not in labels},
        )

    def _read(self) -> Clocks:
        cores = psutil.cpu_times(percpu=True)
        at_ns = time.monotonic_ns()
        servers_ns = {}
        for name, used_ns in self._servers.items():
            with suppress(ProcessLookupError, psutil.Error):
                found = used_ns()
                if found is not None:
                    servers_ns[name] = found
        server_core_s = 0.0
        if self._server_core is not None and self._server_core < len(cores):
            times = cores[self._server_core]
            server_core_s = sum(getattr(times, name, 0.0) for name in _WORKING)
        return Clocks(
            at_ns=at_ns,
            # It goes on while the machine sleeps, clock_gettime(2); only Linux has it.
            boot_ns=time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)),
            waited_ns=[waited_ns(pid) for pid in self._helpers or (os.getpid(),)],
            stolen_s=sum(
                getattr(cores[core], "steal", 0.0) for core in self._cores if core < len(cores)
            ),
            server_core_s=server_core_s,
            servers_ns=servers_ns,
        )


def waited_ns(process: int | None = None) -> int:
    """How long a process's first thread has waited for a core; 0 where nobody counts.

    ``process``: its id; None for this one.
    """
    try:
        path = Path(_SCHEDSTAT.format(process=process or os.getpid()))
        return int(path.read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
