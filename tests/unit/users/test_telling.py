"""What Locust's options tell connections, and what goes before what."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.client.session import Session
from loadtests.client.target import Target
from loadtests.record.words import Client, Transport
from loadtests.scenarios.bench import Place
from loadtests.users.preflight import host_problem
from loadtests.users.telling import add_target_options, compression_of, located, target_of
from tests.unit.users.unpatched import Environment, bench_user, socketio_user


class Own(socketio_user.SocketIOUser):
    namespace = "/chat"
    auth = "class"
    host = "http://127.0.0.1:1"


def user(**options: Any) -> Own:
    return Own(Environment(parsed_options=Namespace(**options)))


def test_options_are_told() -> None:
    options = Namespace(header=["X-Token:abc"], auth='"me"', users=3)
    assert target_of(options) == Target(headers={"X-Token": "abc"}, auth="me")
    assert target_of(None) == Target()


def test_options_go_before_what_a_class_says() -> None:
    below = Target(headers={"x-token": "class", "X-Other": "class"}, path="/live")
    found = target_of(Namespace(header=["X-Token:abc"]), below)
    assert found == Target(headers={"X-Other": "class", "X-Token": "abc"}, path="/live")


def test_compression_is_offered_unless_somebody_says_not_to() -> None:
    assert compression_of(None)
    assert compression_of(Namespace(no_compression=False))
    assert not compression_of(Namespace(no_compression=True))


def test_user_connects_where_its_options_say() -> None:
    one = user(path="/live", no_compression=True, query=["a=b"])
    server = one.locate()
    assert (server.path, server.compression, server.target.query) == ("/live/", False, {"a": "b"})


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, ("/chat", "class")), ({"namespace": "/", "auth": '"option"'}, ("/", "option"))],
)
def test_namespace_and_auth_of_the_options_go_before_those_of_the_class(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], expected: tuple[str, str]
) -> None:
    connected = []

    def connect(session: Any, auth: Any, _timeout_s: float) -> None:
        connected.append((session.namespace, auth))

    monkeypatch.setattr(Session, "connect", connect)
    user(**options)._open()
    assert connected == [expected]


def test_trial_says_where_its_users_connect_and_what_they_are_told() -> None:
    target = Target(namespace="/chat", query={"a": "b"})
    place = Place(
        "http://127.0.0.1:1",
        Transport.WEBSOCKET,
        "trial",
        client=Client.LEAN,
        target=target,
        compression=False,
    )
    one = bench_user.BenchUser(Environment(parsed_options=Namespace(header=["X:not told"])))
    one.conductor = SimpleNamespace(assignment=SimpleNamespace(place=place))  # type: ignore[assignment]
    server = one.locate()
    assert (server.target, server.lean, server.compression) == (target, True, False)
    assert one.make_session(server).namespace == "/chat"


def test_server_is_looked_for_once_whatever_is_said_there(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getaddrinfo(*arguments: Any, **_more: Any) -> list[Any]:
        asked.append(arguments)
        return [(2, 1, 6, "", ("127.0.0.1", 1))]

    monkeypatch.setattr("loadtests.client.link.socket.getaddrinfo", getaddrinfo)
    servers = [located("http://once.example:1", Target(auth=number)) for number in range(3)]
    assert len(asked) == 1
    assert [server.target.auth for server in servers] == [0, 1, 2]


def test_options_that_make_no_sense_are_a_problem_before_anybody_is_spawned() -> None:
    with pytest.raises(ValueError, match="--cookie: expected NAME=VALUE"):
        target_of(Namespace(cookie=["abc"]))


def test_authorities_that_are_none_are_a_problem_of_theirs(tmp_path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    users = [SimpleNamespace(host=None, carriage=lambda _options: "websocket")]
    options = Namespace(ca_file=str(file))
    problem = host_problem("https://127.0.0.1:1", users, resolve=True, options=options)
    assert problem is not None
    assert problem.startswith(f"ca_file {file}: ")


def test_options_are_on_no_web_page() -> None:
    class Parser(ArgumentParser):
        hidden = True

        def add_argument(self, *names: Any, **more: Any) -> Any:
            if "help" not in names and names[0] not in ("-h", "--help"):
                self.hidden &= more.pop("include_in_web_ui") is False
            return super().add_argument(*names, **more)

    parser = Parser()
    add_target_options(parser)
    assert parser.hidden
    found = parser.parse_args(["--header", "A:1", "--header", "B:2", "--insecure"])
    assert target_of(found) == Target(headers={"A": "1", "B": "2"}, insecure=True)
