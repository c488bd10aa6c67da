"""What a user of one's own has recorded, over a session of paper."""

from __future__ import annotations

import gevent
import pytest

from loadtests.users.endless import WORKLOADS
from tests.unit.users.paper import Paper
from tests.unit.users.unpatched import (
    Environment,
    RescheduleTask,
    StopUser,
    bench_user,
    socketio_user,
)

NOW_NS = 1_000_000


class Own(socketio_user.SocketIOUser):
    pass


@pytest.fixture
def user():
    result = Own(Environment())
    result._session = Paper()  # type: ignore[assignment]
    result._now_ns = lambda: NOW_NS
    return result


def tally(user, name):
    return user._recorder.board.of("websocket", name)


def waiting(wait, user):
    """A greenlet in which the user waits for an answer."""
    greenlet = gevent.spawn(wait, user)
    gevent.sleep(0)
    assert not greenlet.ready()
    return greenlet


WAITS = pytest.mark.parametrize(
    "wait",
    [lambda user: user.call("never"), lambda user: user.ask("never", answer="noise")],
    ids=["call", "ask"],
)


@WAITS
def test_what_a_stopped_user_waits_for_is_in_flight(user, wait):
    greenlet = waiting(wait, user)
    greenlet.kill()
    assert isinstance(greenlet.value, gevent.GreenletExit)
    assert (tally(user, "never").in_flight, tally(user, "never").lost) == (1, 0)


@WAITS
@pytest.mark.parametrize("raised", [None, StopUser, RescheduleTask])
def test_what_a_user_waits_for_whose_session_is_lost_is_lost(user, wait, raised):
    failures = []

    def listen(exception, **_found):
        failures.append(str(exception))
        if raised is not None:
            raise raised

    user.environment.events.request.add_listener(listen)
    greenlet = waiting(wait, user)
    user.session.ended = "closed by the server"
    greenlet.kill()
    assert isinstance(greenlet.value, gevent.GreenletExit)
    assert (tally(user, "never").in_flight, tally(user, "never").lost) == (0, 1)
    assert failures == ["no answer before the session was lost"]


def test_answered_call_is_neither_in_flight_nor_lost(user):
    greenlet = waiting(lambda user: user.call("add"), user)
    user.session.acknowledge([3], NOW_NS + 5, NOW_NS + 7)
    assert greenlet.get(timeout=10) == 3
    user._recorder.flush()
    (latency, _lag) = user._recorder.board.rows()
    assert (latency.count, latency.in_flight, latency.lost) == (1, 0, 0)


def test_listener_that_stops_users_does_not_keep_one_whose_session_is_lost(user):
    def stop(**_found):
        raise StopUser

    user.environment.events.request.add_listener(stop)
    user._greenlet = gevent.spawn(gevent.sleep, 3600)
    user.session.ended = "closed by the server"
    user.check()
    user._greenlet.join(10)
    assert user._greenlet.ready()
    assert tally(user, "disconnect").failed == 1


def test_listener_that_stops_users_keeps_no_lost_message_from_being_counted():
    def stop(**_found):
        raise StopUser

    user = bench_user.BenchUser(Environment())
    user.environment.events.request.add_listener(stop)
    user._report_lost(WORKLOADS["echo"], [1, 2], "in time")
    assert tally(user, "echo").lost == 2


def test_receive_lag_of_a_recorded_time_has_nothing_of_the_handler(user):
    def heard(_text):
        user._now_ns = lambda: NOW_NS + 10**9  # it took its time
        user.record("delivery", since_ns=NOW_NS)

    user.on("said", heard)
    user.session.handlers["said"](["text"], NOW_NS + 5, NOW_NS + 7)
    found = user._recorder.series("websocket", "delivery").take()
    assert found.due_ns.tolist() == [NOW_NS]
    assert found.kernel_ns.tolist() == [NOW_NS + 5]
    assert found.user_ns.tolist() == [NOW_NS + 7]


@pytest.mark.parametrize("handler", [lambda _text: None, lambda text: text.nonsense])
def test_record_outside_a_handler_is_refused_in_clear_words(user, handler):
    words = r"record\('delivery'\) outside a handler"
    with pytest.raises(RuntimeError, match=words):
        user.record("delivery", since_ns=NOW_NS)
    user.on("said", handler)
    user.session.handlers["said"](["text"], NOW_NS, NOW_NS)
    with pytest.raises(RuntimeError, match=words):
        user.record("delivery", since_ns=NOW_NS)
    assert user._recorder.series("websocket", "delivery").take().due_ns.tolist() == []
