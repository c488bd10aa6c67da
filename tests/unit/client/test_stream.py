"""One connection on gevent's loop, over a socket pair of this process."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from loadtests.client.stream import Stream
from tests.support.waiting import until


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_handler_that_breaks_ends_the_connection_with_its_error(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[type[BaseException]] = []
    hub: Any = gevent.get_hub()
    monkeypatch.setattr(hub, "print_exception", lambda _context, kind, *_: printed.append(kind))
    ended: list[str] = []

    def breaks(*_: object) -> None:
        raise KeyError("mine")

    stream = Stream([(socket.AF_INET, listener.getsockname())], breaks, ended.append)
    peer, _ = listener.accept()
    with peer:
        until(lambda: not stream._connecting)
        peer.sendall(b"x")
        until(lambda: ended)
    assert ended == ["its handler broke: KeyError: 'mine'"]
    assert stream.closed
    until(lambda: printed)
    assert printed == [KeyError]


@pytest.mark.parametrize(
    ("leave", "seen"), [(Stream.close, b""), (Stream.reset, ConnectionResetError)]
)
def test_peer_sees_an_end_as_of_a_close_and_an_error_as_of_a_reset(
    listener: socket.socket, leave: Callable[[Stream], None], seen: object
) -> None:
    ended: list[str] = []
    stream = Stream([(socket.AF_INET, listener.getsockname())], lambda *_: None, ended.append)
    peer, _ = listener.accept()
    with peer:
        until(lambda: not stream._connecting)
        leave(stream)
        leave(stream)
        found: object
        try:
            found = peer.recv(1)
        except OSError as error:
            found = type(error)
    assert (found, stream.closed, ended) == (seen, True, [])


def test_frozen_connection_can_still_be_reset(listener: socket.socket) -> None:
    stream = Stream([(socket.AF_INET, listener.getsockname())], lambda *_: None, lambda _: None)
    peer, _ = listener.accept()
    with peer:
        until(lambda: not stream._connecting)
        stream.freeze()
        stream.reset()
        with pytest.raises(ConnectionResetError):
            peer.recv(1)


def test_no_descriptor_left_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(_socket, "socket", none_left)
    ended: list[str] = []
    stream = Stream([(socket.AF_INET, ("127.0.0.1", 1))], lambda *_: None, ended.append)
    stream.send(b"x")
    until(lambda: ended)
    assert ended == ["cannot connect to 127.0.0.1:1: Too many open files"]
