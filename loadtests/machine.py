"""What machine this is, and which of its cores serve and which generate load."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

#: Descriptors that a process has open beside its connections.
OTHER_FILES = 100

_IPV4_SETTINGS = Path("/proc/sys/net/ipv4")
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


def allow_open_files(needed: int) -> int | None:
    """Raise the limit of file descriptors as far as needed.

    Returns:
        None where ``needed`` can be had; otherwise how many can.
    """
    if resource is None:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    if hard != resource.RLIM_INFINITY and hard < needed:
        return hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return None


def ephemeral_ports(settings: Path = _IPV4_SETTINGS) -> int | None:
    """How many connections one address of this machine can have to one address and port.

    Of the network namespace that this process is in. A new one starts with the kernel's default of
    32768 to 60999, 28232 ports, whatever this machine is set to.

    Args:
        settings: the kernel's, of IPv4; those for IPv6 are the same.

    Returns:
        The ports that the kernel gives out by itself; None where it does not tell.
    """
    try:
        low, high = map(int, (settings / "ip_local_port_range").read_text(encoding="ascii").split())
        reserved = (settings / "ip_local_reserved_ports").read_text(encoding="ascii").strip()
    except (OSError, ValueError):  # not Linux
        return None
    ports = set(range(low, high + 1))
    for part in filter(None, reserved.split(",")):
        first, _, last = part.partition("-")
        ports -= set(range(int(first), int(last or first) + 1))
    return len(ports)


def describe(pins: Pinning) -> dict[str, Any]:
    """Everything about the machine that a reader of the numbers might ask for."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 1024**2,
        "system": platform.system(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else None,
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "pinning": {
            "server": [] if pins.server is None else [pins.server],
            "generator": [] if pins.generator is None else [pins.generator],
            "note": pins.note,
        },
        "packages": {
            each.metadata["Name"]: each.version
            for each in sorted(
                metadata.distributions(), key=lambda found: found.metadata["Name"].lower()
            )
        },
    }


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
