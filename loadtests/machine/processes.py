"""A process that is pinned and dies with us, and how it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from loadtests import ROOT

LEASH = Path(__file__).with_name("leash.py")

_STOP_TIMEOUT_S = 3.0


@contextmanager
def process(
    command: Sequence[str],
    *,
    core: int | None,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int = subprocess.STDOUT,
    pipe: bool = False,
    prefix: Sequence[str] = (),
    kill: bool = False,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is pinned and dies with us, until the block ends.

    Args:
        command: of the process.
        core: to run on; None for any.
        stdout: for what it prints; ``subprocess.PIPE`` for a pipe to us.
        stderr: for its errors; beside what it prints if not given.
        pipe: whether its standard input is a pipe from us; otherwise it is empty.
        prefix: a command that becomes the one behind it, such as ``nsenter``. It goes before the
            leash, which would not survive a change of credentials (prctl(2), PR_SET_PDEATHSIG).
        kill: whether our death kills it, even if it is stopped; otherwise it is asked to end.
        folder: where it runs.
        environment: its own; None for ours.
    """
    leash = [sys.executable, "-I", "-S", str(LEASH), *(["--kill"] if kill else [])]
    leash += [str(os.getpid()), "-" if core is None else str(core)]
    running = subprocess.Popen(
        [*prefix, *leash, *command],
        stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        cwd=folder,
        env=environment,
        # A Ctrl-C in the terminal is for us alone: we end our processes in our own order.
        start_new_session=True,
    )
    try:
        yield running
    finally:
        stop(running)
        _end_what_it_left(running)
        if running.stdout is not None:
            running.stdout.close()


def _end_what_it_left(process: subprocess.Popen[bytes]) -> None:
    """Kill what is still there of the session of a process that has ended.

    An application of somebody else's may have forked: that would run on, on the same core.
    """
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


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
