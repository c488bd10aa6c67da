"""Arms in a test, and their servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.gate.arms import Arms, Prepared, prepared
from loadtests.machine.launch import RunningServer, serving
from loadtests.run.arm import Arm
from loadtests.scenarios.scenario import Heartbeat
from tests.support.present import present
from tests.support.repositories import Repository

#: Has arms prepared until it is killed.
STAYS = """\
import signal, sys
from pathlib import Path
from loadtests.gate.arms import prepared
from loadtests.run.arm import Arm

root, cache = map(Path, sys.argv[1:])
with prepared(Arm(ref="first"), Arm(), root=root, cache=cache, twin=True, tell=lambda _: None):
    print("there", flush=True)
    signal.pause()
"""


@contextmanager
def arms(
    repository: Repository, cache: Path, base: Arm, head: Arm, *, twin: bool = False
) -> Iterator[Arms]:
    told: list[str] = []
    with prepared(
        base, head, root=repository.root, cache=cache, twin=twin, tell=told.append
    ) as found:
        yield found
    assert list((cache / "trees").iterdir()) == []
    assert len(repository.git("worktree", "list").splitlines()) == 1


@contextmanager
def served(arm: Prepared, mode: str, folder: Path) -> Iterator[RunningServer]:
    subject = arm.subject(mode)
    heartbeat = subject.heartbeat or Heartbeat()
    with serving(
        present(subject.mode),
        ping_interval_s=heartbeat.ping_interval_s,
        ping_timeout_s=heartbeat.ping_timeout_s,
        log=folder / "server.log",
        journal=folder / "journal.jsonl",
        command=subject.command,
        folder=subject.folder,
        environment=subject.environment,
        proof=subject.proof,
    ) as server:
        yield server
