"""What our client says in its requests, held against what a real Chromium says in its own."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from loadtests.client import heads
from loadtests.client.link import Server, locate
from tests.support.waiting import until

#: As engine.io-client (6.6) asks in a browser, one after the other, and then for a WebSocket.
PAGE = b"""<!doctype html><title>heads</title><script>
const at = "/socket.io/?EIO=4&transport=";
function ask(method, target, body) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, target, true);
    if (method === "POST") request.setRequestHeader("Content-type", "text/plain;charset=UTF-8");
    request.setRequestHeader("Accept", "*/*");
    request.onload = resolve;
    request.send(body);
  });
}
ask("GET", at + "polling&t=00000001", null)
  .then(() => ask("GET", at + "polling&t=00000002&sid=s", null))
  .then(() => ask("POST", at + "polling&t=00000003&sid=s", "40/test,"))
  .then(() => new WebSocket("ws://" + location.host + at + "websocket"));
</script>"""
COOKIE = b"io=abc"


class Listener:
    """Answers whatever it is asked, and keeps the heads for Engine.IO."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self.listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        data = b""
        with connection, suppress(OSError):
            while True:
                while b"\r\n\r\n" not in data:
                    more = connection.recv(65536)
                    if not more:
                        return
                    data += more
                head, _, data = data.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                while length and len(data) < int(length[1]):
                    data += connection.recv(65536)
                data = data[int(length[1]) :] if length else data
                body = PAGE if head.startswith(b"GET / ") else b"ok"
                if b"EIO=4" in head:
                    self.heads.append(head)
                cookie = b"Set-Cookie: %s; Path=/\r\n" % COOKIE if b"00000001" in head else b""
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%sContent-Length: %d\r\n\r\n%s"
                    % (cookie, len(body), body)
                )


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    try:
        yield listener
    finally:
        listener.listening.close()


def plain(head: bytes) -> list[str]:
    """A head's lines, without what is another's each time: versions, keys, stamps."""
    text = head.decode().removesuffix("\r\n\r\n")
    text = re.sub(r"HeadlessChrome|Chromium", "Chrome", text)
    text = re.sub(r"Chrome/[\d.]+", "Chrome/V", text)
    text = re.sub(r"sec-ch-ua: .*", "sec-ch-ua: B", text)
    text = re.sub(r"Sec-WebSocket-Key: .*", "Sec-WebSocket-Key: K", text)
    text = re.sub(r"&t=[0-9a-f]{8}\b", "&t=T", text)
    return text.split("\r\n")


@pytest.fixture(scope="module")
def seen(chromium: Any) -> tuple[Server, list[bytes]]:
    """Where the browser was, and what it said: first GET, another, POST, WebSocket."""
    with listening() as listener:
        page = chromium.new_page()
        page.goto(listener.url)
        until(lambda: len(listener.heads) >= 4, "four requests")
        page.close()
    return locate(listener.url), listener.heads


def test_first_get_is_a_browsers(seen: tuple[Server, list[bytes]]) -> None:
    server, (first, *_) = seen
    assert plain(first) == plain(heads.polling(server, "", b"").get())


def test_later_get_has_the_cookie_where_a_browser_has_it(seen: tuple[Server, list[bytes]]) -> None:
    server, (_, later, *_) = seen
    assert plain(later) == plain(heads.polling(server, "s", COOKIE).get())


def test_post_is_a_browsers(seen: tuple[Server, list[bytes]]) -> None:
    server, (_, _, post, _) = seen
    own = heads.polling(server, "s", COOKIE).post(b"40/test,").removesuffix(b"40/test,")
    assert plain(post) == plain(own)


def test_websocket_handshake_is_a_browsers_with_its_offer(
    seen: tuple[Server, list[bytes]],
) -> None:
    server, (*_, handshake) = seen
    own = heads.handshake(server, "EIO=4&transport=websocket", b"K", COOKIE)
    assert plain(handshake) == plain(own)


def test_sizes_differ_by_the_name_of_a_headless_browser_alone(
    seen: tuple[Server, list[bytes]],
) -> None:
    server, (_, later, *_) = seen
    own = heads.polling(server, "s", COOKIE).get().removesuffix(b"\r\n\r\n")
    versions = 4 * len("Headless")  # and how many digits a version has
    assert abs(len(later) - len(own)) <= versions
