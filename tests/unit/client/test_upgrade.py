"""From long-polling to WebSocket, on streams that the test plays: what goes by which, and when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loadtests.client.frames import Opcode
from loadtests.client.packets import PROBE_PING, PROBE_PONG, UPGRADE_PACKET
from loadtests.record.words import Transport
from tests.unit.client.streams import play
from tests.unit.client.test_frames import server_frame
from tests.unit.client.test_polling_link import answer
from tests.unit.client.upgrading import (
    NOOP,
    OPEN,
    REFUSAL,
    STAGES,
    Played,
    accept,
    pong,
    quiet,
    text,
)

PROBING = ["joined", "accepted", "ponged"]
GOODBYE = (Opcode.CLOSE, b"\x03\xe8")


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(play(monkeypatch))


# --- the switch


def test_server_that_offers_no_websocket_is_not_probed(played: Played) -> None:
    played.link.open()
    played.get.say(answer(OPEN.replace(b'"websocket"', b"")))
    played.send(b"4a")
    assert (played.streams, played.posted) == (played.polling, [b"4a"])
    assert (played.link.settled.is_set(), played.link.transport) == (True, Transport.POLLING)
    assert "offers no" in played.link.failure


def test_probe_joins_the_session_of_polling(played: Played) -> None:
    played.reach("joined")
    [request] = played.websocket.sent
    assert request.startswith(b"GET /socket.io/?EIO=4&transport=websocket&sid=abc HTTP/1.1\r\n")


def test_probe_is_sent_when_the_server_has_agreed_and_not_before(played: Played) -> None:
    played.reach("joined")
    assert played.framed == []
    accept(played)
    assert played.framed == text(PROBE_PING)


@pytest.mark.parametrize("stage", STAGES)
def test_transport_is_websocket_from_the_switch_on(played: Played, stage: str) -> None:
    played.reach(stage)
    switched = stage == "switched"
    assert played.link.transport is (Transport.WEBSOCKET if switched else Transport.POLLING)
    assert played.link.settled.is_set() == switched


def test_polling_goes_on_until_the_pong(played: Played) -> None:
    played.reach("accepted")
    played.get.say(answer(b"4server"))
    played.send(b"4client")
    assert (played.heard, played.posted) == ([b"4server"], [b"4client"])
    assert len(played.get.sent) == 3


def test_polling_asks_no_more_after_the_pong(played: Played) -> None:
    played.reach("ponged")
    gets = len(played.get.sent)
    played.send(b"4a")
    quiet(played)
    assert (len(played.get.sent), played.posted) == (gets, [])
    assert [stream.closed for stream in played.polling] == [True]


def test_what_the_waiting_get_brings_is_heard_before_the_switch(played: Played) -> None:
    played.reach("ponged")
    played.get.say(answer(b"42[1]\x1e6\x1e2"))
    played.frame(b"42[2]")
    assert played.heard == [b"42[1]", NOOP, b"2", b"42[2]"]


@pytest.mark.parametrize("get_first", [True, False])
def test_switch_waits_for_the_get_and_the_post_that_are_under_way(
    played: Played, get_first: bool
) -> None:
    played.reach("accepted")
    played.send(b"4under way", b"4behind it")
    pong(played)
    played.send(b"4meanwhile", b"b\x00\xff")
    first, second = (played.get, played.post) if get_first else (played.post, played.get)
    first.say(answer(NOOP))
    assert (played.framed, played.left) == (text(PROBE_PING), [b"4under way"])
    second.say(answer(NOOP))
    sent = text(PROBE_PING, UPGRADE_PACKET, b"4behind it", b"4meanwhile")
    assert played.framed == [*sent, (Opcode.BINARY, b"\x00\xff")]
    assert played.posted == [b"4under way"]
    assert played.left == [b"4under way", b"4behind it", b"4meanwhile", b"b\x00\xff"]


def test_what_a_handler_sends_at_the_last_moment_goes_over_websocket(played: Played) -> None:
    played.reach("ponged")
    played.send(b"4before")
    played.on_packet = lambda _: played.send(b"3")
    played.get.say(answer(b"2"))
    assert played.framed == text(PROBE_PING, UPGRADE_PACKET, b"4before", b"3")


def test_after_the_switch_everything_goes_and_comes_over_websocket(played: Played) -> None:
    played.reach("switched")
    played.send(b"4a")
    played.frame(b"4b")
    assert played.framed == text(PROBE_PING, UPGRADE_PACKET, b"4a")
    assert (played.heard, played.posted) == ([NOOP, b"4b"], [])
    played.websocket.end("broken")
    assert played.ended == ["broken"]


def test_frame_behind_the_pong_in_the_same_read_is_not_lost(played: Played) -> None:
    played.reach("accepted")
    frames = server_frame(Opcode.TEXT, PROBE_PONG) + server_frame(Opcode.PING, b"p")
    played.websocket.say(frames)
    assert played.framed == [*text(PROBE_PING), (Opcode.PONG, b"p")]


# --- no switch


def stays_on_polling(played: Played) -> None:
    """The session goes on as if there had never been a probe."""
    assert played.websocket.closed
    assert (played.link.transport, played.link.settled.is_set()) == (Transport.POLLING, True)
    assert (played.ended, played.link.failure != "") == ([], True)
    heard, posts = list(played.heard), len(played.posted)
    played.get.say(answer(b"4still here"))
    played.send(b"4me too")
    assert played.heard == [*heard, b"4still here"]
    if len(played.posted) == posts:
        played.post.say(answer(b"ok"))
    assert played.posted[-1].endswith(b"4me too")
    assert not played.get.closed


def test_refused_probe_leaves_the_session_on_polling(played: Played) -> None:
    played.reach("joined")
    played.websocket.say(REFUSAL)
    assert "400 BAD REQUEST" in played.link.failure
    stays_on_polling(played)


@pytest.mark.parametrize("packet", [b"3", b"2probe", b"3probed", b"", NOOP, b'42["x"]', b"1"])
def test_anything_but_a_pong_leaves_the_session_on_polling_and_is_not_heard(
    played: Played, packet: bytes
) -> None:
    played.reach("accepted")
    played.frame(packet)
    assert (played.framed, played.heard) == (text(PROBE_PING), [])
    stays_on_polling(played)


@pytest.mark.parametrize("stage", PROBING)
def test_websocket_that_dies_leaves_the_session_on_polling(played: Played, stage: str) -> None:
    played.reach(stage)
    played.websocket.end("broken")
    assert "broken" in played.link.failure
    stays_on_polling(played)


LATE_ENDS: dict[str, Callable[[Played], None]] = {
    "it dies": lambda played: played.websocket.end("broken"),
    "it is closed": lambda played: played.websocket.say(server_frame(Opcode.CLOSE, b"")),
    "it breaks the protocol": lambda played: played.websocket.say(b"\xff\xff"),
    "another pong": pong,
    "another packet": lambda played: played.frame(NOOP),
}


@pytest.mark.parametrize("end", LATE_ENDS.values(), ids=LATE_ENDS.keys())
def test_websocket_that_fails_after_the_pong_leaves_the_session_on_polling(
    played: Played, end: Callable[[Played], None]
) -> None:
    played.reach("ponged")
    end(played)
    stays_on_polling(played)


@pytest.mark.parametrize("end", LATE_ENDS.values(), ids=LATE_ENDS.keys())
@pytest.mark.parametrize("answered", ["nothing", "get", "post"])
def test_what_was_held_is_posted_in_order_when_websocket_fails_after_the_pong(
    played: Played, end: Callable[[Played], None], answered: str
) -> None:
    played.reach("accepted")
    played.send(b"4under way", b"4behind it")
    pong(played)
    played.send(b"4held", b"bheld")
    if answered != "nothing":
        {"get": played.get, "post": played.post}[answered].say(answer(NOOP))
    end(played)
    played.send(b"4after")
    while len(played.left) < 5:
        played.post.say(answer(b"ok"))
    assert b"\x1e".join(played.posted) == b"\x1e".join(
        [b"4under way", b"4behind it", b"4held", b"baGVsZA==", b"4after"]
    )
    assert played.left == [b"4under way", b"4behind it", b"4held", b"bheld", b"4after"]
    stays_on_polling(played)


# --- the end


@pytest.mark.parametrize("stage", ["opened", *PROBING])
def test_session_ends_with_polling_until_the_switch(played: Played, stage: str) -> None:
    played.reach(stage)
    played.get.say(answer(b"gone", status="400 BAD REQUEST"))
    assert played.ended == ["GET answered with 400: gone"]
    assert played.all_closed
    assert played.link.settled.is_set()


@pytest.mark.parametrize("stage", ["joined", "accepted"])
def test_goodbye_during_the_probe_is_said_by_polling(played: Played, stage: str) -> None:
    played.reach(stage)
    played.send(b"41")
    played.link.say_goodbye()
    assert (played.websocket.closed, played.link.settled.is_set()) == (True, True)
    for _ in range(2):
        played.post.say(answer(b"ok"))
    assert (played.posted, played.ended) == ([b"41", b"1"], [])
    assert played.all_closed


def test_goodbye_during_the_switch_is_said_by_websocket_after_it(played: Played) -> None:
    played.reach("ponged")
    played.send(b"41")
    played.link.say_goodbye()
    assert played.framed == text(PROBE_PING)
    quiet(played)
    assert played.framed == [*text(PROBE_PING, UPGRADE_PACKET, b"41"), GOODBYE]
    played.websocket.say(server_frame(*GOODBYE))
    assert (played.ended, played.posted, played.link.settled.is_set()) == ([], [], True)
    assert played.all_closed


@pytest.mark.parametrize("end", LATE_ENDS.values(), ids=LATE_ENDS.keys())
def test_goodbye_during_a_switch_that_fails_is_said_by_polling(
    played: Played, end: Callable[[Played], None]
) -> None:
    played.reach("ponged")
    played.send(b"41")
    played.link.say_goodbye()
    end(played)
    for _ in range(2):
        played.post.say(answer(b"ok"))
    assert (played.posted, played.ended) == ([b"41", b"1"], [])
    assert played.all_closed


def test_polling_that_dies_after_a_goodbye_is_no_lost_connection(played: Played) -> None:
    played.reach("ponged")
    played.link.say_goodbye()
    played.get.say(answer(b"gone", status="400 BAD REQUEST"))
    assert (played.ended, played.link.settled.is_set()) == ([], True)
    assert played.all_closed


def test_goodbye_after_the_switch_is_said_by_websocket(played: Played) -> None:
    played.reach("switched")
    played.link.say_goodbye()
    assert played.framed[-1] == GOODBYE
    played.websocket.end()
    assert played.ended == []


@pytest.mark.parametrize("stage", STAGES)
def test_killed_link_is_closed_and_silent(played: Played, stage: str) -> None:
    played.reach(stage)
    sent = [list(stream.sent) for stream in played.streams]
    played.link.kill()
    assert played.all_closed
    assert sent == [stream.sent for stream in played.streams]
    assert (played.ended, played.link.settled.is_set()) == ([], True)


@pytest.mark.parametrize("stage", STAGES)
def test_reset_link_resets_every_connection_and_is_silent(played: Played, stage: str) -> None:
    played.reach(stage)
    there = [stream for stream in played.streams if not stream.closed]
    sent = [list(stream.sent) for stream in played.streams]
    played.link.reset()
    assert [True] * len(there) == [stream.was_reset for stream in there]
    assert sent == [stream.sent for stream in played.streams]
    assert (played.ended, played.link.settled.is_set()) == ([], True)


def test_handler_that_kills_during_the_switch_stops_it(played: Played) -> None:
    played.reach("ponged")
    played.send(b"4a")
    played.on_packet = lambda _: played.link.kill()
    quiet(played)
    assert (played.framed, played.left, played.ended) == (text(PROBE_PING), [], [])
    assert played.link.transport is Transport.POLLING


@pytest.mark.parametrize("stage", STAGES)
def test_frozen_link_keeps_its_connections(played: Played, stage: str) -> None:
    played.reach(stage)
    there = [stream for stream in played.streams if not stream.closed]
    sent = [list(stream.sent) for stream in there]
    played.link.freeze()
    assert [(False, True)] * len(there) == [(stream.closed, stream.frozen) for stream in there]
    assert (sent, played.ended) == ([stream.sent for stream in there], [])
