"""The processes that hold the official clients, one for each library, and what they have to say."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from loadtests.machine import node
from loadtests.machine.launch import Launched, last_words, started
from loadtests.record.ready import Ready
from loadtests.record.words import Transport
from loadtests.scenarios.disconnect.outage.summary import Event, What, connected
from loadtests.scenarios.disconnect.rows import Official

_HERE = Path(__file__).parent
COMMANDS = {
    # -P: what lies beside the script is not to be found under the names of packages.
    Official.PYTHON: (sys.executable, "-P", str(_HERE / "python_clients.py")),
    Official.JAVASCRIPT: node.command(_HERE / "node_clients.js"),
}


class OutageError(Exception):
    """A trial cannot go on: one line with the reason and the place of a log."""


class ClientsReady(msgspec.Struct, frozen=True):
    """The READY line of a process of clients.

    Attributes:
        at_ns: its clock at that moment, monotonic.
        versions: of the library and of what runs it.
    """

    at_ns: int
    versions: dict[str, str]


@dataclass(slots=True)
class Crowd:
    """The clients of one library, all in one process.

    Attributes:
        client: whose they are.
        size: how many.
        running: their process.
        file: where they write their events.
    """

    client: Official
    size: int
    running: Launched[ClientsReady]
    file: Path
    _events: list[Event] = field(default_factory=list, init=False)
    _read_bytes: int = field(default=0, init=False)

    def events(self) -> list[Event]:
        """All so far.

        Raises:
            OutageError: the process has ended, or a client could not connect at first.
        """
        with self.file.open("rb") as file:
            file.seek(self._read_bytes)
            fresh = file.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            entry = json.loads(line)
            event = Event(entry["client"], What(entry["event"]), entry["at_ns"], entry["reason"])
            self._events.append(event)
            if event.what is What.FAILED:
                raise OutageError(
                    f"a {self.client} client could not connect: {event.reason}; "
                    f"its log: {self.running.log}"
                )
        code = self.running.process.poll()
        if code is not None:
            raise OutageError(
                f"the {self.client} clients ended with code {code}: "
                f"{last_words(self.running.log)}; their log: {self.running.log}"
            )
        return self._events

    def complete(self) -> bool:
        """Whether all are connected now."""
        return len(connected(self.events(), time.monotonic_ns())) == self.size

    @property
    def crashes(self) -> list[str]:
        """Exceptions that ended a thread of theirs."""
        return [str(event.reason) for event in self._events if event.what is What.CRASH]


@contextmanager
def crowd(
    client: Official,
    *,
    server: Ready,
    namespace: str,
    transport: Transport,
    offsets_s: Sequence[float],
    label: Path,
    core: int | None,
    more: Mapping[str, Any] = {},
) -> Iterator[Crowd]:
    """A process of clients that connect one by one, until the block ends.

    Args:
        client: whose.
        server: where they connect to.
        namespace: that they join.
        transport: the only one that they may use.
        offsets_s: when each connects, from now on.
        label: what the names of its files begin with.
        core: to run on; None for any.
        more: what else that library's script may be told.

    Raises:
        LaunchError: it did not start.
        OutageError: its clock is not ours.
    """
    file = label.with_name(f"{label.name}-events.jsonl")
    file.write_bytes(b"")
    config = {
        "url": server.url,
        "path": server.path,
        "namespace": namespace,
        "transport": transport,
        "offsets_s": list(offsets_s),
        "events": str(file),
        **more,
    }
    before_ns = time.monotonic_ns()
    with started(
        f"process of {client} clients",
        [*COMMANDS[client], json.dumps(config)],
        type=ClientsReady,
        log=label.with_name(f"{label.name}.log"),
        core=core,
    ) as running:
        # Node does not promise which clock its hrtime is; libuv takes CLOCK_MONOTONIC on Linux.
        if not before_ns <= running.ready.at_ns <= time.monotonic_ns():
            raise OutageError(
                f"the clock of the {client} clients is not this process's monotonic clock, so "
                "their times cannot be compared with the server's"
            )
        yield Crowd(client, len(offsets_s), running, file)
