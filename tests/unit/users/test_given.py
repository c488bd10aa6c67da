"""What a user's calls refuse, before anything is sent or recorded."""

from __future__ import annotations

import pytest

from loadtests.client import notices
from tests.unit.users.paper import Paper
from tests.unit.users.unpatched import running_environment, socketio_user

NOW_NS = 1_000_000


class Own(socketio_user.SocketIOUser):
    pass


@pytest.fixture
def user():
    result = Own(running_environment())
    result._session = Paper()  # type: ignore[assignment]
    result._now_ns = lambda: NOW_NS
    return result


@pytest.mark.parametrize(
    "call",
    [
        lambda user, name: user.emit(name),
        lambda user, name: user.call(name),
        lambda user, name: user.ask(name, answer="said"),
        lambda user, name: user.ask("say", answer=name),
        lambda user, name: user.wait_for(name),
        lambda user, name: user.on(name, print),
        lambda user, name: user.record(name, since_ns=NOW_NS),
    ],
    ids=["emit", "call", "ask", "answer", "wait_for", "on", "record"],
)
@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [(None, TypeError, "a text, not None"), (5, TypeError, "not 5"), ("", ValueError, "not empty")],
)
def test_name_that_is_no_text_or_empty_is_refused(user, call, name, kind, words):
    with pytest.raises(kind, match=words):
        call(user, name)
    assert user.session.sent == []
    user._recorder.flush()
    assert user.environment.stats.entries == {}


def test_row_that_is_no_text_is_refused(user):
    with pytest.raises(TypeError, match="not 5"):
        user.emit("data", name=5)


@pytest.mark.parametrize(
    "call",
    [
        lambda user: user.on("said", "print"),
        lambda user: user.wait_for("said", "print"),
        lambda user: user.ask("say", answer="said", matching=5),
    ],
    ids=["on", "wait_for", "ask"],
)
def test_what_cannot_be_called_is_refused(user, call):
    with pytest.raises(TypeError, match="is to be called with the event's arguments"):
        call(user)


def test_matching_that_breaks_is_no_fault_of_a_handler(user):
    notices.forget()
    errors = []
    user.environment.events.user_error.add_listener(
        lambda exception, **_: errors.append(str(exception))
    )
    user._inbox.wait(("said", None), lambda text: text["a"])
    user._listen(("said", None))
    user.session.handlers["said"](["text"], NOW_NS, NOW_NS)
    assert notices.counted() == {"matching= of said raised TypeError": 1}
    assert errors[0].startswith("matching= raised TypeError: ")


# --- namespaces


@pytest.mark.parametrize("namespace", ["admin", "/a,b", "", None, 5])
def test_namespace_that_there_cannot_be_is_refused(user, namespace):
    with pytest.raises(ValueError, match="begins with / and has no comma"):
        user.join(namespace)
    assert user.session.joined == set()


@pytest.mark.parametrize("namespace", ["/", "/admin"])
def test_namespace_that_is_joined_is_not_joined_again(user, namespace):
    user.join("/admin")
    with pytest.raises(ValueError, match=f"^{namespace} is joined already"):
        user.join(namespace)
    assert user.session.joined == {"/admin"}


def test_namespace_that_the_server_has_ended_may_be_joined_again(user):
    user.join("/admin")
    user.session.joined.clear()
    user.join("/admin")
    assert user.session.joined == {"/admin"}


def test_namespace_that_was_not_joined_cannot_be_left(user):
    with pytest.raises(ValueError, match="/admin was not joined, so it cannot be left"):
        user.leave("/admin")


def test_what_is_given_to_a_connect_handler_is_json(user):
    with pytest.raises(ValueError, match="auth: a value of type bytes is no JSON"):
        user.join("/admin", b"secret")
