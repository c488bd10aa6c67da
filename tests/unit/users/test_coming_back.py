"""A user whose session ends by itself, and that comes back or is gone."""

from __future__ import annotations

import gevent
import pytest

from loadtests.client.errors import ConnectionFailed
from tests.support.waiting import until
from tests.unit.users.paper import Paper
from tests.unit.users.unpatched import connected_user, running_environment, socketio_user


class Returning(socketio_user.SocketIOUser):
    reconnect = True
    timeout_s = 0.2
    refusals: list[str] = []  # noqa: RUF012 - of one test

    def _open(self):
        if self.refusals:
            raise ConnectionFailed(self.refusals.pop(0))
        self._session = Paper()  # type: ignore[assignment]
        self._attach(None)


@pytest.fixture
def user(monkeypatch):
    monkeypatch.setattr(connected_user, "delays_s", lambda: iter([0.001] * 1000))
    monkeypatch.setattr(Returning, "refusals", [])
    result = Returning(running_environment())
    result.host = "http://127.0.0.1:1"
    result.connect()
    yield result
    gevent.kill(result._recorder._greenlet)
    if result._returning is not None:
        result._returning.kill()


def failures(user):
    user._recorder.flush()
    return {(each.name, str(each.error)) for each in user.environment.stats.errors.values()}


def lose(user, reason="connection closed by the server"):
    user.session.ended, user.session.ended_ns = reason, user._now_ns()


def test_lost_user_is_back_with_its_handlers_and_namespaces(user):
    heard: list[str] = []
    user.on("said", heard.append)
    user.join("/admin", "secret")
    user.on("said", heard.append, namespace="/admin")
    lost = user.session
    lose(user)
    user.check()
    assert user._recorder.attendance.headcount().present == 0
    assert user._back.wait(10)
    assert user.session is not lost
    assert user.session.joined == {"/admin"}
    user.session.handlers["said"](["one"], 5, 7)
    user.session.handlers["/admin", "said"](["two"], 5, 7)
    assert heard == ["one", "two"]
    assert failures(user) == {("disconnect", "connection closed by the server")}
    assert user.environment.stats.get("reconnect", "websocket").num_requests == 1
    assert user._recorder.attendance.headcount().present == 1


def test_attempts_go_on_until_one_succeeds(user):
    user.refusals.extend(
        [
            "cannot connect to 127.0.0.1: Connection refused",
            "WebSocket handshake refused: HTTP/1.1 502 Bad Gateway: a page of HTML, 'Bad Gateway'",
            "no answer to the handshake within 10 s",
        ]
    )
    lose(user)
    user.check()
    assert user._back.wait(10)
    assert user.environment.stats.get("reconnect", "websocket").num_failures == 0


def test_user_whose_own_code_breaks_on_the_way_back_is_gone(user, monkeypatch):
    def broken():
        raise ValueError("no login")

    monkeypatch.setattr(user, "_open", broken)
    user._greenlet = gevent.spawn(gevent.sleep, 3600)
    lose(user)
    user.check()
    user._greenlet.join(10)
    assert user._greenlet.ready()
    user.on_stop()
    assert "reconnect" in {name for name, _ in failures(user)}


def test_answer_that_came_just_before_the_loss_has_come(user):
    greenlet = gevent.spawn(user.call, "asked", timeout_s=60)
    gevent.sleep(0)
    user.session.acknowledge(["found"], user._now_ns(), user._now_ns())
    lose(user)
    user.check()
    assert greenlet.get(timeout=10) == "found"


def test_what_was_waited_for_is_unanswered_at_once(user):
    greenlet = gevent.spawn(user.call, "never", timeout_s=60)
    gevent.sleep(0)
    lose(user)
    user.check()
    with pytest.raises(socketio_user.Unanswered):
        greenlet.get(timeout=10)
    assert ("never", "no answer before the session was lost") in failures(user)


def test_what_is_sent_meanwhile_waits_for_the_session(user):
    lose(user)
    user.emit("data")
    assert user.session.sent == [("data", None)]
    assert failures(user) == {("disconnect", "connection closed by the server")}


def test_what_cannot_be_sent_in_time_is_not_sent_and_ends_the_task(user, monkeypatch):
    monkeypatch.setattr(Returning, "timeout_s", 0.01)
    user.refusals.extend(["cannot connect"] * 1000)
    lose(user)
    for action in (user.emit, user.call):
        with pytest.raises(socketio_user.Unanswered):
            action("data")
    assert {
        ("data", "not sent: its user's session was lost"),
        ("data", "no answer while its user's session was lost"),
    } <= failures(user)


def test_user_that_is_stopped_before_it_is_back_says_so(user):
    user.refusals.extend(["cannot connect"] * 1000)
    lose(user)
    user.check()
    until(lambda: len(user.refusals) < 1000, "no attempt")
    user.on_stop()
    assert ("reconnect", "not back before its end: cannot connect") in failures(user)
    assert user._recorder.attendance.headcount().present == 0


@pytest.mark.parametrize(
    ("reason", "refusals"),
    [
        ("disconnected by the server", []),
        ("connection closed by the server", ["namespace / refused: not you"]),
    ],
)
def test_user_that_the_application_puts_out_stays_out_as_official_clients_do(
    user, reason, refusals
):
    user._greenlet = gevent.spawn(gevent.sleep, 3600)
    user.refusals.extend(refusals)
    lose(user, reason)
    user.check()
    user._greenlet.join(10)
    assert user._greenlet.ready()
    user.check()
    assert [each for each in failures(user) if each[0] == "disconnect"] == [("disconnect", reason)]


def test_session_that_ended_just_before_the_stop_is_a_failure(user):
    lose(user)
    user.on_stop()
    assert failures(user) == {("disconnect", "connection closed by the server")}


def test_user_comes_back_only_if_it_is_asked_to(user, monkeypatch):
    monkeypatch.setattr(Returning, "reconnect", False)
    user._greenlet = gevent.spawn(gevent.sleep, 3600)
    lose(user)
    user.check()
    user._greenlet.join(10)
    assert user._greenlet.ready()
    assert user._recorder.closing_words() == []
    user.environment.events.test_stopping.fire(environment=user.environment)
    assert "no load since" in user._recorder.closing_words()[0]


def test_nobody_says_that_there_is_no_load_while_users_come_back(user, caplog):
    lose(user)
    user.check()
    assert "no load" not in caplog.text
    assert user._back.wait(10)
    assert user._recorder.attendance.headcount().returning == 0


def test_user_that_gives_up_coming_back_leaves_no_load(user, caplog):
    user._greenlet = gevent.spawn(gevent.sleep, 3600)
    user.refusals.append("namespace / refused: not you")
    lose(user)
    user.check()
    user._greenlet.join(10)
    assert "no load" not in caplog.text
    user.on_stop()
    assert "the only user lost its session" in caplog.text
