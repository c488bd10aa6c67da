"""Which of this machine's cores serve and which generate load, and what was stolen from them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_TOPOLOGY = "/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list"


@dataclass(frozen=True, slots=True)
class Pinning:
    """One core for the server, another for the load generator.

    Attributes:
        server, generator: core numbers; None where nothing is pinned.
        note: why not, or what is wrong with it; None where all is well.
    """

    server: int | None
    generator: int | None
    note: str | None


def pinning() -> Pinning:
    """Choose two cores that share no execution units, of those that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Pinning(None, None, "this system cannot pin processes to cores")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return Pinning(
            None, None, "there is one core only: the load generator takes its time from the server"
        )
    # The last ones: interrupts and other programs tend to be on the first.
    server = cores[-1]
    apart = [core for core in cores if _siblings(core) != _siblings(server)]
    if apart:
        return Pinning(server, apart[-1], None)
    return Pinning(server, cores[-2], "both cores are threads of one: they slow each other down")


def for_generators(pins: Pinning, many: int) -> list[int | None]:
    """A core for each of several load generators, as far as there are any beside the server's.

    The generator's own comes first; where there are too few, some share one. Empty where there
    is only one, which needs no others.
    """
    if many == 1:
        return []
    if pins.generator is None:
        return [None] * many
    taken = {pins.server, pins.generator}
    free = [
        core
        for core in sorted(os.sched_getaffinity(0), reverse=True)
        if core not in taken and (pins.server is None or _siblings(core) != _siblings(pins.server))
    ]
    cores = [pins.generator, *free]
    return [cores[each % len(cores)] for each in range(many)]


def _siblings(core: int) -> str:
    try:
        return Path(_TOPOLOGY.format(core=core)).read_text(encoding="ascii").strip()
    except OSError:
        return str(core)


@contextmanager
def staying_off(core: int | None) -> Iterator[None]:
    """Keep this process off the server's core for a while, where it has another."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def staying_on(core: int | None) -> Iterator[None]:
    """Keep this process on a core for a while; None keeps it where it is."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def own_cores() -> set[int]:
    """The cores that this process may run on; none where the system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


class StolenTime:
    """What a hypervisor takes from some cores from now on.

    Args:
        cores: to watch.
    """

    def __init__(self, cores: set[int]) -> None:
        self._cores = cores
        self._begun_s = time.monotonic()
        self._before_s = _stolen_s(cores)

    @property
    def seconds(self) -> float:
        """How long that is."""
        return time.monotonic() - self._begun_s

    @property
    def percent(self) -> float:
        """CPU time that it gave to others while this machine wanted it, as a share of them all."""
        taken_s = _stolen_s(self._cores) - self._before_s
        return 100 * taken_s / self.seconds / max(1, len(self._cores))


def _stolen_s(cores: set[int]) -> float:
    times = psutil.cpu_times(percpu=True)
    return sum(getattr(times[core], "steal", 0.0) for core in cores if core < len(times))
