"""Starts, verifies, pins and stops the processes of a trial; nothing that starts here survives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from loadtests import ROOT
from servers.modes import ADAPTERS

LEASH = Path(__file__).with_name("leash.py")
LOCUSTFILE = ROOT / "loadtests" / "locustfile.py"

#: What serves; the mode and the options are appended.
SERVE = (sys.executable, "-m", "servers")

READY_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 3.0
_LOOK_S = 0.01

#: Addresses that mean all interfaces -> one of them.
_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class LaunchError(Exception):
    """A process did not do what it was started for; one line with the place of its log."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that is ready and was verified.

    Attributes:
        process: its process.
        ready: its READY line (servers/ready.py).
        log: what it printed.
    """

    process: subprocess.Popen[bytes]
    ready: dict[str, Any]
    log: Path

    @property
    def url(self) -> str:
        """Where it can be reached from where it runs."""
        host = _REACHABLE.get(self.ready["host"], self.ready["host"])
        # RFC 3986, section 3.2.2: an IPv6 address is told from the port by brackets.
        return f"http://{f'[{host}]' if ':' in host else host}:{self.ready['port']}"


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
        prefix: see ``process``.

    Raises:
        LaunchError: it did not get ready, or is not what it should be.
    """
    arguments = [
        *command,
        mode,
        *([] if host is None else [f"--host={host}"]),
        f"--port={port}",
        f"--ping-interval={ping_interval_s:g}",
        f"--ping-timeout={ping_timeout_s:g}",
        f"--journal={journal}",
    ]
    name = f"{mode} server"
    # It may have been stopped to see who notices, and has nothing to tidy up.
    with started(name, arguments, log=log, core=core, prefix=prefix, kill=True) as server:
        verify(server.ready, mode, ping_interval_s, ping_timeout_s)
        yield server


@contextmanager
def started(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    core: int | None = None,
    timeout_s: float | None = None,
    prefix: Sequence[str] = (),
    kill: bool = False,
) -> Iterator[RunningServer]:
    """A process that prints one line of JSON which begins with ``ready``, until the block ends.

    Args:
        name: for messages.
        command: of the process.
        log: file for what it prints.
        core: to run on; None for any.
        timeout_s: how long its line may take; None for what a server may take.
        prefix: see ``process``.
        kill: see ``process``.

    Raises:
        LaunchError: it ended, or said nothing in time.
    """
    with (
        log.open("wb") as output,
        process(command, core=core, output=output, prefix=prefix, kill=kill) as running,
    ):
        timeout_s = READY_TIMEOUT_S if timeout_s is None else timeout_s
        yield RunningServer(running, _wait_until_ready(name, running, log, timeout_s), log)


@contextmanager
def generating(
    users: int,
    *,
    log: Path,
    core: int | None = None,
    locustfile: Path | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A fresh Locust process that waits on standard input for its assignment.

    Args:
        users: how many it will spawn.
        log: file for what it prints.
        core: to run on; None for any.
        locustfile: what it loads; None for that of trials.
        prefix: see ``process``.
    """
    arguments = [sys.executable, "-m", "locust", f"--locustfile={locustfile or LOCUSTFILE}"]
    arguments += ["--headless"]
    arguments += [f"--users={users}", f"--spawn-rate={min(users, 100)}", "--assigned"]
    # Samples are ours; Locust's statistics only say how connecting went.
    arguments += ["--only-summary", "--loglevel=WARNING", "--exit-code-on-error=0"]
    with (
        log.open("wb") as output,
        process(arguments, core=core, output=output, pipe=True, prefix=prefix) as running,
    ):
        yield running


def verify(ready: dict[str, Any], mode: str, ping_interval_s: float, ping_timeout_s: float) -> None:
    """Compare what really runs with what was asked for.

    Raises:
        LaunchError: they differ.
    """
    expected = ADAPTERS[mode].MODE
    for key, wanted in (
        ("async_mode", expected.async_mode),
        ("patched", expected.patched),
        ("websocket", expected.websocket),
        ("debug", False),
        ("ping_interval", ping_interval_s),
        ("ping_timeout", ping_timeout_s),
    ):
        if ready.get(key) != wanted:
            raise LaunchError(
                f"{mode} server says {key} is {ready.get(key)!r}, it should be {wanted!r}"
            )


def last_words(log: Path) -> str:
    """The last line of a log that says something, for a reason."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else "it printed nothing"


def _wait_until_ready(
    name: str, process: subprocess.Popen[bytes], log: Path, timeout_s: float
) -> dict[str, Any]:
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            if line.startswith('{"ready"') and line.endswith("\n"):
                ready: dict[str, Any] = json.loads(line)
                return ready
        if process.poll() is not None:
            raise LaunchError(
                f"{name} ended with code {process.returncode} before it was ready: "
                f"{last_words(log)}; its log: {log}"
            )
        time.sleep(_LOOK_S)
    raise LaunchError(f"{name} not ready after {timeout_s:g} s; its log: {log}")


@contextmanager
def process(
    command: Sequence[str],
    *,
    core: int | None,
    output: IO[bytes],
    pipe: bool = False,
    prefix: Sequence[str] = (),
    kill: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is pinned and dies with us, until the block ends.

    Args:
        command: of the process.
        core: to run on; None for any.
        output: for what it prints, its errors too.
        pipe: whether its standard input is a pipe from us; otherwise it is empty.
        prefix: a command that becomes the one behind it, such as ``nsenter``. It goes before the
            leash, which would not survive a change of credentials (prctl(2), PR_SET_PDEATHSIG).
        kill: whether our death kills it, even if it is stopped; otherwise it is asked to end.
    """
    leash = [sys.executable, "-I", "-S", str(LEASH), *(["--kill"] if kill else [])]
    leash += [str(os.getpid()), "-" if core is None else str(core)]
    running = subprocess.Popen(
        [*prefix, *leash, *command],
        stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        # A Ctrl-C in the terminal is for us alone: we end our processes in our own order.
        start_new_session=True,
    )
    try:
        yield running
    finally:
        stop(running)


def signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a process of ours and to all that it started, as service managers do."""
    if process.poll() is None:
        os.killpg(process.pid, number)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours, a stopped one too: asked first, then made to."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # it died with our words unread
            process.stdin.close()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        if sys.platform != "win32":
            # A stopped process acts on SIGTERM when it goes on; to others this means nothing.
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
