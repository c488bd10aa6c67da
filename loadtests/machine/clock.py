"""Whose monotonic clock this is: a time that another process wrote is only good on the same one."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

#: proc(5): a random number of each boot; and how far a time namespace's clocks are from the boot's,
#: time_namespaces(7), for containers that have one.
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_OFFSETS = Path("/proc/self/timens_offsets")


@cache
def clock_name() -> str:
    """Eight characters: equal in two processes only if ``time.monotonic_ns`` is.

    Where the system does not tell, it is of this process and those that are forked from it later.
    """
    try:
        told = _BOOT.read_bytes()
    except OSError:
        return os.urandom(4).hex()
    if _OFFSETS.exists():
        told += _OFFSETS.read_bytes()
    return hashlib.blake2s(told, digest_size=4).hexdigest()
