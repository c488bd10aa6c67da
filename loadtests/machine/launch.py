"""Starts, verifies, pins and stops the processes of a trial; nothing that starts here survives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeAlias, TypeVar

import msgspec

from loadtests import ROOT
from loadtests.machine.logs import READY, reason
from loadtests.machine.processes import process
from loadtests.record.proof import Proof
from loadtests.record.ready import Listening, Ready
from servers.modes import ADAPTERS

LOCUSTFILE = ROOT / "loadtests" / "locustfile.py"

#: What serves; the mode and the options are appended.
SERVE = (sys.executable, "-m", "servers")

#: Of a server that need only run in its mode.
ANY = Proof()

#: Where a trial's Locust finds the HOME that was kept from it, see ``generating``.
HOME_KEPT = "TRANSPORT_BENCH_HOME"
#: Where one of several load generators finds its number, from 0.
WORKER = "TRANSPORT_BENCH_WORKER"

READY_TIMEOUT_S = 10.0
#: Clients that connect at the same time are the servers' to serve, all on one core.
_SPAWNED_HZ = 200
_LOOK_S = 0.01

#: What a process says of itself.
Said = TypeVar("Said", covariant=True)


class LaunchError(Exception):
    """A process did not do what it was started for; one line with the place of its log."""


@dataclass(frozen=True, slots=True)
class Launched(Generic[Said]):
    """A process that is ready.

    Attributes:
        process: it.
        ready: its READY line.
        log: what it printed.
    """

    process: subprocess.Popen[bytes]
    ready: Said
    log: Path

    @property
    def url(self: Launched[Listening]) -> str:
        """Where it can be reached from where it runs."""
        return self.ready.url


#: A server of ours, which was verified.
RunningServer: TypeAlias = Launched[Ready]


@contextmanager
def serving(
    mode: str,
    *,
    ping_interval_s: float,
    ping_timeout_s: float,
    log: Path,
    journal: Path,
    core: int | None = None,
    command: Sequence[str] = SERVE,
    host: str | None = None,
    port: int = 0,
    prefix: Sequence[str] = (),
    folder: Path = ROOT,
    environment: Mapping[str, str] = {},
    proof: Proof = ANY,
    timeout_s: float | None = None,
    own_heartbeat: bool = False,
) -> Iterator[RunningServer]:
    """A fresh server process of a mode, until the block ends.

    Args:
        mode: one of ``servers.modes``.
        ping_interval_s: of its heartbeat.
        ping_timeout_s: of its heartbeat.
        log: file for what it prints.
        journal: file for its connects and disconnects.
        core: to run on; None for any.
        command: what serves; the mode and the options are appended.
        host: address to listen on; None for its own default, this machine only.
        port: to listen on; 0 for a free one.
        prefix: see ``processes.process``.
        folder: where its application is, and it runs.
        environment: variables beside ours, or in place of them.
        proof: what it must say of itself beside its mode.
        timeout_s: see ``started``.
        own_heartbeat: whether it may have another heartbeat, which its application has chosen.

    Raises:
        LaunchError: it did not get ready, or is not what it should be.
    """
    # It may have been stopped to see who notices, and has nothing to tidy up.
    with started(
        f"{mode} server",
        [*command, mode, *_options(host, port, ping_interval_s, ping_timeout_s, journal)],
        type=Ready,
        log=log,
        core=core,
        prefix=prefix,
        kill=True,
        folder=folder,
        environment=os.environ | environment,
        timeout_s=timeout_s,
    ) as server:
        heartbeat = None if own_heartbeat else (ping_interval_s, ping_timeout_s)
        verify(server.ready, mode, heartbeat, proof)
        yield server


def _options(
    host: str | None, port: int, ping_interval_s: float, ping_timeout_s: float, journal: Path
) -> list[str]:
    return [
        *([] if host is None else [f"--host={host}"]),
        f"--port={port}",
        f"--ping-interval={ping_interval_s:g}",
        f"--ping-timeout={ping_timeout_s:g}",
        f"--journal={journal.absolute()}",  # it may run elsewhere
    ]


@contextmanager
def started(
    name: str,
    command: Sequence[str],
    *,
    type: type[Said],
    log: Path,
    core: int | None = None,
    timeout_s: float | None = None,
    prefix: Sequence[str] = (),
    kill: bool = False,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Launched[Said]]:
    """A process that prints one line of JSON which begins with ``ready``, until the block ends.

    Args:
        name: for messages.
        command: of the process.
        type: of what its line holds; what else is in it is left out.
        log: file for what it prints.
        core: to run on; None for any.
        timeout_s: how long its line may take; None for what a server may take.
        prefix: see ``processes.process``.
        kill: see ``processes.process``.
        folder: see ``processes.process``.
        environment: see ``processes.process``.

    Raises:
        LaunchError: it ended, or said nothing in time, or something else.
    """
    with (
        log.open("wb") as output,
        process(
            command,
            core=core,
            stdout=output,
            prefix=prefix,
            kill=kill,
            folder=folder,
            environment=environment,
        ) as running,
    ):
        timeout_s = READY_TIMEOUT_S if timeout_s is None else timeout_s
        line = _wait_until_ready(name, running, log, timeout_s)
        try:
            ready = msgspec.json.decode(line, type=type)
        except msgspec.DecodeError as error:
            raise LaunchError(f"{name} says what it should not: {error}; its log: {log}") from error
        yield Launched(running, ready, log)


@contextmanager
def generating(
    users: int,
    *,
    log: Path,
    core: int | None = None,
    locustfile: Path | None = None,
    prefix: Sequence[str] = (),
    spread: Sequence[int | None] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A fresh Locust process that waits on standard input for its assignment.

    It takes nothing from its user's configuration. Locust would look into ``~/.locust.conf``, and
    into ``locust.conf`` and ``pyproject.toml`` where it runs, without an option against it
    (locust.argument_parser.DEFAULT_CONFIG_FILES, 2.47; docs.locust.io, "Configuration"); so HOME
    and that place are an empty folder, until the locustfile has HOME again.

    Args:
        users: how many it will spawn.
        log: file for what it prints.
        core: to run on; None for any.
        locustfile: what it loads; None for that of trials.
        prefix: see ``processes.process``.
        spread: cores of further processes, where these are to hold the users: Locust's workers,
            whose master this one becomes.
    """
    common = [f"--locustfile={locustfile or LOCUSTFILE}", "--assigned", "--loglevel=WARNING"]
    # Samples are ours; Locust's statistics only say how connecting went.
    arguments = ["--headless", "--only-summary", "--exit-code-on-error=0"]
    arguments += [f"--users={users}", f"--spawn-rate={min(max(users, 1), _SPAWNED_HZ)}"]
    workers: list[str] = []
    if spread:
        port = _free_port()
        arguments += ["--master", "--master-bind-host=127.0.0.1", f"--master-bind-port={port}"]
        arguments += [f"--expect-workers={len(spread)}", "--expect-workers-max-wait=20"]
        workers = ["--worker", "--master-host=127.0.0.1", f"--master-port={port}"]
    with ExitStack() as stack:
        conducting = stack.enter_context(
            _locust([*common, *arguments], log=log, core=core, prefix=prefix, pipe=True)
        )
        for number, each in enumerate(spread):
            own = log.with_name(f"{log.stem}-{number + 1}{log.suffix}")
            stack.enter_context(
                _locust([*common, *workers], log=own, core=each, prefix=prefix, worker=number)
            )
        yield conducting


@contextmanager
def _locust(
    arguments: Sequence[str],
    *,
    log: Path,
    core: int | None,
    prefix: Sequence[str],
    pipe: bool = False,
    worker: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    told = {} if worker is None else {WORKER: str(worker)}
    with (
        # Beside the log: should we be killed, it is left where the run is.
        TemporaryDirectory(prefix="empty-", dir=log.resolve().parent) as empty,
        log.open("wb") as output,
        process(
            [sys.executable, "-m", "locust", *arguments],
            core=core,
            stdout=output,
            pipe=pipe,
            prefix=prefix,
            folder=Path(empty),
            environment=_unconfigured(os.environ, empty) | told,
        ) as running,
    ):
        yield running


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _unconfigured(environment: Mapping[str, str], home: str) -> dict[str, str]:
    """An environment without settings of Locust's, and without proxies."""
    kept = {
        name: value
        for name, value in environment.items()
        # requests and websocket-client, below the reference client, would go through a proxy.
        if not name.startswith("LOCUST_") and not name.lower().endswith("_proxy")
    }
    # The folder that ``-m`` would have put on the path is another one now.
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    return kept | {"HOME": home, HOME_KEPT: kept.get("HOME", ""), "PYTHONPATH": path}


def verify(
    ready: Ready, mode: str, heartbeat: tuple[float, float] | None, proof: Proof = ANY
) -> None:
    """Compare what really runs with what was asked for.

    Args:
        ready: what it says.
        mode: that was asked for.
        heartbeat: interval and timeout, in seconds; None for any.
        proof: what else it must say.

    Raises:
        LaunchError: they differ.
    """
    expected = ADAPTERS[mode].MODE
    for key, wanted in (
        ("async_mode", expected.async_mode),
        ("patched", expected.patched),
        ("websocket", expected.websocket),
        ("debug", False),
        *(zip(("ping_interval", "ping_timeout"), heartbeat, strict=True) if heartbeat else ()),
    ):
        found = getattr(ready, key)
        if found != wanted:
            raise LaunchError(f"{mode} server says {key} is {found!r}, it should be {wanted!r}")
    if difference := proof.difference(ready):
        raise LaunchError(f"{mode} server {difference}")


def last_words(log: Path) -> str:
    """The reason that a log gives for the end of its process, in one line."""
    return reason(log.read_text(encoding="utf-8", errors="replace"))


def _wait_until_ready(
    name: str, process: subprocess.Popen[bytes], log: Path, timeout_s: float
) -> str:
    """The line in which it says so."""
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            if line.startswith(READY) and line.endswith("\n"):
                return line
        if process.poll() is not None:
            raise LaunchError(
                f"{name} ended with code {process.returncode} before it was ready: "
                f"{last_words(log)}; its log: {log}"
            )
        time.sleep(_LOOK_S)
    raise LaunchError(f"{name} not ready after {timeout_s:g} s; its log: {log}")
