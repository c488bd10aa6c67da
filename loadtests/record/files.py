"""Writing files so that nobody ever reads half of one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write beside and rename: whatever happens, there is the old file or the new one.

    Nothing is flushed to the disk: this is for processes that are killed, not for power that fails.

    Raises:
        OSError: it cannot be written, and is as it was; ``filename`` says which, also where the
            system has named none (a full disk).
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):  # it is the file now, or its folder is gone
            beside.unlink()
