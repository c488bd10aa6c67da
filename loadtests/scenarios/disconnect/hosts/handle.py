"""Starts a host, asks it for its clients, and sends them away: its parent's side."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from loadtests.machine.launch import last_words
from loadtests.machine.processes import process

_LOOK_S = 0.01


class HostError(Exception):
    """A host, or a client of it, did not do what it was to; one line with the place of its log."""


class Config(Protocol):
    """What a host is told to hold: a ``msgspec.Struct``."""

    @property
    def clients(self) -> int:
        """How many, over all that the host starts."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A client that went.

    Attributes:
        client: its number in the host, from 0 on.
        gone_ns: right before it went (monotonic).
        pinged_ns: when it had last answered a heartbeat (monotonic; when it had connected, if there
            was none); None where that is not known.
    """

    client: int
    gone_ns: int
    pinged_ns: int | None


class Host:
    """A running host.

    Args:
        name: for messages.
        clients: how many it is to hold.
        running: its process, with a pipe as standard input.
        log: what it prints.
        diary: what it writes down (see ``loadtests.scenarios.disconnect.hosts.diary``).
    """

    def __init__(
        self, name: str, clients: int, running: subprocess.Popen[bytes], *, log: Path, diary: Path
    ) -> None:
        self._name = name
        self._clients = clients
        self._process = running
        self._log = log
        self._diary = diary
        self._read_bytes = 0
        self._sids: dict[int, str] = {}
        self._gone: list[Gone] = []
        self._lost: dict[int, str] = {}
        self._trouble: str | None = None

    def wait_until_joined(self, timeout_s: float) -> list[str]:
        """Wait, cooperatively in a patched process, until every client is connected.

        Returns:
            The namespace's session ids, in the order of clients.

        Raises:
            HostError: a client could not connect, or not in time, or not for long, or the host
                ended.
        """
        give_up = time.monotonic() + timeout_s
        while len(self._sids) < self._clients:
            self._look()
            if self._lost:
                client, why = next(iter(self._lost.items()))
                raise self._error(f"client {client} is lost: {why}")
            if len(self._sids) < self._clients:
                if time.monotonic() > give_up:
                    raise self._error(
                        f"{len(self._sids)} of {self._clients} clients connected "
                        f"within {timeout_s:g} s"
                    )
                time.sleep(_LOOK_S)
        return [self._sids[client] for client in range(self._clients)]

    def send_away(self, due_ns: Sequence[int]) -> None:
        """Say, once, when each client is to go (monotonic); those that go together at one moment.

        Raises:
            HostError: the host ended.
            ValueError: these are not as many moments as clients.
        """
        if len(due_ns) != self._clients:
            raise ValueError(f"{len(due_ns)} moments for {self._clients} clients")
        assert self._process.stdin is not None, "it was started with a pipe"
        try:
            self._process.stdin.write(json.dumps({"due_ns": list(due_ns)}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._error(f"it does not listen any more ({error.strerror})") from error

    def gone(self) -> list[Gone]:
        """Those that went so far, in that order; never waits.

        Raises:
            HostError: the host ended, or could not do what it was to.
        """
        self._look()
        return list(self._gone)

    def lost(self) -> dict[int, str]:
        """Those that lost their connection before they went, as far as ``gone`` has read: why."""
        return dict(self._lost)

    def _look(self) -> None:
        ended = self._process.poll()
        self._read()  # after it: what was written until the end counts
        if self._trouble is not None:
            raise self._error(self._trouble)
        if ended is not None:
            raise self._error(f"ended with code {ended}: {last_words(self._log)}")

    def _read(self) -> None:
        if not self._diary.exists():  # it is starting
            return
        with self._diary.open("rb") as file:
            file.seek(self._read_bytes)
            whole, newline, _being_written = file.read().rpartition(b"\n")
        self._read_bytes += len(whole) + len(newline)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, entry: dict[str, Any]) -> None:
        match entry["event"]:
            case "joined":
                self._sids[entry["client"]] = entry["sid"]
            case "gone":
                self._gone.append(Gone(entry["client"], entry["gone_ns"], entry["pinged_ns"]))
            case "failed":
                self._trouble = self._trouble or entry["why"]
            case "lost":
                self._lost[entry["client"]] = entry["why"]

    def _error(self, what: str) -> HostError:
        one_line = " ".join(what.split())  # a server may refuse with a whole page
        return HostError(f"{self._name}: {one_line}; its log: {self._log}")


@contextmanager
def hosting(
    name: str,
    module: str,
    config: Config,
    *,
    log: Path,
    diary: Path,
    prefix: Sequence[str] = (),
) -> Iterator[Host]:
    """A host that is starting, on our own core; it and all that it starts end with the block.

    Args:
        name: for messages.
        module: to run; its argument is the path of the diary, and the first line of its standard
            input the configuration as JSON: a token may be in it, and whoever may list processes
            reads their arguments.
        config: what it is to hold, a ``msgspec.Struct``.
        log: file for what it prints.
        diary: file for what happens; an older one is removed.
        prefix: see ``processes.process``.
    """
    diary.unlink(missing_ok=True)
    command = [sys.executable, "-m", module, str(diary)]
    with (
        log.open("wb") as output,
        process(command, core=None, stdout=output, pipe=True, prefix=prefix) as running,
    ):
        tell(running, config)
        yield Host(name, config.clients, running, log=log, diary=diary)


def tell(running: subprocess.Popen[bytes], config: Config) -> None:
    """Give a host that was started its configuration."""
    assert running.stdin is not None, "it was started with a pipe"
    with suppress(BrokenPipeError):  # it has ended; its log says why
        running.stdin.write(msgspec.json.encode(config) + b"\n")
        running.stdin.flush()
