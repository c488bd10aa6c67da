"""Trials from the runner's side: what the load generator is told, and waiting for its answer.

The orders go to the Locust process as one line of JSON on its standard input, once the servers are
verified; an outcome comes back as a file for each trial.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from loadtests.machine.launch import Launched, last_words
from loadtests.machine.logs import raised, tells
from loadtests.run.experiment import Experiment
from loadtests.scenarios.bench import Outcome, Place
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.scenario import Variant

_LOOK_S = 0.02
#: An interrupted load generator ends its turn: a slice, and what is still waited for.
_END_TURN_S = 30.0
#: A load generator whose servers have died has so long to say what it was doing to them.
_LAST_WORDS_S = 2.0
#: What it is told for that.
STOP = b"stop\n"


class Assignment(msgspec.Struct, frozen=True):
    """One trial for a load generator.

    Attributes:
        scenario: whose options are in ``experiment``; its variant is the place's.
        seed: for what is random in the trial.
        experiment: as it is run.
        outcome: path of the file to write.
        place: where the trial takes place.
        server_pid: of a server on this host that we started, for its CPU and memory; else None.
        cell: what it is called among those that take turns with it.
    """

    scenario: str
    seed: int
    experiment: Experiment
    outcome: str
    place: Place
    server_pid: int | None = None
    cell: str = ""

    @property
    def variant(self) -> Variant:
        """The kind of trial that this is."""
        return self.experiment.variant(self.scenario, self.place.variant)


class Orders(msgspec.Struct, frozen=True):
    """All trials of one load generator, which take turns.

    Attributes:
        assignments: at least one, each with a cell's name of its own.
        seed: of the order of turns.
        server_core: where the servers are pinned; None where they are not, or are not ours.
        spin_ns: how long before a send is due the generator stops sleeping.
        begun_ns: when the run began, monotonic.
        at_once: whether all are on turn at the same time, as the two of a pair are.
        generators: processes that hold the clients.
        crowded: whether some of these share a core.
    """

    assignments: list[Assignment]
    seed: int = 0
    server_core: int | None = None
    spin_ns: int = 0
    begun_ns: int = 0
    at_once: bool = False
    generators: int = 1
    crowded: bool = False


#: What came of a trial: an outcome without an error, or why there is none.
Came = Outcome | TrialFailed


def conduct(
    orders: Orders,
    generator: subprocess.Popen[bytes],
    generator_log: Path,
    servers: Mapping[str, Launched[Any]],
) -> tuple[list[Came], KeyboardInterrupt | None]:
    """Give the generator its work and wait for what comes of it, as long as it is alive.

    After a Ctrl-C the generator ends its turn, and what it has of whole rounds is still given.

    Args:
        orders: its work.
        generator: waits for it.
        generator_log: what it prints.
        servers: cell -> a server of ours.

    Returns:
        What came of each trial, in order; and the interrupt that came meanwhile.
    """
    assert generator.stdin is not None
    with suppress(BrokenPipeError):  # it has died already; its log says why, see below
        generator.stdin.write(msgspec.json.encode(orders) + b"\n")
        generator.stdin.flush()
    limit_s = _limit_s(orders.assignments)
    interrupt = None
    try:
        in_time = _wait(generator, servers, limit_s)
    except KeyboardInterrupt as pressed:
        interrupt = pressed
        if len(orders.assignments) == 1 and not orders.assignments[0].variant.scenario.takes_turns:
            raise
        with suppress(BrokenPipeError):
            generator.stdin.write(STOP)
            generator.stdin.flush()
        limit_s = _END_TURN_S
        in_time = _wait(generator, servers, limit_s)
    late = None
    if not in_time:
        late = f"the load generator was not done after {limit_s:.0f} s; its log: {generator_log}"
    found = [
        _came(each, servers.get(each.cell), generator, generator_log, late)
        for each in orders.assignments
    ]
    return found, interrupt


def _limit_s(assignments: Sequence[Assignment]) -> float:
    return sum(each.variant.longest_s for each in assignments)


def _wait(
    generator: subprocess.Popen[bytes], servers: Mapping[str, Launched[Any]], limit_s: float
) -> bool:
    """Wait for its end, as long as any server lives and a little longer; whether it was in time."""
    give_up = time.monotonic() + limit_s
    dead = float("inf")
    while generator.poll() is None:
        now = time.monotonic()
        if servers and all(each.process.poll() is not None for each in servers.values()):
            dead = min(dead, now)
            if now > dead + _LAST_WORDS_S:
                return True
        if now > give_up:
            return False
        time.sleep(_LOOK_S)
    return True


def _came(
    assignment: Assignment,
    server: Launched[Any] | None,
    generator: subprocess.Popen[bytes],
    generator_log: Path,
    late: str | None,
) -> Came:
    """The outcome of one trial; the server's end explains more than what it did to others."""
    path = Path(assignment.outcome)
    if server is not None and server.process.poll() is not None:
        return TrialFailed(
            f"the server died during the trial (code {server.process.returncode}): "
            f"{last_words(server.log)}{_doing(path)}; its log: {server.log}"
        )
    if not path.exists():
        if late is not None:
            return TrialFailed(late)
        # Of several, one that holds clients may say why; the one that conducts has waited for it.
        saying = next(filter(_says_something, _logs_of_workers(generator_log)), generator_log)
        return TrialFailed(
            f"the load generator ended with code {generator.returncode}: "
            f"{last_words(saying)}; its log: {saying}"
        )
    found = msgspec.json.decode(path.read_bytes(), type=Outcome)
    path.unlink()
    if found.unfinished:
        return Unfinished()
    if found.error is not None:
        logs = _logs(server)
        said = next(filter(None, (raised(_text(log)) for log in logs)), "")
        said = f"; the server's log has {said}" if said else ""
        logs = [generator_log, *_logs_of_workers(generator_log), *logs]
        return TrialFailed(f"{found.error}{said}{_where(logs)}")
    return found


def _doing(path: Path) -> str:
    """What a load generator says that it was doing when it lost its server."""
    if not path.exists():
        return ""
    found = msgspec.json.decode(path.read_bytes(), type=Outcome)
    path.unlink()
    return f"; {found.error}" if found.error is not None else ""


def _logs(server: Launched[Any] | None) -> list[Path]:
    return [] if server is None else [server.log]


def _logs_of_workers(generator_log: Path) -> list[Path]:
    """Of the processes that hold clients for a load generator, where there are any."""
    return sorted(generator_log.parent.glob(f"{generator_log.stem}-*{generator_log.suffix}"))


def _says_something(log: Path) -> bool:
    return tells(_text(log))


def _where(logs: Sequence[Path]) -> str:
    """Which of the logs say anything."""
    telling = [str(log) for log in logs if log.exists() and _says_something(log)]
    return f"; logs: {', '.join(telling)}" if telling else ""


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")
