"""One server after the other on the same port: killed, stopped for a while, started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from loadtests.machine.launch import RunningServer, last_words
from loadtests.machine.processes import signal_all
from loadtests.scenarios.disconnect.outage.clients import OutageError

#: Starts a server of the cell on a port (0: a free one) with a log and a journal, verified. It must
#: die with us even while it is stopped, as ``launch.serving`` sees to.
Serve = Callable[[int, Path, Path], AbstractContextManager[RunningServer]]

#: Between two attempts: how exactly the first moment is known at which a server answers.
_KNOCK_S = 0.003
#: For a worker that is still loading behind its master's port; then another attempt.
_ANSWER_S = 10.0
_TERMINATE_S = 3.0


class Servers:
    """The servers of a trial; the one that runs ends with the block.

    ``start`` must be called from the thread that called the others: the leash of a process holds on
    to the thread that started it (prctl(2), PR_SET_PDEATHSIG).

    Args:
        serve: starts one.
        label: what the names of its files begin with.
    """

    def __init__(self, serve: Serve, label: Path) -> None:
        self._serve = serve
        self._label = label
        self._address = ("", 0)
        self._count = 0
        self._stack = ExitStack()
        self._running: RunningServer | None = None
        self.journal = label

    def __enter__(self) -> Servers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def running(self) -> RunningServer:
        """The one that was started last."""
        assert self._running is not None
        return self._running

    def check(self) -> None:
        """Look whether it still runs.

        Raises:
            OutageError: it died.
        """
        code = self.running.process.poll()
        if code is not None:
            raise OutageError(
                f"the server died during the trial (code {code}): "
                f"{last_words(self.running.log)}; its log: {self.running.log}"
            )

    def start(self) -> int:
        """Start the first one, or the next one on the same port.

        Returns:
            The first moment at which it answered a request, in monotonic nanoseconds: gunicorn's
            port accepts while its worker is still loading. Not that of its READY line, which comes
            later, so that a client can be connected before it.
        """
        self._count += 1
        number = "" if self._count == 1 else f"-{self._count}"
        log = self._label.with_name(f"{self._label.name}-server{number}.log")
        self.journal = self._label.with_name(f"{self._label.name}-journal{number}.jsonl")
        self.journal.unlink(missing_ok=True)
        with _Knocking(self._address) as knocking:
            port = self._address[1]
            self._running = self._stack.enter_context(self._serve(port, log, self.journal))
        self._address = (self._running.ready.host, self._running.ready.port)
        return knocking.answered_ns or time.monotonic_ns()

    def kill(self) -> int:
        """Kill it, and wait until its port is free; gives the moment of the kill."""
        return self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask it to stop, and wait until its port is free; gives the moment of asking."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        process = self.running.process
        gone_ns = time.monotonic_ns()
        signal_all(process, number)
        # As service managers do, the next server waits until this one has ended; one that does not
        # listen is killed, as they do too, and its clients are waited for until then.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TERMINATE_S)
        self._stack.close()
        return gone_ns

    @contextmanager
    def frozen(self) -> Iterator[int]:
        """Stop it until the block ends, however it ends; gives the moment of stopping."""
        process = self.running.process
        gone_ns = time.monotonic_ns()
        signal_all(process, signal.SIGSTOP)
        try:
            yield gone_ns
        finally:
            signal_all(process, signal.SIGCONT)


class _Knocking:
    """Finds out when a server answers, while it is being started."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.answered_ns: int | None = None
        self._address = address
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._knock, daemon=True)

    def __enter__(self) -> _Knocking:
        if self._address[1]:
            self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        if self._address[1]:
            self._thread.join()

    def _knock(self) -> None:
        while not self._over.is_set():
            with suppress(OSError), socket.create_connection(self._address, 1) as door:
                # A connection to a port that nobody listens on can meet itself (RFC 9293, 3.5).
                if door.getsockname() != door.getpeername():
                    door.settimeout(_ANSWER_S)
                    door.sendall(b"HEAD /knock HTTP/1.0\r\n\r\n")
                    if door.recv(1):
                        self.answered_ns = time.monotonic_ns()
                        return
            self._over.wait(_KNOCK_S)
