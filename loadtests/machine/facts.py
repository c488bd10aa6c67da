"""What a reader of the numbers might ask about the machine that they come from."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from loadtests.machine import limits
from loadtests.machine.cores import Pinning


def describe(pins: Pinning) -> dict[str, Any]:
    """Everything about the machine that a reader of the numbers might ask for."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 1024**2,
        "system": platform.system(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "open_files": limits.open_files(),
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
