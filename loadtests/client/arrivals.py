"""Reading a socket together with the moment at which the kernel received the bytes.

Linux stamps each TCP segment as it arrives (``SO_TIMESTAMPNS``, socket(7)). With the stamp, the
time that a message waits inside a busy load generator is not charged to the server. One read can
hold several segments and bears the newest one's stamp.
"""

from __future__ import annotations

import _socket
import struct
import sys
import time

#: asm-generic/socket.h; Python's socket module does not name it.
_SO_TIMESTAMPNS = 35
KERNEL_CLOCK = sys.platform == "linux"

_RECEIVE_BYTES = 65536
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = _socket.CMSG_SPACE(_TIMESPEC.size) if KERNEL_CLOCK else 0

#: Two clocks that were read further apart than this, since the thread lost its core between them,
#: are read again, this often at most.
_TOGETHER_NS = 20_000
_READINGS = 8

_monotonic_ns = time.monotonic_ns
_time_ns = time.time_ns


def clocks_apart_ns() -> int:
    """How far the wall clock is ahead of the monotonic one now, within some 10 microseconds."""
    narrowest_ns, apart_ns = sys.maxsize, 0
    for _ in range(_READINGS):
        before_ns, wall_ns, after_ns = _monotonic_ns(), _time_ns(), _monotonic_ns()
        if after_ns - before_ns < narrowest_ns:
            narrowest_ns, apart_ns = after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2
        if narrowest_ns <= _TOGETHER_NS:
            break
    return apart_ns


def stamp(sock: _socket.socket) -> None:
    """Ask the kernel to stamp what arrives, where it can."""
    if KERNEL_CLOCK:
        sock.setsockopt(_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(sock: _socket.socket) -> tuple[bytes, int, int]:
    """Read what is there.

    Returns:
        The bytes (none at the end of the stream); when the kernel had the newest of them; when
        they were read. Both times are of ``time.monotonic_ns``; they are equal where the kernel
        gave no stamp, or one that is later than the read.

    Raises:
        BlockingIOError: nothing is there.
        OSError: the connection is broken.
    """
    if not KERNEL_CLOCK:
        data = sock.recv(_RECEIVE_BYTES)
        now_ns = _monotonic_ns()
        return data, now_ns, now_ns
    data, ancillary, _flags, _peer = sock.recvmsg(_RECEIVE_BYTES, _ANCILLARY_BYTES)
    now_ns = _monotonic_ns()
    if ancillary:
        # The stamp is of the wall clock. The two are compared anew each time, so a clock that is
        # being slewed or was set between two messages does no harm.
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        apart_ns = _time_ns() - now_ns
        if _monotonic_ns() - now_ns > _TOGETHER_NS:
            apart_ns = clocks_apart_ns()
        kernel_ns = seconds * 1_000_000_000 + nanoseconds - apart_ns
        if kernel_ns < now_ns:
            return data, kernel_ns, now_ns
    return data, now_ns, now_ns
