"""Both ends of a TLS connection in memory: OpenSSL's server, and our stream over a connection."""

from __future__ import annotations

import ssl
from contextlib import suppress

from loadtests.client.stream import Address
from loadtests.client.tls import TlsStream
from tests.unit.client.streams import FakeStream

ADDRESS: Address = (2, ("127.0.0.1", 443))


class TlsServer:
    """OpenSSL's server side between two memories: what it heard, and why it gave up, if it did."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.heard = b""
        self.complaint = ""

    def take(self, data: bytes) -> None:
        self._incoming.write(data)
        try:
            self.tls.do_handshake()
            while True:
                self.heard += self.tls.read(65536)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.complaint = str(error)

    def give(self) -> bytes:
        return self._outgoing.read()

    def wire(self, *plain: bytes) -> bytes:
        """The records of these, each by itself."""
        for data in plain:
            self.tls.write(data)
        return self.give()

    def goodbye(self) -> bytes:
        """The close_notify alert."""
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.give()


class Client:
    """A TlsStream, what it was given and why it ended, and the connection below it."""

    def __init__(self, context: ssl.SSLContext, name: str = "example") -> None:
        self.heard: list[bytes] = []
        self.stamps: set[tuple[int, int]] = set()
        self.ended: list[str] = []
        self.stream = TlsStream([ADDRESS], context, name, self.hear, self.ended.append)
        self.below = FakeStream.made[-1]

    def hear(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        assert data, "no more than a socket may it hand over nothing"
        assert len(self.heard) < 10_000, "it does not end"
        self.heard.append(data)
        self.stamps.add((kernel_ns, user_ns))

    def talk(self, server: TlsServer, step: int = 1 << 30) -> None:
        """Carry bytes both ways, so many at a time, until both are silent."""
        while True:
            to_server, to_client = b"".join(self.below.sent), server.give()
            if not to_server and not to_client:
                return
            self.below.sent.clear()
            for at in range(0, len(to_server), step):
                server.take(to_server[at : at + step])
            for at in range(0, len(to_client), step):
                if not self.below.closed:
                    self.below.say(to_client[at : at + step])
