"""Work that one client orders, so that it can be measured what it does to everybody else.

It is what real applications do: handlers that compute, wait, wait in a way that the mode cannot
see, and send a great deal; and emits that nobody asked for, from tasks and from threads.
"""

from __future__ import annotations

import importlib
import math
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from flask_socketio import SocketIO, emit

#: What a client may ask for at the most.
LONGEST_S = 60.0
MOST_MESSAGES = 100_000
SLOWEST_HZ, FASTEST_HZ = 0.1, 10_000.0

#: Where the functions of the standard library are that a mode has replaced.
_ORIGINALS = {"gevent": "gevent.monkey", "eventlet": "eventlet.patcher"}


def add(socketio: SocketIO, namespace: str) -> None:
    """Have a namespace take orders: ``{"work": "block", "amount": 0.1}``; the answer is done."""
    kinds: dict[str, Callable[[float], None]] = {
        "compute": _compute,
        "sleep": socketio.sleep,
        "block": _block,
        "emit": _emit,
    }

    @socketio.on("my work", namespace=namespace)
    def work(message: dict[str, Any]) -> dict[str, str]:
        # The acknowledgement says that it is over.
        kind = message["work"]
        kinds[kind](_number(message["amount"], MOST_MESSAGES if kind == "emit" else LONGEST_S))
        return {"done": kind}

    @socketio.on("my emits", namespace=namespace)
    def emits(message: dict[str, Any]) -> dict[str, str]:
        rate_hz = max(_number(message["rate_hz"], FASTEST_HZ), SLOWEST_HZ)
        number = int(_number(message["messages"], MOST_MESSAGES))
        by = message["by"]

        def run() -> None:
            _emit_on_schedule(socketio, namespace, rate_hz, number, native=by == "native")

        starts: dict[str, Callable[[Callable[[], None]], Any]] = {
            "task": socketio.start_background_task,
            "thread": lambda target: threading.Thread(target=target, daemon=True).start(),
            "native": lambda target: _start_native(socketio.async_mode, target),
        }
        starts[by](run)
        return {"begun": by}


def _number(given: Any, most: float) -> float:
    """A number that a client has given, from 0 to what it may ask for at the most.

    Raises:
        TypeError: it is none.
    """
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise TypeError("not a number")
    return min(max(float(given), 0.0), most)


def _start_native(async_mode: str, target: Callable[[], None]) -> None:
    """Start a thread of the operating system, as a library does that nothing has patched."""
    if async_mode not in _ORIGINALS:
        threading.Thread(target=target, daemon=True).start()
        return
    module = importlib.import_module(_ORIGINALS[async_mode])
    if async_mode == "gevent":
        start = module.get_original("_thread", "start_new_thread")
    else:
        start = module.original("_thread").start_new_thread
    start(target, ())


def _emit_on_schedule(
    socketio: SocketIO, namespace: str, rate_hz: float, messages: int, *, native: bool
) -> None:
    """Emit to everybody, each with when it was due and when it was emitted, monotonic."""
    begin_ns = time.monotonic_ns() + round(1e9 / rate_hz)
    for number in range(messages):
        due_ns = begin_ns + round(number * 1e9 / rate_hz)
        left_s = (due_ns - time.monotonic_ns()) / 1e9
        if left_s > 0:
            _block(left_s) if native else socketio.sleep(left_s)
        now_ns = time.monotonic_ns()
        data = f"{number}:{due_ns}:{now_ns}"
        socketio.emit("my emitted", {"data": data}, namespace=namespace)


def _compute(seconds: float) -> None:
    """Use so much CPU time."""
    end_ns = time.thread_time_ns() + round(seconds * 1e9)
    while time.thread_time_ns() < end_ns:
        pass


def _block(seconds: float) -> None:
    """Wait as a C library does, or a driver that nothing has patched."""
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait((), seconds)  # time.sleep is the loop's own, under gevent and eventlet
        return
    end_ns = time.monotonic_ns() + round(seconds * 1e9)  # macOS has none
    while time.monotonic_ns() < end_ns:
        pass


def _emit(messages: float) -> None:
    """Send so many messages to whoever asked."""
    for number in range(int(messages)):
        emit("my response", {"data": f"work {number}"})
