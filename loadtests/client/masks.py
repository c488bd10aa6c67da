"""Mask keys for the frames of all connections of the process (RFC 6455, section 5.3).

They must be unpredictable, and asking the kernel for each costs a system call. No key is used
twice.
"""

from __future__ import annotations

import os

_BYTES = 4096


class _Store:
    __slots__ = ("_at", "_keys")

    def __init__(self) -> None:
        self._keys = b""
        self._at = _BYTES

    def take(self) -> bytes:
        """Four bytes."""
        if self._at >= _BYTES:
            self._keys = os.urandom(_BYTES)
            self._at = 0
        at = self._at
        self._at = at + 4
        return self._keys[at : at + 4]


take = _Store().take
