"""One measurement at a time: two on one machine would measure each other."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Shared by all checkouts on this machine, and by all users whose temporary files have one place.
LOCK = Path(tempfile.gettempdir()) / "transport-bench.lock"
_MOST_CHARACTERS = 200


class NotAlone(Exception):
    """Somebody else is measuring; one line with who it is."""


@contextmanager
def measuring(what: str, *, path: Path = LOCK, beside: bool = False) -> Iterator[None]:
    """Hold the machine's lock until the block ends; the kernel lets go of it with the process.

    Args:
        what: is measured, for whoever finds the lock taken.
        path: of the lock.
        beside: measure even if somebody else does.

    Raises:
        NotAlone: the lock is taken.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    # For everybody, whoever made it: nothing but a note is in it.
    descriptor = _opened(path)
    if descriptor is None:
        yield
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not beside:
                raise NotAlone(
                    f"another run is measuring on this machine ({_noted(descriptor)}), and each "
                    "would measure the other; wait for its end, or give --beside"
                ) from error
        else:
            with suppress(OSError):  # no room, say
                os.truncate(descriptor, 0)
                os.pwrite(descriptor, f"process {os.getpid()}: {what}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int | None:
    """A descriptor of the lock; None where there can be none, which is no reason not to measure."""
    # A link that somebody has left there is not followed.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    with suppress(OSError):
        descriptor = os.open(path, flags, 0o666)
        with suppress(OSError):  # somebody else's
            os.fchmod(descriptor, 0o666)
        return descriptor
    # In a sticky folder nobody may create over another user's file (fs.protected_regular).
    with suppress(OSError):
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    return None


def _noted(descriptor: int) -> str:
    noted = os.pread(descriptor, _MOST_CHARACTERS, 0).decode(errors="replace")
    return "".join(one for one in noted if one.isprintable()) or "it does not say which"
