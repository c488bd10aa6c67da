"""Time that is only counted: python-engineio's server runs in it for minutes within milliseconds.

Tasks are greenlets; whoever would wait hands over to the loop, which goes on to the next moment at
which something is due. ``pieces`` is what an async driver of python-engineio gives to its server
(``engineio.async_drivers``), with the library's real WebSocket adapters on sockets of this time.
"""

from __future__ import annotations

import errno
import heapq
import warnings
from collections import deque
from collections.abc import Callable
from itertools import count
from queue import Empty
from typing import Any

from greenlet import getcurrent, greenlet


class _Over(SystemExit):
    """Ends a task: the one exception that python-engineio's scan takes for an order to stop."""


class _Waiter:
    __slots__ = ("done", "task")

    def __init__(self, task: greenlet) -> None:
        self.task = task
        self.done = False


class VirtualTime:
    """The clock and the loop of one world; whoever made it runs it.

    Args:
        late_s: how much later than asked each timed wait for an event ends.
    """

    def __init__(self, late_s: float = 0.0) -> None:
        self.now_s = 1000.0  # not zero: python-engineio takes a last_ping of zero for none
        self.late_s = late_s
        self._due: list[tuple[float, int, Callable[[], Any]]] = []
        self._ties = count()
        self._loop = getcurrent()
        self._tasks: set[greenlet] = set()

    def time(self) -> float:
        """Does duty as ``time.time``."""
        return self.now_s

    def at(self, moment_s: float, callback: Callable[[], Any]) -> None:
        """Have something done at a moment; a callback that waits must be a task's."""
        heapq.heappush(self._due, (max(moment_s, self.now_s), next(self._ties), callback))

    def after(self, delay_s: float, callback: Callable[[], Any]) -> None:
        self.at(self.now_s + delay_s, callback)

    def spawn(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Task:
        """Start a task now, after whatever else is due now."""
        return Task(self, target, args, kwargs).start()

    def run_until(self, moment_s: float) -> None:
        """Let happen what is due by then. An exception in a task comes out here."""
        while self._due and self._due[0][0] <= moment_s:
            self.now_s, _, callback = heapq.heappop(self._due)
            callback()
        self.now_s = moment_s

    def close(self) -> None:
        """End every task where it waits."""
        self._due.clear()
        while self._tasks:
            self._tasks.pop().throw(_Over)

    def sleep(self, seconds: float = 0) -> None:
        self.block(deque(), seconds)

    def block(self, waiters: deque[_Waiter], timeout_s: float | None = None) -> bool:
        """Wait to be woken; False if that did not come in time."""
        waiter = _Waiter(getcurrent())
        assert waiter.task is not self._loop, "only a task can wait"
        waiters.append(waiter)

        def give_up() -> None:
            if not waiter.done:
                waiter.done = True
                waiters.remove(waiter)
                waiter.task.switch(False)

        if timeout_s is not None:
            self.after(timeout_s, give_up)
        return bool(self._loop.switch())

    def wake(self, waiters: deque[_Waiter]) -> None:
        """Wake one who waits, if there is one."""
        if waiters:
            waiter = waiters.popleft()
            waiter.done = True
            self.after(0, lambda: waiter.task.switch(True))


class Task:
    """A thread, as the library's drivers have it.

    Args:
        time: in which it runs.
        target, args, kwargs: as of ``threading.Thread``.
    """

    def __init__(
        self,
        time: VirtualTime,
        target: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.name = "task"
        self.alive = True
        self._time = time
        self._call = lambda: target(*args, **(kwargs or {}))
        self._joining: deque[_Waiter] = deque()

    def start(self) -> Task:
        task = greenlet(self._run, parent=self._time._loop)
        self._time._tasks.add(task)
        self._time.after(0, task.switch)
        return self

    def join(self) -> None:
        while self.alive:
            self._time.block(self._joining)

    def _run(self) -> None:
        try:
            self._call()
        except _Over:
            return
        self.alive = False
        self._time._tasks.discard(getcurrent())
        while self._joining:
            self._time.wake(self._joining)


class Event:
    """``threading.Event``, as far as it is used."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._set = False
        self._waiters: deque[_Waiter] = deque()

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        while self._waiters:
            self._time.wake(self._waiters)

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            late_s = self._time.late_s
            self._time.block(self._waiters, None if timeout is None else timeout + late_s)
        return self._set


class Queue:
    """``queue.Queue``, as far as it is used."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._items: deque[Any] = deque()
        self._waiters: deque[_Waiter] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)
        self._time.wake(self._waiters)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        end_s = None if timeout is None else self._time.now_s + timeout
        while not self._items:
            left_s = None if end_s is None else end_s - self._time.now_s
            if not block or not self._time.block(self._waiters, left_s):
                raise Empty
        return self._items.popleft()

    def task_done(self) -> None:
        pass


class ServerSocket:
    """The server's end of a connection whose other end is in the test.

    Args:
        time: in which reads wait.
        on_send: given what the server sends.
    """

    def __init__(self, time: VirtualTime, on_send: Callable[[bytes], None]) -> None:
        self._time = time
        self._on_send = on_send
        self._timeout_s: float | None = None
        self._incoming = b""
        self._end: OSError | bool | None = False  # False: none yet; None: FIN
        self._closed = False
        self._waiters: deque[_Waiter] = deque()

    # --- the test's side

    def arrive(self, data: bytes) -> None:
        self._incoming += data
        self._time.wake(self._waiters)

    def finish(self) -> None:
        self._end = None
        self._time.wake(self._waiters)

    def reset(self) -> None:
        self._end = ConnectionResetError(errno.ECONNRESET, "reset by peer")
        self._time.wake(self._waiters)

    # --- the library's side

    def settimeout(self, seconds: float | None) -> None:
        self._timeout_s = seconds

    def dup(self) -> ServerSocket:
        return self

    def recv(self, longest: int) -> bytes:
        while not self._incoming:
            if self._closed:
                raise OSError(errno.EBADF, "closed while it was read")
            if isinstance(self._end, OSError):
                raise self._end
            if self._end is None:
                return b""
            if not self._time.block(self._waiters, self._timeout_s):
                raise TimeoutError("timed out")
        data, self._incoming = self._incoming[:longest], self._incoming[longest:]
        return data

    def send(self, data: bytes) -> int:
        if self._closed or self._end is not False:
            raise BrokenPipeError(errno.EPIPE, "broken pipe")
        self._on_send(data)
        return len(data)

    sendall = send

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        self._closed = True
        self._time.wake(self._waiters)


def pieces(time: VirtualTime, mode: str) -> dict[str, Any]:
    """What ``engineio.server.Server`` has for ``_async`` in a mode, in virtual time."""

    def thread(target: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Task:
        return Task(time, target, tuple(args), kwargs)

    def event() -> Event:
        return Event(time)

    if mode == "eventlet":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of its own retirement
            from engineio.async_drivers.eventlet import WebSocketWSGI as websocket
    else:
        from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI

        def websocket(handler: Any, server: Any) -> Any:
            return SimpleWebSocketWSGI(handler, server, thread_class=thread, event_class=event)

    return {
        "thread": thread,
        "queue": lambda: Queue(time),
        "queue_empty": Empty,
        "event": event,
        "websocket": websocket,
        "sleep": time.sleep,
    }
