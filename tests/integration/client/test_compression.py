"""permessage-deflate with other people's servers, under every combination of its parameters."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import gevent
import pytest

from loadtests.client import packets
from loadtests.client.deflate import Parameters
from loadtests.client.link import locate
from loadtests.client.session import Session
from loadtests.client.target import Target
from tests.integration.client.peers import DEFLATING
from tests.integration.client.peers.listening import PATIENCE_S, WEBSOCKET, Peer
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("loop_errors")

TAKEOVERS = ("server_no_context_takeover", "client_no_context_takeover")
#: What a peer can be told of the windows; None leaves them as they are. zlib cannot write with 8.
SERVER_BITS = {"ws": [None, *range(8, 16)], "websockets": [None, *range(9, 16)]}
CLIENT_BITS = [None, *range(8, 16)]

#: Longer than any window, and hardly anything in it comes twice.
NOISE = random.Random(11).randbytes(60_000).hex()
MESSAGES: list[list[Any]] = [
    *[[{"data": "x" * 24, "n": number}] for number in range(8)],
    [""],
    [NOISE[:700]],
    [NOISE[:700]],  # near enough for any window but the smallest
    [NOISE[:40_000]],  # further away than all but the largest
    [NOISE[:700]],
    ["é" * 3_000, bytes(5_000), NOISE[:500].encode()],
    [b""],
    ["last"],
]


@contextmanager
def conversing(url: str, query: dict[str, str]) -> Iterator[tuple[Session, list[list[Any]]]]:
    """A session with a peer of such parameters, and the events that come back."""
    session = Session(locate(url, Target(query=query)), WEBSOCKET, "/test")
    heard: list[list[Any]] = []
    session.on("echo", lambda arguments, *_: heard.append(arguments))
    try:
        session.connect(timeout_s=PATIENCE_S)
        yield session, heard
    finally:
        session.kill()


def converse(session: Session, heard: list[list[Any]], said: list[list[Any]]) -> None:
    """Say all of it, and hear it come back as it was."""
    for arguments in said:
        session.emit("echo", *arguments)
    with gevent.Timeout(PATIENCE_S, AssertionError("not all came back")):
        while len(heard) < len(said) and session.ended is None:
            gevent.sleep(0.0005)
    assert session.ended is None
    assert heard == said


def spoken(session: Session) -> Parameters:
    """What a session was told and keeps to; zlib, which cannot write with 8 bits, does with 9."""
    assert session.compressed
    link: Any = session._link
    writes, reads = link._deflater, link._inflater
    return Parameters(reads._forgetful, writes._forgetful, -reads._bits, -writes._bits)


@pytest.fixture(params=sorted(DEFLATING))
def deflating(request: pytest.FixtureRequest, running: Peer) -> tuple[str, str]:
    """The name and the URL of each peer."""
    return request.param, running(request.param)


@pytest.mark.parametrize("takeovers", list(product([False, True], repeat=2)))
@pytest.mark.timeout(300)
def test_every_combination_of_parameters_is_honoured_both_ways(
    deflating: tuple[str, str], takeovers: tuple[bool, bool]
) -> None:
    name, url = deflating
    forgetful = {key: "1" for key, wanted in zip(TAKEOVERS, takeovers, strict=True) if wanted}
    for server_bits, client_bits in product(SERVER_BITS[name], CLIENT_BITS):
        query = dict(forgetful)
        if server_bits is not None:
            query["server_max_window_bits"] = str(server_bits)
        if client_bits is not None:
            query["client_max_window_bits"] = str(client_bits)
        with conversing(url, query) as (session, heard):
            assert Parameters(*takeovers, server_bits or 15, max(client_bits or 15, 9)) == spoken(
                session
            ), query
            converse(session, heard, MESSAGES)
            assert len(session.heartbeats) == 1, query


@pytest.mark.parametrize("length", [1, 65_535, 65_536, 3_000_000])
@pytest.mark.parametrize("data", [NOISE[0], NOISE])
def test_message_of_any_length_comes_back_as_it_was(
    deflating: tuple[str, str], length: int, data: str
) -> None:
    long = (data * (length // len(data) + 1))[:length]
    with conversing(deflating[1], {}) as (session, heard):
        converse(session, heard, [[long], [long.encode()], ["after it"]])


def test_server_that_refuses_is_spoken_to_without(deflating: tuple[str, str]) -> None:
    with conversing(deflating[1], {"refuse": "1"}) as (session, heard):
        assert not session.compressed
        converse(session, heard, MESSAGES)


def test_client_that_does_not_want_to_compress_does_not(deflating: tuple[str, str]) -> None:
    session = Session(locate(deflating[1], compression=False), WEBSOCKET, "/test")
    heard: list[list[Any]] = []
    session.on("echo", lambda arguments, *_: heard.append(arguments))
    session.connect(timeout_s=PATIENCE_S)
    assert not session.compressed
    converse(session, heard, MESSAGES)
    session.kill()


def test_copies_that_were_kept_are_read_later_as_they_were(deflating: tuple[str, str]) -> None:
    with conversing(deflating[1], {}) as (session, heard):
        gathered = session.gather("echo")
        # Those with bytes are events of another kind: their handler is called.
        for arguments in MESSAGES:
            session.emit("echo", *arguments)
        attachments = sum(isinstance(each, bytes) for said in MESSAGES for each in said)
        expected = len(MESSAGES) + attachments
        until(lambda: session.unread >= expected, "all are kept")
        assert (gathered, heard) == ([], [])
        session.read_up()
        found = [packets.decode(packet).data[1:] for packet, _, _ in gathered]
        binary = [said for said in MESSAGES if any(isinstance(each, bytes) for each in said)]
        assert found == [said for said in MESSAGES if said not in binary]
        assert heard == binary
        assert all(kernel_ns <= user_ns for _, kernel_ns, user_ns in gathered)
