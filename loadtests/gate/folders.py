"""Folders that several runs share, and that nobody removes while another is in them.

The kernel lets go of a lock with the process that has it, so what a killed run has left is known by
being nobody's (flock(2)).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """Hold a folder's lock until the block ends.

    Args:
        folder: exists.
        how: ``LOCK_SH`` where others may be in it too, ``LOCK_EX`` where not, which waits for them.

    Raises:
        BlockingIOError: with ``LOCK_NB``, another has it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def remove_unused(folders: Iterable[Path]) -> None:
    """Remove those that nobody is in; called by whoever has the lock of the folder around them."""
    for folder in folders:
        with suppress(BlockingIOError), locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def passing(around: Path) -> Iterator[Path]:
    """A new folder in another, until the block ends; its name is always of the same length."""
    around.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with locked(around, fcntl.LOCK_EX):
            remove_unused(each for each in around.iterdir() if each.is_dir())
            made = Path(tempfile.mkdtemp(prefix="", dir=around))
            stack.callback(shutil.rmtree, made, ignore_errors=True)
            stack.enter_context(locked(made, fcntl.LOCK_SH))
        yield made
