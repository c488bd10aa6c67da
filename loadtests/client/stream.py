"""One TCP connection on gevent's loop: callbacks instead of a greenlet that waits.

A watcher of the loop whose callback reads costs about half of what a greenlet blocked in ``recv``
costs for each message, since nothing switches.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

import gevent

from loadtests.client.arrivals import receive, stamp
from loadtests.client.errors import broken_handler

_READ, _WRITE = 1, 2

#: struct linger of socket(7): on, and no time at all. Closing sends RST then, and no FIN.
NO_LINGERING = struct.pack("ii", 1, 0)

#: struct tcp_info of linux/tcp.h: where tcpi_bytes_received and tcpi_bytes_sent stand, and where
#: the latter ends. What is resent counts in the latter; over loopback nothing is.
_U64 = struct.Struct("@Q")
_BYTES_RECEIVED_AT, _BYTES_SENT_AT, _INFO_BYTES = 128, 200, 208

#: (family, address), as ``socket.getaddrinfo`` gives them.
Address = tuple[int, Any]

#: How long an address that does not answer keeps the next one waiting: a broken way over IPv6
#: swallows what is sent. Living hosts answer in less, or their kernel was asked again by then
#: (RFC 6298, section 2.1). Browsers begin with the next after 0.25 s and keep both (RFC 8305).
NEXT_AFTER_S = 1.0

#: Called with the bytes, when the kernel had them and when they were read.
OnData = Callable[[bytes, int, int], None]

#: Called once when the connection ends or breaks, with why.
OnEnd = Callable[[str], None]


def shown_address(peer: Any) -> str:
    """An address as people write it: ``127.0.0.1:5000``, ``[::1]:5000``."""
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Stream:
    """A non-blocking connection that is being made or is there.

    The addresses of a name are tried one after the other, each once; one that does not answer keeps
    the next waiting for a second. ``on_end`` is called for an
    end that the peer or the network brought about, never for ``close``.

    Attributes:
        on_data: who is given what arrives; may change on the way.
        closed: whether it has ended, however.
    """

    __slots__ = (
        "_addresses",
        "_connecting",
        "_frozen",
        "_impatience",
        "_on_end",
        "_peer",
        "_reader",
        "_refusals",
        "_socket",
        "_unsent",
        "_writer",
        "closed",
        "on_data",
    )

    def __init__(self, addresses: Sequence[Address], on_data: OnData, on_end: OnEnd) -> None:
        self.on_data = on_data
        self._on_end = on_end
        self._unsent: bytes | memoryview = b""
        self._writer: Any = None
        self.closed = False
        self._connecting = True
        self._frozen = False
        self._peer: Any = None
        self._addresses = tuple(addresses)  # that were not tried yet
        self._impatience: Any = None
        self._refusals: tuple[str, ...] = ()
        self._try_next()

    def _try_next(self) -> None:
        """Begin to connect to the next address."""
        loop = gevent.get_hub().loop
        while self._addresses:
            family, peer = self._addresses[0]
            self._addresses = self._addresses[1:]
            self._peer = peer
            try:
                self._socket = _socket.socket(family, _socket.SOCK_STREAM)
            except OSError as error:  # no descriptors left, or no such family on this machine
                self._refusals += (f"{shown_address(peer)}: {error.strerror}",)
                continue
            self._socket.setblocking(False)
            self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            stamp(self._socket)
            refused = self._socket.connect_ex(peer)
            if refused in (0, errno.EINPROGRESS):
                self._reader: Any = loop.io(self._socket.fileno(), _READ)
                self._wait_until_writable()
                if self._addresses:
                    self._impatience = loop.timer(NEXT_AFTER_S)
                    self._impatience.start(self._pass_over)
                return
            self._refusals += (f"{shown_address(peer)}: {os.strerror(refused)}",)
            self._socket.close()
        self.closed = True
        loop.run_callback(self._on_end, f"cannot connect to {'; '.join(self._refusals)}")

    def _pass_over(self) -> None:
        self._refusals += (f"{shown_address(self._peer)}: no answer for {NEXT_AFTER_S:g} s",)
        self._let_go()
        self._try_next()

    @property
    def connecting(self) -> str:
        """The address that has not answered yet; empty where that is not what is waited for."""
        return shown_address(self._peer) if self._connecting and not self.closed else ""

    def send(self, data: bytes | memoryview) -> None:
        """Send now, or as soon as the connection takes more."""
        if self.closed or self._frozen:
            return
        if self._connecting or self._unsent:
            self._unsent = bytes(self._unsent) + data
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._end(f"connection broken: {error.strerror}")
            return
        if sent < len(data):
            # A view, since a long message goes out in many pieces: copies of its rest would add up.
            self._unsent = memoryview(data)[sent:]
            self._wait_until_writable()

    def carried(self) -> tuple[int, int] | None:
        """Bytes sent and received so far, by TCP's own count; None where the system has none."""
        if sys.platform != "linux" or self.closed:
            return None
        counts = self._socket.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, _INFO_BYTES)
        if len(counts) < _INFO_BYTES:  # a kernel before 5.5
            return None
        (received,) = _U64.unpack_from(counts, _BYTES_RECEIVED_AT)
        (sent,) = _U64.unpack_from(counts, _BYTES_SENT_AT)
        return sent, received

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
        self._let_go()

    def _let_go(self) -> None:
        self._be_patient()
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

    def _be_patient(self) -> None:
        if self._impatience is not None:
            self._impatience.stop()
            self._impatience.close()
            self._impatience = None

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
                self._refusals += (f"{shown_address(self._peer)}: {os.strerror(refused)}",)
                self._let_go()
                self._try_next()
                return
            self._connecting = False
            self._addresses, self._refusals = (), ()
            self._be_patient()
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
