"""One HTTP request after another over a connection that is kept as browsers keep theirs."""

from __future__ import annotations

import time
from collections.abc import Callable

from loadtests.client import http
from loadtests.client.errors import ProtocolError, broken_handler
from loadtests.client.link import Server
from loadtests.client.stream import OnEnd, Stream
from loadtests.client.tls import TlsStream

#: Called with the response, when the kernel had its end and when it was read.
OnResponse = Callable[[http.Response, int, int], None]

_monotonic_ns = time.monotonic_ns


class Channel:
    """A connection that carries one request after another, and is made anew when it must be."""

    __slots__ = ("_decoder", "_on_end", "_on_response", "_request", "_reused", "_server", "_stream")

    def __init__(self, server: Server, on_response: OnResponse, on_end: OnEnd) -> None:
        self._server = server
        self._on_response = on_response
        self._on_end = on_end
        self._stream: Stream | TlsStream | None = None
        self._decoder = http.ResponseDecoder()
        self._request: bytes | None = None
        self._reused = False

    @property
    def busy(self) -> bool:
        """Whether a request waits for its response."""
        return self._request is not None

    @property
    def connecting(self) -> str:
        """See Stream."""
        return "" if self._stream is None else self._stream.connecting

    def request(self, request: bytes) -> None:
        """Send a request; nothing else may be under way."""
        self._request = request
        self._reused = self._stream is not None
        self._send()

    def close(self) -> None:
        """Close without a word."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        if self._stream is not None:
            self._stream.reset()
            self._stream = None

    def freeze(self) -> None:
        """Never read or write again."""
        if self._stream is not None:
            self._stream.freeze()

    def _send(self) -> None:
        assert self._request is not None
        if self._stream is None:
            self._decoder = http.ResponseDecoder()
            self._stream = self._server.connect(self._receive, self._ended)
        self._stream.send(self._request)

    def _receive(self, data: bytes, kernel_ns: int, user_ns: int) -> None:
        if self._request is None:
            # A proxy that gives up a kept connection may say so first (408): browsers drop it too.
            self.close()
            return
        try:
            response = self._decoder.feed(data)
        except ProtocolError as error:
            self.close()
            self._on_end(str(error))
            return
        if response is not None:
            self._answered(response, kernel_ns, user_ns)

    def _answered(self, response: http.Response, kernel_ns: int, user_ns: int) -> None:
        self._request = None
        if not response.keep_alive:
            self.close()
        try:
            self._on_response(response, kernel_ns, user_ns)
        except Exception as error:
            # The stream would end too, but as one that nothing was asked of: without a word.
            self.close()
            self._on_end(broken_handler(error))
            raise

    def _ended(self, reason: str) -> None:
        self._stream = None
        if self._request is None:  # the server gave up an idle connection
            return
        try:
            response = self._decoder.end()
        except ProtocolError as error:
            self._on_end(str(error))
            return
        if response is not None:
            now_ns = _monotonic_ns()  # nobody measures what is answered like this
            self._answered(response, now_ns, now_ns)
            return
        if self._reused and self._decoder.empty:
            # The server closed a kept connection just as it was used again: RFC 9112, section
            # 9.3.1, and browsers, send such a request once more.
            self._reused = False
            self._send()
            return
        self._on_end(reason)
