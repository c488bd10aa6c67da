"""What a user says and waits for, in its own namespace and others, over a session of paper."""

from __future__ import annotations

import time

import gevent
import pytest

from loadtests.client import notices
from loadtests.users.endless import WORKLOADS
from tests.unit.users.paper import Paper
from tests.unit.users.unpatched import bench_user, running_environment, socketio_user

NOW_NS = 1_000_000


class Own(socketio_user.SocketIOUser):
    expects = ("hello",)


@pytest.fixture
def user():
    result = Own(running_environment())
    result._session = Paper()  # type: ignore[assignment]
    result._attach(None)
    result._now_ns = lambda: NOW_NS
    return result


def rows(user):
    """Locust's: (type, name) -> requests, without a time, failures."""
    user._recorder.flush()
    return {
        (entry.method, entry.name): (
            entry.num_requests,
            entry.num_none_requests,
            entry.num_failures,
        )
        for entry in user.environment.stats.entries.values()
    }


def running(action):
    greenlet = gevent.spawn(action)
    gevent.sleep(0)
    return greenlet


def test_emits_have_a_row_that_is_not_that_of_a_call(user):
    for _ in range(3):
        user.emit("data", 1)
    answered = running(lambda: user.call("data"))
    user.session.acknowledge([3], NOW_NS + 5, NOW_NS + 7)
    assert answered.get(timeout=10) == 3
    assert rows(user) == {("emit", "data"): (3, 3, 0), ("websocket", "data"): (1, 0, 0)}
    assert user.session.sent == [("data", None)] * 4


def test_emit_may_have_another_name(user):
    user.emit("data-4711", name="data")
    assert rows(user) == {("emit", "data"): (1, 1, 0)}


def test_emit_without_a_session_was_not_sent(user):
    user.session.ended = "closed by the server"
    user.emit("data")
    assert user.session.sent == []
    assert rows(user) == {("emit", "data"): (1, 1, 1)}
    ((_, error),) = user.environment.stats.errors.items()
    assert "not sent: its user's session was lost" in str(error.error)


def errors(user):
    user._recorder.flush()
    return {str(each.error): each.occurrences for each in user.environment.stats.errors.values()}


def test_emit_that_still_waits_when_its_user_is_stopped_was_not_sent(user):
    user.session.waiting = []
    for _ in range(3):
        user.emit("data")
    assert rows(user) == {}
    user.session.waiting.pop(0)()
    user.on_stop()
    assert rows(user) == {("emit", "data"): (3, 3, 2)}
    assert errors(user) == {"not sent: its user was stopped before it went out": 2}


def test_emit_that_still_waits_when_its_session_is_lost_was_not_sent(user):
    user.session.waiting = []
    user.emit("data")
    user.session.ended = "closed by the server"
    user.check()
    user.on_stop()
    assert rows(user)["emit", "data"] == (1, 1, 1)
    assert errors(user)["not sent: its user's session was lost"] == 1


def test_answer_that_was_waited_for_is_no_row(user):
    found = running(lambda: user.wait_for("price", matching=lambda price: price > 5))
    for price in (3, 7):
        user.session.handlers["price"]([price], NOW_NS + 5, NOW_NS + 7)
    assert found.get(timeout=10) == 7
    assert rows(user) == {}


def test_wait_with_a_name_is_timed_from_the_call(user):
    found = running(lambda: user.wait_for("price", name="first price"))
    user.session.handlers["price"]([3], NOW_NS + 5_000_000, NOW_NS + 5_000_001)
    assert found.get(timeout=10) == 3
    assert rows(user) == {("websocket", "first price"): (1, 0, 0)}
    assert user.environment.stats.get("first price", "websocket").max_response_time == 5


def test_event_that_came_before_it_was_waited_for_has_no_time(user):
    user.session.handlers["hello"](["you"], NOW_NS - 5, NOW_NS - 4)
    assert user.wait_for("hello", name="greeting") == "you"
    assert rows(user) == {("websocket", "greeting"): (1, 1, 0)}
    (row,) = user._recorder.board.rows()
    assert (row.count, row.untimed) == (0, 1)


def test_wait_in_vain_is_a_failure(user):
    with pytest.raises(socketio_user.Unanswered):
        user.wait_for("price", timeout_s=0.01)
    assert rows(user)["websocket", "wait_for price"][2] == 1


def test_further_namespace_is_joined_talked_in_and_left(user):
    heard: list[str] = []
    user.on("said", heard.append, namespace="/admin")
    user.join("/admin")
    user.emit("kick", namespace="/admin")
    user.session.handlers["/admin", "said"](["text"], NOW_NS, NOW_NS)
    assert heard == ["text"]
    assert user.session.sent == [("kick", "/admin")]
    answered = running(lambda: user.call("count", namespace="/admin"))
    user.session.acknowledge([3], NOW_NS + 5, NOW_NS + 7)
    assert answered.get(timeout=10) == 3
    assert rows(user).keys() == {
        ("websocket", "join /admin"),
        ("emit", "/admin kick"),
        ("websocket", "/admin count"),
    }
    user.leave("/admin")
    user.join("/other")
    with pytest.raises(
        ValueError, match=r"/admin was not joined: self\.join\('/admin'\).*; joined: /, /other$"
    ):
        user.emit("kick", namespace="/admin")
    assert user.session.sent == [("kick", "/admin"), ("count", "/admin")]


def test_own_namespace_may_be_named(user):
    user.emit("data", namespace="/")
    assert rows(user) == {("emit", "data"): (1, 1, 0)}


def test_refused_namespace_is_a_failure_and_ends_the_task(user):
    with pytest.raises(socketio_user.Unanswered):
        user.join("/forbidden")
    assert rows(user)["websocket", "join /forbidden"][2] == 1
    with pytest.raises(ValueError, match="was not joined"):
        user.call("count", namespace="/forbidden")


def test_namespace_that_the_server_ends_is_a_failure(user):
    user.join("/admin")
    user.session.joined.clear()
    user.check()
    user.check()
    assert rows(user)["websocket", "disconnect"] == (1, 0, 1)
    (error,) = user.environment.stats.errors.values()
    assert "namespace /admin: disconnected by the server" in str(error.error)


def recorded(user, **since):
    """What becomes of a record in the handler of an event that arrives now."""
    errors = []
    user.environment.events.user_error.add_listener(
        lambda exception, **_: errors.append(str(exception))
    )
    user.on("price", lambda: user.record("price", **since))
    now_ns = time.monotonic_ns()
    user._begun_ns = now_ns
    user.session.handlers["price"]([], now_ns, now_ns)
    return errors, user._recorder.series("websocket", "price").take()


def test_time_of_day_is_converted(user):
    errors, found = recorded(user, since_wall_ns=time.time_ns() - 50_000_000)
    assert errors == []
    (took_ms,) = found.latency_ms()
    assert 40 < took_ms < 1000


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (lambda: {"since_ns": time.time_ns()}, "since_wall_ns"),
        (lambda: {"since_wall_ns": time.time_ns() + 10**9}, "clocks of different hosts differ"),
        (lambda: {"since_ns": 5}, "before this user's session began"),
        (dict, "either since_ns or since_wall_ns"),
        (lambda: {"since_ns": 5, "since_wall_ns": 5}, "either since_ns or since_wall_ns"),
    ],
)
def test_moment_that_cannot_be_is_an_error_of_the_user_and_no_latency(user, since, words):
    errors, found = recorded(user, **since())
    assert len(errors) == 1
    assert "record('price'):" in errors[0]
    assert words in errors[0]
    assert found.latency_ms() == []


def test_handler_that_always_breaks_is_told_once_and_counted(user, caplog):
    notices.forget()
    user.on("price", lambda value: value.nonsense)
    for _ in range(3):
        user.session.handlers["price"]([1], NOW_NS, NOW_NS)
    assert caplog.text.count("Traceback") == 1
    assert notices.counted() == {"a handler of price raised AttributeError": 3}


def test_schedule_of_a_lost_user_goes_on_being_counted():
    class Load:
        workload = WORKLOADS["echo"]
        unsent = 0

        def stop(self):
            pass

        def give_up(self, before_ns=None):
            return [NOW_NS] if before_ns is not None else [NOW_NS + 1] * 2

        def overdue(self, _until_ns):
            return self.unsent

    user = bench_user.BenchUser(running_environment())
    user._session = Paper()  # type: ignore[assignment]
    user._load = Load()  # type: ignore[assignment]
    user.session.ended, user.session.ended_ns = "closed by the server", NOW_NS + 1
    user.check()
    Load.unsent = 5
    user.environment.events.test_stopping.fire(environment=user.environment)
    assert user._load is None
    user._recorder.flush()
    errors = {
        str(error.error): error.occurrences for error in user.environment.stats.errors.values()
    }
    assert errors == {
        "no answer before the session was lost": 1,
        "closed by the server": 1,
        "was due after its user's session was lost": 7,
    }
    assert user._recorder.board.of("websocket", "echo").lost == 8
