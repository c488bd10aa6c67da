"""When a server is back: not when its port accepts, but when it answers."""

from __future__ import annotations

import socket
import threading
import time

from loadtests.scenarios.disconnect.outage.servers import _Knocking


def test_server_is_back_when_it_answers_and_not_when_its_port_accepts() -> None:
    loaded = threading.Event()
    answering_ns = 0

    def serve() -> None:
        nonlocal answering_ns
        door, _ = listener.accept()
        with door:
            loaded.wait(10)
            answering_ns = time.monotonic_ns()
            door.sendall(b"HTTP/1.0 404 NOT FOUND\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker = threading.Thread(target=serve)
        worker.start()
        knocking = _Knocking(listener.getsockname())
        knocking._thread.start()
        assert knocking.answered_ns is None
        loaded.set()
        worker.join(10)
        knocking._thread.join(10)
    assert knocking.answered_ns is not None
    assert knocking.answered_ns > answering_ns > 0


def test_listener_that_closes_without_a_word_is_asked_again() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        _Knocking(listener.getsockname()) as knocking,
    ):
        for answer in (b"", b"H"):
            door, _ = listener.accept()
            with door:
                door.sendall(answer)
        knocking._thread.join(10)
    assert knocking.answered_ns is not None
