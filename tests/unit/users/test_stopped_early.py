"""Users that are stopped before they were there, or end in their own on_start."""

from __future__ import annotations

import gevent
import pytest

from loadtests.users.answers import Unanswered
from tests.unit.users.paper import Paper
from tests.unit.users.unpatched import recording, running_environment, socketio_user

STOPPED = "no answer before its user was stopped"


class Own(socketio_user.SocketIOUser):
    hangs = False

    def _open(self):
        self._session = Paper()  # type: ignore[assignment]
        if self.hangs:
            gevent.sleep(3600)


@pytest.fixture
def environment():
    result = running_environment()
    recording.recorder_of(result)
    result.events.test_start.fire(environment=result)
    return result


def begun(user):
    """Its greenlet, as Locust makes it: on_stop follows on_start, unless that raised."""

    def run():
        try:
            user.on_start()
            gevent.sleep(3600)
        except gevent.GreenletExit:
            user.on_stop()

    greenlet = gevent.spawn(run)
    gevent.sleep(0)
    return greenlet


def failures(user):
    user._recorder.flush()
    return {(each.name, str(each.error)) for each in user.environment.stats.errors.values()}


def stop(environment, greenlet):
    environment.events.test_stopping.fire(environment=environment)
    greenlet.kill()


def test_user_that_is_stopped_while_it_connects_could_not(environment):
    user = Own(environment)
    user.hangs = True
    stop(environment, begun(user))
    assert failures(user) == {("connect", STOPPED)}
    assert user._recorder.closing_words() == ["no load: no user could connect"]


def test_user_that_is_stopped_while_it_is_upgraded_could_not_connect(environment):
    user = Own(environment)
    user._request_type = "upgrade"
    Paper.wait_for_upgrade = lambda _self: gevent.sleep(3600)  # type: ignore[attr-defined]
    try:
        stop(environment, begun(user))
    finally:
        del Paper.wait_for_upgrade  # type: ignore[attr-defined]
    assert failures(user) == {("upgrade", STOPPED)}
    assert user._recorder.closing_words() == ["no load: no user could connect"]


def test_join_that_is_not_answered_before_the_stop_is_a_failure(environment, monkeypatch):
    user = Own(environment)
    monkeypatch.setattr(Paper, "join", lambda *_: gevent.sleep(3600))
    user._own_on_start = lambda: user.join("/admin")
    stop(environment, begun(user))
    assert failures(user) == {("join /admin", STOPPED)}
    assert user._recorder.closing_words() == []


@pytest.mark.parametrize("error", [ValueError("mine"), Unanswered()])
def test_user_that_ends_in_its_on_start_makes_no_load(environment, caplog, error):
    def broken():
        raise error

    user = Own(environment)
    user._own_on_start = broken
    greenlet = begun(user)
    greenlet.join(10)
    words = "no load since 0.0 s: the only user failed in its on_start"
    assert words in caplog.text
    environment.events.test_stopping.fire(environment=environment)
    assert user._recorder.closing_words() == [words]


def test_user_whose_own_connect_breaks_could_not(environment):
    class Broken(Own):
        def connect(self):
            raise ValueError("no login")

    greenlet = begun(Broken(environment))
    greenlet.join(10)
    environment.events.test_stopping.fire(environment=environment)
    assert environment.socketio_recorder.closing_words() == ["no load: no user could connect"]
