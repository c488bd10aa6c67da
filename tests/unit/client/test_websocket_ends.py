"""WebSocket connections that are refused or end in the middle of something: what is said of it."""

from __future__ import annotations

import gzip

import pytest

from loadtests.client.frames import Opcode
from loadtests.client.http import Response, ResponseDecoder
from loadtests.client.websocket import WebSocketLink
from tests.unit.client.streams import SERVER, FakeStream, play
from tests.unit.client.test_frames import server_frame
from tests.unit.client.test_websocket_link import upgrade


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch, ended: list[str]) -> FakeStream:
    """The connection of a link that has asked for a WebSocket."""
    streams = play(monkeypatch)
    WebSocketLink(SERVER, lambda *_: None, ended.append).open()
    return streams[0]


# --- a refusal that takes its time

REFUSED = b"HTTP/1.1 400 BAD REQUEST\r\n"
PACKED = gzip.compress(b"no such transport")
LATE = {
    "by its length": (REFUSED + b"Content-Length: 17\r\n\r\n", b"no such transport"),
    "in chunks": (
        REFUSED + b"Transfer-Encoding: chunked\r\n\r\n",
        b"8\r\nno such \r\n9\r\ntransport\r\n0\r\n\r\n",
    ),
    "zipped": (
        REFUSED + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED),
        PACKED,
    ),
}


@pytest.mark.parametrize(("head", "body"), LATE.values(), ids=LATE.keys())
@pytest.mark.parametrize("size", [1, 30, 1000])
def test_refusal_is_told_once_with_all_its_words(
    stream: FakeStream, ended: list[str], head: bytes, body: bytes, size: int
) -> None:
    wire = head + body
    for at in range(0, len(wire), size):
        assert ended == []
        stream.say(wire[at : at + size])
    assert ended == ["WebSocket handshake refused: HTTP/1.1 400 BAD REQUEST: no such transport"]
    assert stream.closed


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (REFUSED + b"\r\n", ""),
        (REFUSED + b"\r\n", "no such transport"),
        (LATE["by its length"][0], "no such "),
        (LATE["in chunks"][0], "8\r\nno such \r\n"),
    ],
)
def test_refusal_whose_end_never_comes_is_told_when_the_connection_ends(
    stream: FakeStream, ended: list[str], head: bytes, words: str
) -> None:
    stream.say(head)
    if words:
        stream.say(words.encode())
    assert ended == []
    stream.end()
    told = f": {' '.join(words.split())}" if words else ""
    assert ended == [f"WebSocket handshake refused: HTTP/1.1 400 BAD REQUEST{told}"]


def test_refusal_quotes_not_all_of_its_words(stream: FakeStream, ended: list[str]) -> None:
    stream.say(REFUSED + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000)
    assert len(ended[0]) < 300


def test_long_refusal_is_read_once_and_not_anew_with_each_piece_of_it(
    stream: FakeStream, ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []
    usual = ResponseDecoder.feed

    def counting(decoder: ResponseDecoder, data: bytes) -> Response | None:
        fed.append(len(data))
        return usual(decoder, data)

    monkeypatch.setattr(ResponseDecoder, "feed", counting)
    wire = REFUSED + b"Content-Length: 10000000\r\n\r\n" + b"x" * 10_000_000
    for at in range(0, len(wire), 65_536):
        stream.say(wire[at : at + 65_536])
    assert sum(fed) == len(wire)
    assert ended == [f"WebSocket handshake refused: HTTP/1.1 400 BAD REQUEST: {'x' * 200}"]


# --- the end in the middle of something


@pytest.mark.parametrize(
    ("heard_of_it", "reason"),
    [
        (b"", "broken"),
        (b"HTTP/1.1 1", "broken during the WebSocket handshake"),
        (REFUSED, "broken during the WebSocket handshake"),
    ],
)
def test_connection_that_ends_during_the_handshake_says_so(
    stream: FakeStream,
    ended: list[str],
    heard_of_it: bytes,
    reason: str,
) -> None:
    if heard_of_it:
        stream.say(heard_of_it)
    stream.end("broken")
    assert len(ended) == 1
    assert ended[0].startswith(reason)


FRAME = server_frame(Opcode.TEXT, b"x" * 200)
MIDDLES = [FRAME[:1], FRAME[:3], FRAME[:-1], server_frame(Opcode.TEXT, b"", final=False)]


@pytest.mark.parametrize("middle", [b"", FRAME, *MIDDLES, *(FRAME + each for each in MIDDLES)])
def test_connection_that_ends_in_the_middle_of_a_frame_says_so(
    stream: FakeStream, ended: list[str], middle: bytes
) -> None:
    stream.say(upgrade(stream) + middle)
    stream.end("broken")
    assert ended == ["broken" if middle in (b"", FRAME) else "broken in the middle of a frame"]
