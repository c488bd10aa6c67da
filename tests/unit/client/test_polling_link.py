"""Engine.IO over long-polling, on streams that the test plays."""

from __future__ import annotations

import re
from functools import partial

import pytest

from loadtests.client.packets import Handshake
from loadtests.client.polling import PollingLink
from tests.unit.client.streams import SERVER, FakeStream, play


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[FakeStream]:
    return play(monkeypatch)


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def link(streams: list[FakeStream], heard: list[bytes], ended: list[str]) -> PollingLink:
    return PollingLink(SERVER, lambda packet, *_: heard.append(packet), ended.append)


def answer(body: bytes, *, status: str = "200 OK", close: bool = False) -> bytes:
    connection = b"Connection: close\r\n" if close else b""
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status.encode(),
        connection,
        len(body),
        body,
    )


def requests(stream: FakeStream) -> list[tuple[bytes, bytes]]:
    """Method and body of each request on a connection."""
    return [(sent.split(b" ")[0], sent.partition(b"\r\n\r\n")[2]) for sent in stream.sent]


def test_polling_opens_with_a_get_without_a_session(
    link: PollingLink, streams: list[FakeStream]
) -> None:
    link.open()
    first = rb"GET /socket\.io/\?EIO=4&transport=polling&t=[0-9a-f]{8} HTTP/1\.1\r\n"
    assert re.match(first, streams[0].sent[0])


def test_polling_asks_again_on_the_same_connection_with_its_session(
    link: PollingLink, streams: list[FakeStream], heard: list[bytes]
) -> None:
    link.open()
    link.joined(Handshake("abc", [], 25_000, 20_000))
    streams[0].say(answer(b"0{}\x1e2"))
    assert heard == [b"0{}", b"2"]
    assert b"&sid=abc HTTP" in streams[0].sent[1]
    assert len(streams) == 1


def test_polling_makes_a_connection_anew_where_the_server_closed_it(
    link: PollingLink, streams: list[FakeStream]
) -> None:
    link.open()
    streams[0].say(answer(b"6", close=True))
    assert (len(streams), streams[0].closed, streams[1].closed) == (2, True, False)
    assert requests(streams[1]) == [(b"GET", b"")]


def test_polling_posts_beside_the_waiting_get_one_at_a_time(
    link: PollingLink, streams: list[FakeStream]
) -> None:
    link.open()
    for packet in (b"4one", b"4two", b"4three"):
        link.send(packet)
    assert requests(streams[1]) == [(b"POST", b"4one")]
    streams[1].say(answer(b"OK"))
    assert requests(streams[1]) == [(b"POST", b"4one"), (b"POST", b"4two\x1e4three")]
    streams[1].say(answer(b"OK"))
    assert len(streams[1].sent) == 2


def test_packet_leaves_with_the_post_that_carries_it(
    link: PollingLink, streams: list[FakeStream]
) -> None:
    link.open()
    link.joined(Handshake("abc", [], 25_000, 20_000, max_payload=9))
    left: list[bytes] = []
    for packet in (b"4one", b"4two", b"4far", b"4four"):
        link.send(packet, partial(left.append, packet))
    assert left == [b"4one"]
    streams[1].say(answer(b"OK"))
    assert left == [b"4one", b"4two", b"4far"]
    streams[1].say(answer(b"OK"))
    assert left == [b"4one", b"4two", b"4far", b"4four"]
    assert [body for _, body in requests(streams[1])] == [b"4one", b"4two\x1e4far", b"4four"]


def test_polling_repeats_a_request_that_met_a_connection_being_closed(
    link: PollingLink, streams: list[FakeStream], ended: list[str]
) -> None:
    link.open()
    streams[0].say(answer(b"6"))
    streams[0].end()
    assert requests(streams[1]) == [(b"GET", b"")]
    assert ended == []
    streams[1].end()
    assert ended == ["connection closed by the server"]


def test_polling_does_not_repeat_a_request_that_was_half_answered(
    link: PollingLink, streams: list[FakeStream], ended: list[str]
) -> None:
    link.open()
    streams[0].say(answer(b"6"))
    streams[0].say(answer(b"6")[:-1])
    streams[0].end()
    assert (ended, len(streams)) == (["connection closed by the server"], 1)


def test_idle_connection_that_the_server_gave_up_is_made_anew(
    link: PollingLink, streams: list[FakeStream], ended: list[str]
) -> None:
    link.open()
    link.send(b"4one")
    streams[1].say(answer(b"OK"))
    streams[1].end()
    link.send(b"4two")
    assert (requests(streams[2]), ended) == ([(b"POST", b"4two")], [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (answer(b'"Invalid session"', status="400 BAD REQUEST"), 'GET answered with 400: "Inv'),
        (b"SSH-2.0\r\n", "not an HTTP response"),
        (answer(b"6") + b"more", "bytes after the response"),
    ],
)
def test_polling_ends_with_a_reason_and_closes_both(
    link: PollingLink, streams: list[FakeStream], ended: list[str], data: bytes, words: str
) -> None:
    link.open()
    link.send(b"4x")
    streams[0].say(data)
    assert len(ended) == 1
    assert words in ended[0]
    assert [stream.closed for stream in streams] == [True, True]


def test_refused_post_ends_with_the_servers_words(
    link: PollingLink, streams: list[FakeStream], ended: list[str]
) -> None:
    link.open()
    link.send(b"4x")
    streams[1].say(answer(b"too long", status="413 Payload Too Large"))
    assert ended == ["POST answered with 413: too long"]


def test_polling_says_goodbye_by_itself_after_what_is_queued_and_then_closes(
    link: PollingLink, streams: list[FakeStream], ended: list[str]
) -> None:
    link.open()
    link.send(b"4first")
    link.send(b"41/test,")
    link.say_goodbye()
    streams[1].say(answer(b"OK"))
    assert requests(streams[1])[-1] == (b"POST", b"41/test,")
    streams[1].say(answer(b"OK"))
    assert requests(streams[1])[-1] == (b"POST", b"1")
    streams[1].say(answer(b"OK"))
    assert ([stream.closed for stream in streams], ended) == ([True, True], [])


def test_leaving_polling_does_not_ask_again(link: PollingLink, streams: list[FakeStream]) -> None:
    link.open()
    link.say_goodbye()
    streams[0].say(answer(b"6"))
    assert len(streams[0].sent) == 1


def test_killed_polling_is_silent(
    link: PollingLink, streams: list[FakeStream], ended: list[str]
) -> None:
    link.open()
    link.send(b"4x")
    link.kill()
    link.send(b"4y")
    assert ([stream.closed for stream in streams], ended) == ([True, True], [])
    assert len(streams[1].sent) == 1


def test_reset_polling_resets_both_and_is_silent(
    link: PollingLink, streams: list[FakeStream], ended: list[str]
) -> None:
    link.open()
    link.send(b"4x")
    link.reset()
    link.send(b"4y")
    link.reset()
    assert ([stream.was_reset for stream in streams], ended) == ([True, True], [])
    assert len(streams[1].sent) == 1


def test_handler_that_kills_hears_nothing_of_the_same_payload(
    streams: list[FakeStream], ended: list[str]
) -> None:
    heard: list[bytes] = []

    def killing(packet: bytes, *_: int) -> None:
        heard.append(packet)
        dying.kill()

    dying = PollingLink(SERVER, killing, ended.append)
    dying.open()
    streams[0].say(answer(b"6\x1e6"))
    assert (heard, len(streams[0].sent)) == ([b"6"], 1)


def test_handler_that_breaks_ends_the_link_with_its_error(
    streams: list[FakeStream], ended: list[str]
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("mine")

    link = PollingLink(SERVER, breaks, ended.append)
    link.open()
    with pytest.raises(KeyError):
        streams[0].say(answer(b"4x"))
    assert ended == ["its handler broke: KeyError: 'mine'"]
    assert streams[0].closed
