"""The exit codes of every command of this project; 1 is never meant (an uncaught exception)."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command ends with."""

    FINE = 0
    WRONG_CALL = 2  #: the call or a file is wrong
    INCONCLUSIVE = 3
    FAILED = 4  #: a measurement failed or is missing, or the output could not be written
    REGRESSION = 99  #: something is slower than it was, or misses its target
