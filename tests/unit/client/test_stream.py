"""One connection on gevent's loop, over a socket pair of this process."""

from __future__ import annotations

import _socket
import errno
import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from loadtests.client import stream as stream_module
from loadtests.client.stream import Address, Stream, shown_address
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


# --- the addresses of a name


@pytest.fixture
def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        port: int = once.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("peer", "expected"),
    [(("127.0.0.1", 80), "127.0.0.1:80"), (("::1", 80, 0, 0), "[::1]:80")],
)
def test_address_is_told_as_people_write_it(peer: Any, expected: str) -> None:
    assert shown_address(peer) == expected


def test_next_address_is_tried_where_one_refuses(listener: socket.socket, closed_port: int) -> None:
    heard: list[bytes] = []
    ended: list[str] = []
    # As where a name has an address of IPv6, and its server listens on IPv4 only.
    addresses: list[Address] = [
        (socket.AF_INET, ("127.0.0.1", closed_port)),
        (socket.AF_INET, ("127.0.0.2", closed_port)),
        (socket.AF_INET, listener.getsockname()),
    ]
    stream = Stream(addresses, lambda data, *_: heard.append(data), ended.append)
    stream.send(b"said before ")
    stream.send(b"it was there")
    until(lambda: not stream._connecting)
    peer, _ = listener.accept()
    with peer:
        assert peer.recv(100) == b"said before it was there"
        peer.sendall(b"heard")
        until(lambda: heard)
        stream.close()
    assert (heard, ended) == ([b"heard"], [])


def test_where_all_refuse_each_is_told_once_with_its_reason(closed_port: int) -> None:
    ended: list[str] = []
    addresses = [(socket.AF_INET, (host, closed_port)) for host in ("127.0.0.1", "127.0.0.2")]
    stream = Stream(addresses, lambda *_: None, ended.append)
    until(lambda: ended)
    assert ended == [
        f"cannot connect to 127.0.0.1:{closed_port}: Connection refused; "
        f"127.0.0.2:{closed_port}: Connection refused"
    ]
    assert stream.closed
    for leave in (Stream.close, Stream.reset, Stream.freeze):
        leave(stream)
    stream.send(b"to nobody")


def test_address_of_a_family_that_this_machine_lacks_is_passed_over(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = _socket.socket

    def lacking(family: int, kind: int) -> Any:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return usual(family, kind)

    monkeypatch.setattr(_socket, "socket", lacking)
    six: Address = (socket.AF_INET6, ("::1", 1, 0, 0))
    stream = Stream([six, (socket.AF_INET, listener.getsockname())], lambda *_: None, pytest.fail)
    until(lambda: not stream._connecting)
    stream.close()
    ended: list[str] = []
    Stream([six], lambda *_: None, ended.append)
    until(lambda: ended)
    assert ended == ["cannot connect to [::1]:1: Address family not supported by protocol"]


def test_address_that_cannot_be_reached_at_once_is_passed_over(listener: socket.socket) -> None:
    # A stream to everybody is refused by connect itself (EACCES or ENETUNREACH), not later.
    everybody: Address = (socket.AF_INET, ("255.255.255.255", 1))
    here: Address = (socket.AF_INET, listener.getsockname())
    stream = Stream([everybody, here], lambda *_: None, pytest.fail)
    until(lambda: not stream._connecting)
    stream.close()
    ended: list[str] = []
    Stream([everybody], lambda *_: None, ended.append)
    until(lambda: ended)
    assert ended[0].startswith("cannot connect to 255.255.255.255:1: ")


@pytest.fixture
def silent() -> Iterator[Address]:
    """An address whose kernel lets no more in: what is sent there is not answered."""
    with socket.create_server(("127.0.0.2", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield socket.AF_INET, full.getsockname()
        for each in waiting:
            each.close()


def test_address_that_does_not_answer_does_not_keep_the_next_one_waiting_for_long(
    silent: Address, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "NEXT_AFTER_S", 0.05)
    here: Address = (socket.AF_INET, listener.getsockname())
    stream = Stream([silent, here], lambda *_: None, pytest.fail)
    assert stream.connecting == shown_address(silent[1])
    until(lambda: not stream._connecting)
    assert (stream.connecting, stream._impatience) == ("", None)
    stream.close()


def test_last_address_is_waited_for_and_named(
    silent: Address, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "NEXT_AFTER_S", 0.01)
    ended: list[str] = []
    stream = Stream([silent], lambda *_: None, ended.append)
    gevent.sleep(0.05)
    assert (ended, stream.connecting) == ([], shown_address(silent[1]))
    stream.close()
    assert stream.connecting == ""
    closed: Address = (socket.AF_INET, ("127.0.0.1", closed_port))
    Stream([silent, closed], lambda *_: None, ended.append)
    until(lambda: ended)
    assert f"{shown_address(silent[1])}: no answer for 0.01 s; 127.0.0.1:" in ended[0]


def test_stream_that_is_closed_while_it_tries_tries_no_further(
    listener: socket.socket, closed_port: int
) -> None:
    ended: list[str] = []
    addresses: list[Address] = [
        (socket.AF_INET, ("127.0.0.1", closed_port)),
        (socket.AF_INET, listener.getsockname()),
    ]
    Stream(addresses, lambda *_: None, ended.append).close()
    gevent.sleep(0.01)
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert ended == []


def test_connection_that_was_there_and_broke_is_not_made_anew_elsewhere(
    listener: socket.socket,
) -> None:
    ended: list[str] = []
    here: Address = (socket.AF_INET, listener.getsockname())
    Stream([here, here], lambda *_: None, ended.append)
    peer, _ = listener.accept()
    peer.close()
    until(lambda: ended)
    assert ended == ["connection closed by the server"]
