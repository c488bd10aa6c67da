"""Namespaces beside a session's own, over the same connection."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from loadtests.client import session
from loadtests.client.errors import ConnectionFailed
from loadtests.client.session import DEPARTURES, Session
from loadtests.record.words import Cause
from tests.unit.client.played import OPEN, FakeLink, FakePolling, connected

LATE_S = 10


@pytest.fixture(autouse=True)
def _links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "WebSocketLink", FakeLink)
    monkeypatch.setattr(session, "PollingLink", FakePolling)
    monkeypatch.setattr(FakeLink, "opening", (OPEN, b'40/test,{"sid":"me"}'))


def joining(found: Session, namespace: str, auth: Any = None) -> Any:
    """A greenlet that joins, and waits by now."""
    greenlet = gevent.spawn(found.join, namespace, auth, LATE_S)
    gevent.sleep(0)
    return greenlet


def joined() -> tuple[Session, FakeLink, list[list[Any]], list[list[Any]]]:
    """A session in /test and /chat, its link, and the messages heard in the one and the other."""
    found, link, _ = connected()
    here: list[list[Any]] = []
    there: list[list[Any]] = []
    found.on("message", lambda arguments, *_: here.append(arguments))
    greenlet = joining(found, "/chat")
    link.on_packet(b'40/chat,{"sid":"me there"}', 1, 2)
    assert greenlet.get(timeout=LATE_S) == "me there"
    found.on("message", lambda arguments, *_: there.append(arguments), "/chat")
    link.calls.clear()
    return found, link, here, there


# --- coming


@pytest.mark.parametrize(
    ("auth", "packet"), [(None, b"40/chat,"), ({"token": "x"}, b'40/chat,{"token":"x"}')]
)
def test_namespace_is_joined_with_its_own_auth_and_has_its_own_id(auth: Any, packet: bytes) -> None:
    found, link, _ = connected()
    greenlet = joining(found, "/chat", auth)
    assert link.sent == [packet]
    assert not greenlet.ready()
    link.on_packet(b'40/chat,{"sid":"me there"}', 1, 2)
    assert greenlet.get(timeout=LATE_S) == "me there"
    assert (found.sid, found.ended) == ("me", None)


def test_answer_of_another_namespace_joins_nothing() -> None:
    found, link, _ = connected()
    greenlet = joining(found, "/chat")
    link.on_packet(b'40/other,{"sid":"me elsewhere"}', 1, 2)
    gevent.sleep(0)
    assert (greenlet.ready(), found.ended) == (False, None)
    greenlet.kill()


def test_refused_namespace_is_told_in_the_servers_words_and_the_session_goes_on() -> None:
    found, link, heard = connected()
    greenlet = joining(found, "/chat")
    link.on_packet(b'44/chat,{"message":"members only"}', 1, 2)
    with pytest.raises(ConnectionFailed, match=r"namespace /chat refused: members only"):
        greenlet.get(timeout=LATE_S)
    link.on_packet(b'42/test,["my response",1]', 1, 2)
    assert (len(heard), found.ended) == (1, None)
    again = joining(found, "/chat")
    link.on_packet(b'40/chat,{"sid":"at last"}', 1, 2)
    assert again.get(timeout=LATE_S) == "at last"


def test_namespace_that_does_not_answer_is_given_up_and_the_session_goes_on() -> None:
    found, link, _ = connected()
    with pytest.raises(ConnectionFailed, match=r"no answer to joining /chat within 0\.001 s"):
        found.join("/chat", timeout_s=0.001)
    assert (found.ended, ("kill", None) in link.calls) == (None, False)


def test_session_that_ends_while_it_joins_says_why() -> None:
    found, link, _ = connected()
    greenlet = joining(found, "/chat")
    link.on_end("connection broken: Connection reset by peer")
    with pytest.raises(ConnectionFailed, match="reset by peer"):
        greenlet.get(timeout=LATE_S)
    with pytest.raises(ConnectionFailed, match="reset by peer"):
        found.join("/other")


def test_own_namespace_is_not_joined_twice() -> None:
    found, link, _ = connected()
    with pytest.raises(ValueError, match="/test is the session's own namespace"):
        found.join("/test")
    assert link.sent == []


# --- staying


def test_events_go_to_the_handlers_of_their_namespace() -> None:
    _, link, here, there = joined()
    link.on_packet(b'42/test,["message",1]', 1, 2)
    link.on_packet(b'42/chat,["message",2]', 1, 2)
    link.on_packet(b'42/chatter,["message",3]', 1, 2)
    link.on_packet(b'42["message",4]', 1, 2)
    link.on_packet(b'451-/chat,["message",{"_placeholder":true,"num":0}]', 1, 2)
    link.on_packet(b"bbytes", 1, 2)
    assert (here, there) == ([[1]], [[2], [b"bytes"]])


def test_events_leave_for_the_namespace_that_is_named() -> None:
    found, link, _, _ = joined()
    found.emit("message", 1)
    found.emit("message", 2, namespace="/chat")
    answers: list[list[Any]] = []
    found.emit("ask", namespace="/chat", on_ack=lambda arguments, *_: answers.append(arguments))
    assert link.sent == [
        b'42/test,["message",1]',
        b'42/chat,["message",2]',
        b'42/chat,0["ask"]',
    ]
    link.on_packet(b"43/other,0[0]", 1, 2)
    link.on_packet(b"43/chat,0[1]", 1, 2)
    assert answers == [[1]]


@pytest.mark.parametrize("listening", [False, True])
def test_event_for_a_namespace_that_was_never_joined_is_not_sent(listening: bool) -> None:
    found, link, _, _ = joined()
    if listening:  # which is allowed before the joining
        found.on("message", lambda *_: None, "/lobby")
    with pytest.raises(
        ValueError, match=r"'message' is not sent to /lobby, .*; joined: /test, /ch"
    ):
        found.emit("message", namespace="/lobby")
    found.leave("/lobby")
    assert (link.sent, found.ended) == ([], None)


def test_event_for_a_namespace_is_not_sent_before_its_answer_nor_after_its_end() -> None:
    found, link, _, _ = joined()
    greenlet = joining(found, "/lobby")
    assert found.namespaces == ["/test", "/chat"]
    with pytest.raises(ValueError, match=r"joined: /test, /chat$"):
        found.emit("message", namespace="/lobby")
    link.on_packet(b'40/lobby,{"sid":"me"}', 1, 2)
    greenlet.get(timeout=LATE_S)
    found.emit("message", namespace="/lobby")
    link.on_packet(b"41/lobby,", 1, 2)
    with pytest.raises(ValueError, match=r"joined: /test, /chat$"):
        found.emit("message", namespace="/lobby")
    assert link.sent == [b"40/lobby,", b'42/lobby,["message"]']


def test_what_a_handler_of_a_namespace_returns_is_acknowledged_there() -> None:
    found, link, _, _ = joined()
    found.on("question", lambda arguments, *_: arguments, "/chat")
    link.on_packet(b'42/chat,5["question",7]', 1, 2)
    assert link.sent == [b"43/chat,5[7]"]


# --- going


def test_namespace_that_was_left_is_told_and_heard_no_more() -> None:
    found, link, here, there = joined()
    found.leave("/chat")
    found.leave("/chat")
    found.leave("/never joined")
    assert link.sent == [b"41/chat,"]
    link.on_packet(b'42/chat,["message",1]', 1, 2)
    link.on_packet(b'42/test,["message",2]', 1, 2)
    assert (here, there, found.ended) == ([[2]], [], None)


def test_server_that_takes_a_namespace_away_does_not_end_the_session() -> None:
    found, link, here, there = joined()
    link.on_packet(b"41/chat,", 1, 2)
    link.on_packet(b'42/chat,["message",1]', 1, 2)
    link.on_packet(b'42/test,["message",2]', 1, 2)
    assert (here, there, found.ended) == ([[2]], [], None)
    link.on_packet(b"41/test,", 1, 2)
    assert found.ended == "disconnected by the server"


def test_goodbye_is_said_to_every_namespace_and_to_the_first_one_last() -> None:
    found, link, _, _ = joined()
    found.close()
    assert link.calls == [("send", b"41/chat,"), ("send", b"41/test,"), ("say_goodbye", None)]


@pytest.mark.parametrize("cause", DEPARTURES)
def test_departed_session_hears_nothing_in_any_namespace(cause: Cause) -> None:
    found, link, here, there = joined()
    found.depart(cause)
    link.on_packet(b'42/chat,["message",1]', 1, 2)
    link.on_packet(b'42/test,["message",2]', 1, 2)
    assert (here, there) == ([], [])


def test_gathered_events_are_those_of_the_sessions_own_namespace() -> None:
    found, link, _, there = joined()
    gathered = found.gather("message")
    link.on_packet(b'42/chat,["message",1]', 1, 2)
    link.on_packet(b'42/test,["message",2]', 3, 4)
    assert (gathered, there) == ([(b'42/test,["message",2]', 3, 4)], [[1]])
