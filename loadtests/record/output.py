"""Standard output and error that may be closed, full, or know few characters."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Output(io.FileIO):
    """A standard stream that never stops a program: what it cannot take is lost, and only that.

    Args:
        number: of its file descriptor, which stays open.

    Attributes:
        failure: why something was lost, in the system's words; None if nothing was, or if a
            reader such as ``head`` had enough.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: str | None = None
        self._lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, unless a write has failed before."""
        if not self._lost:
            try:
                return super().write(data)
            except OSError as error:
                self._lost = True
                if error.errno != errno.EPIPE:
                    self.failure = error.strerror or str(error)
        return memoryview(data).nbytes


def install() -> Output:
    """Put such streams in the place of ``sys.stdout`` and ``sys.stderr``; returns the former."""
    closed = _fill_descriptors()
    output = Output(1)
    if 1 in closed:
        output.failure = "it is closed"
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(Output(2), sys.stderr)
    return output


def _text(stream: Output, before: TextIO | None) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors="replace",  # a terminal that cannot show "×" gets a "?"
        line_buffering=stream.fileno() == 2 or getattr(before, "line_buffering", False),
    )


def _fill_descriptors() -> set[int]:
    """Open what is closed of 0, 1 and 2: the next file would get its number, and our words."""
    closed = set()
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            closed.add(number)
    return closed
