"""A disk that is full, without filling one."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let this process write no file beyond so many bytes, until the block ends.

    A write that goes further fails as one to a full disk does, with EFBIG in place of ENOSPC
    (setrlimit(2), RLIMIT_FSIZE; Python ignores the signal that comes with it).
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
