"""One TCP connection on gevent's loop: callbacks instead of a greenlet that waits.

A watcher of the loop whose callback reads costs about half of what a greenlet blocked in ``recv``
costs for each message, since nothing switches.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct
from collections.abc import Callable
from typing import Any

import gevent

from loadtests.client.arrivals import receive, stamp
from loadtests.client.errors import broken_handler

_READ, _WRITE = 1, 2

#: struct linger of socket(7): on, and no time at all. Closing sends RST then, and no FIN.
NO_LINGERING = struct.pack("ii", 1, 0)

#: (family, address), as ``socket.getaddrinfo`` gives them.
Address = tuple[int, Any]

#: Called with the bytes, when the kernel had them and when they were read.
OnData = Callable[[bytes, int, int], None]

#: Called once when the connection ends or breaks, with why.
OnEnd = Callable[[str], None]


class Stream:
    """A non-blocking connection that is being made or is there.

    ``on_end`` is called for an end that the peer or the network brought about, never for ``close``.

    Attributes:
        on_data: who is given what arrives; may change on the way.
        closed: whether it has ended, however.
    """

    __slots__ = (
        "_connecting",
        "_frozen",
        "_on_end",
        "_reader",
        "_socket",
        "_unsent",
        "_writer",
        "closed",
        "on_data",
    )

    def __init__(self, address: Address, on_data: OnData, on_end: OnEnd) -> None:
        family, peer = address
        self.on_data = on_data
        self._on_end = on_end
        self._unsent = b""
        self._writer: Any = None
        self.closed = False
        self._connecting = True
        self._frozen = False
        loop = gevent.get_hub().loop
        try:
            self._socket = _socket.socket(family, _socket.SOCK_STREAM)
        except OSError as error:  # no descriptors left
            self.closed = True
            loop.run_callback(on_end, f"cannot connect: {error.strerror}")
            return
        self._socket.setblocking(False)
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        stamp(self._socket)
        self._reader: Any = loop.io(self._socket.fileno(), _READ)
        refused = self._socket.connect_ex(peer)
        if refused not in (0, errno.EINPROGRESS):
            loop.run_callback(self._end, f"cannot connect: {os.strerror(refused)}")
            return
        self._wait_until_writable()

    def send(self, data: bytes) -> None:
        """Send now, or as soon as the connection takes more."""
        if self.closed or self._frozen:
            return
        if self._connecting or self._unsent:
            self._unsent += data
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._end(f"connection broken: {error.strerror}")
            return
        if sent < len(data):
            self._unsent = data[sent:]
            self._wait_until_writable()

    def freeze(self) -> None:
        """Neither read nor write again; the connection stays up, as of a stopped process."""
        if not self.closed:
            self._reader.stop()
            self._drop_writer()
            self._frozen = True

    def close(self) -> None:
        """Close without a word, as the kernel does for a process that was killed."""
        if self.closed:
            return
        self.closed = True
        self._drop_writer()
        self._reader.stop()
        self._reader.close()
        self._socket.close()

    def reset(self) -> None:
        """Close with RST instead of FIN, as of a peer that crashed or a box on the way."""
        if not self.closed:
            self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, NO_LINGERING)
            self.close()

    # A watcher for each direction would double what a watcher costs in memory, and a connection
    # waits to write about once in its life.

    def _wait_until_writable(self) -> None:
        self._writer = gevent.get_hub().loop.io(self._socket.fileno(), _WRITE)
        self._writer.start(self._writable)

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.stop()
            self._writer.close()
            self._writer = None

    def _writable(self) -> None:
        if self._connecting:
            refused = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
            if refused:
                self._end(f"cannot connect: {os.strerror(refused)}")
                return
            self._connecting = False
            self._reader.start(self._readable)
        self._drop_writer()
        unsent, self._unsent = self._unsent, b""
        if unsent:
            self.send(unsent)

    def _readable(self) -> None:
        try:
            data, kernel_ns, user_ns = receive(self._socket)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(f"connection broken: {error.strerror}")
            return
        if not data:
            self._end("connection closed by the server")
            return
        try:
            self.on_data(data, kernel_ns, user_ns)
        except Exception as error:
            # The loop would print it and never call again: a session that is deaf without a word.
            self._end(broken_handler(error))
            raise

    def _end(self, reason: str) -> None:
        if not self.closed:
            self.close()
            self._on_end(reason)
