"""Which of our servers compress what our sessions hear and say, as they would for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import gevent
import pytest

from loadtests.client import codings, http
from loadtests.client.link import Server, locate
from loadtests.client.session import Session
from loadtests.machine.launch import RunningServer
from loadtests.record.words import Transport
from servers.modes import ADAPTERS
from tests.support.modes import MODES
from tests.support.waiting import PATIENCE_S, until

#: gevent-websocket knows no extensions; uWSGI's own WebSocket neither. All others answer with
#: simple-websocket, or eventlet's, which do.
WITHOUT = {"gevent-websocket", "uwsgi-gevent"}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    lack = ADAPTERS[request.param].MODE.missing()
    if lack is not None:
        pytest.skip(lack)
    return str(request.param)


@contextmanager
def echoing(server: Server, transport: Transport) -> Iterator[tuple[Session, list[str]]]:
    """A session that has heard its greeting, and the echoes that it hears."""
    session = Session(server, (transport,), "/test")
    heard: list[str] = []
    session.on("my response", lambda arguments, *_: heard.append(arguments[0]["data"]))
    session.connect(timeout_s=PATIENCE_S)
    try:
        until(lambda: heard == ["Connected"], "the greeting")
        heard.clear()
        yield session, heard
    finally:
        session.kill()


def echo(session: Session, heard: list[str], said: list[str]) -> None:
    """Say one after the other, each when the echo of the one before has come."""
    for number, data in enumerate(said, start=1):
        session.emit("my event", {"data": data})
        with gevent.Timeout(PATIENCE_S, AssertionError(f"no echo within {PATIENCE_S:g} s")):
            while len(heard) < number and session.ended is None:
                gevent.sleep(0.0005)
    assert (session.ended, heard) == (None, said)


SAID = ["x" * 24] * 20 + ["", "é", "y" * 100_000, "x" * 24]


def test_websockets_of_our_servers_compress_unless_their_library_cannot(
    mode: str, serve: Any
) -> None:
    running: AbstractContextManager[RunningServer] = serve(mode)
    with running as server:
        with echoing(locate(server.url), Transport.WEBSOCKET) as (session, heard):
            assert session.compressed == (mode not in WITHOUT)
            echo(session, heard, SAID)
        with echoing(locate(server.url, compression=False), Transport.WEBSOCKET) as (plain, heard):
            assert not plain.compressed
            echo(plain, heard, SAID)


@pytest.mark.parametrize("lean", [False, True])
def test_long_answers_to_polling_are_compressed_from_1024_bytes_on(
    mode: str, serve: Any, lean: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """python-engineio's http_compression and compression_threshold, as they are by default."""
    read: list[tuple[bytes | None, int]] = []
    usual = codings.unpacked

    def noting(body: bytes, coding: bytes | None) -> bytes:
        plain = usual(body, coding)
        read.append((coding, len(plain)))
        return plain

    monkeypatch.setattr(http, "unpacked", noting)
    with (
        serve(mode) as server,
        echoing(locate(server.url, lean=lean), Transport.POLLING) as (session, heard),
    ):
        head = len('42/test,["my response",{"data":""}]')
        echo(session, heard, ["x" * (length - head) for length in (1023, 1024, 1025, 100_000)])
    packed = {(coding, length) for coding, length in read if coding != b"identity"}
    assert packed == {(b"gzip", 1024), (b"gzip", 1025), (b"gzip", 100_000)}
