"""Looks at this machine for what measuring needs; changes nothing, and serves nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from loadtests.machine import cores, limits, network, node, scheduling
from loadtests.record.places import RUNS
from loadtests.scenarios.disconnect.hosts import browser
from servers.modes import ADAPTERS, MAIN
from transport_bench.needs import Here

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_CPU = Path("/proc/cpuinfo")


def here() -> Here:
    """What there is on this machine, for this user, in this folder."""
    with scheduling.ahead() as ahead:
        pass
    one_core = cores.pinning().note
    return Here(
        modes={name: each.MODE.missing() for name, each in ADAPTERS.items()},
        main=MAIN,
        unwritable=unwritable(RUNS),
        open_files=limits.most_open_files(),
        one_core=one_core,
        ahead=ahead or one_core is not None or not scheduling.KNOWN,
        governor=_read(_GOVERNOR) or None,
        virtual=is_virtual(_read(_CPU)),
        client=node.missing(),
        tabs=browser.unavailable(),
        network=network.unavailable(),
        tcpdump=shutil.which("tcpdump") is not None,
        git=shutil.which("git") is not None,
    )


def unwritable(folder: Path) -> str | None:
    """Why a folder could not be made or written into; None where it could.

    Args:
        folder: which need not be there yet, nor those above it.
    """
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if there.is_dir() and os.access(there, os.W_OK):
        return None
    return f"{there} cannot be written to; go to another folder, or give --out"


def is_virtual(cpuinfo: str) -> bool:
    """Whether a processor knows of a hypervisor above it.

    Args:
        cpuinfo: the kernel's text about it (the flag ``hypervisor``, CPUID leaf 1, ECX bit 31).
    """
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "")
    return "hypervisor" in flags.split()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # not Linux, or a machine without it
        return ""
