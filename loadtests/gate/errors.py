"""What can be wrong with what was asked for."""

from __future__ import annotations


class ArmError(Exception):
    """An arm cannot be prepared as it was asked for; one line says why."""
