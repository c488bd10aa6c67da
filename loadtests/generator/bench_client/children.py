"""Processes that say what they have to say in JSON lines on their standard output."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.generator.bench_client.measured import ContenderFailed
from loadtests.machine.launch import last_words
from loadtests.machine.processes import process

_READ_BYTES = 65536


class ChildFailed(ContenderFailed):
    """A process did not say what it should; one line with the reason that it gave."""


@dataclass(slots=True)
class Child:
    """A process of ours.

    Attributes:
        process: it.
        log: what it says on its standard error.
    """

    process: subprocess.Popen[bytes]
    log: Path
    _rest: bytes = field(default=b"", init=False)

    def line(self, timeout_s: float) -> dict[str, Any]:
        """The next line that it says.

        Raises:
            ChildFailed: it says none within so many seconds, or ends without one.
        """
        assert self.process.stdout is not None
        give_up = time.monotonic() + timeout_s
        while b"\n" not in self._rest:
            left_s = give_up - time.monotonic()
            if left_s <= 0 or not select.select([self.process.stdout], [], [], left_s)[0]:
                raise ChildFailed(f"it said nothing for {timeout_s:g} s; its log: {self.log}")
            data = os.read(self.process.stdout.fileno(), _READ_BYTES)
            if not data:
                code = self.process.wait()
                raise ChildFailed(f"{last_words(self.log)} (code {code}; its log: {self.log})")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            raise ChildFailed(f"it said {line[:100]!r}; its log: {self.log}") from None
        return said


@contextmanager
def child(command: Sequence[str], *, log: Path, core: int | None) -> Iterator[Child]:
    """A fresh process, pinned, until the block ends; it dies with us.

    Args:
        command: that runs it.
        log: file for its standard error.
        core: to run on; None for any.
    """
    with (
        log.open("wb") as words,
        process(command, core=core, stdout=subprocess.PIPE, stderr=words) as running,
    ):
        yield Child(running, log)
