"""TLS on top of a Stream: ciphertext from the socket through OpenSSL's memory, plaintext out.

The socket stays our own, so the kernel's arrival times stay too: those of the segment that
completed a record.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from loadtests.client.stream import Address, OnData, OnEnd, Stream

_READ_BYTES = 65536
#: How a record begins that may come during a handshake: a change of ciphers, an alert, a handshake,
#: data (RFC 8446, section 5.1).
_RECORDS = frozenset({0x14, 0x15, 0x16, 0x17})


class TlsStream:
    """As Stream, encrypted.

    Args:
        addresses: of the server.
        context: whom to trust.
        name: that the server's certificate must bear.
        on_data, on_end: see Stream.
    """

    __slots__ = (
        "_first",
        "_incoming",
        "_on_end",
        "_outgoing",
        "_over",
        "_ready",
        "_stream",
        "_tls",
        "_unsent",
        "on_data",
    )

    def __init__(
        self,
        addresses: Sequence[Address],
        context: ssl.SSLContext,
        name: str,
        on_data: OnData,
        on_end: OnEnd,
    ) -> None:
        self.on_data = on_data
        self._on_end = on_end
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._first = True
        self._ready = False
        self._unsent = b""
        self._over = False
        self._stream = Stream(addresses, self._received, self._end)
        self._shake_hands()

    @property
    def closed(self) -> bool:
        """See Stream."""
        return self._stream.closed

    def send(self, data: bytes) -> None:
        """Encrypt and send, or keep it until the handshake is done."""
        if self.closed:
            return
        if not self._ready:
            self._unsent += data
            return
        self._tls.write(data)
        self._stream.send(self._outgoing.read())

    @property
    def connecting(self) -> str:
        """See Stream."""
        return self._stream.connecting

    def carried(self) -> tuple[int, int] | None:
        """See Stream; as TLS has them, with its own heads."""
        return self._stream.carried()

    def freeze(self) -> None:
        """See Stream."""
        self._stream.freeze()

    def close(self) -> None:
        """See Stream."""
        self._stream.close()

    def reset(self) -> None:
        """See Stream."""
        self._stream.reset()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
            self._ready = True
        except ssl.SSLWantReadError:
            pass
        if self._outgoing.pending:
            self._stream.send(self._outgoing.read())
        if self._ready and self._unsent:
            unsent, self._unsent = self._unsent, b""
            self.send(unsent)

    def _received(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        if self._first and data[0] not in _RECORDS:  # OpenSSL has other words each version
            self._fail("TLS: the server answers without: http:// or ws://?")
            return
        self._first = False
        self._incoming.write(data)
        try:
            if not self._ready:
                self._shake_hands()
            # What is read may close the connection.
            while self._ready and not self._stream.closed:
                plain = self._tls.read(_READ_BYTES)
                if not plain:  # from memory, OpenSSL reads the server's close_notify as nothing
                    self._fail("connection closed by the server")
                    return
                self.on_data(plain, kernel_ns, user_ns)
        except ssl.SSLWantReadError:
            if self._outgoing.pending:  # OpenSSL answers by itself, e.g. a key update
                self._stream.send(self._outgoing.read())
        except ssl.SSLError as error:
            self._fail(f"TLS: {getattr(error, 'verify_message', '') or error.reason or error}")

    def _fail(self, reason: str) -> None:
        self._end(reason)
        if self._outgoing.pending:  # the alert that says why, for the server's log
            self._stream.send(self._outgoing.read())
        self._stream.close()

    def _end(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._on_end(reason)
