"""What is refused before any user is spawned."""

from __future__ import annotations

import resource
import socket
from types import SimpleNamespace

import pytest

from loadtests.machine import limits as machine_limits
from loadtests.users import preflight
from loadtests.users.preflight import files_problem, host_problem, raise_open_files
from tests.support.present import present


def user_class(carriage="websocket", host=None):
    return SimpleNamespace(host=host, carriage=lambda options: carriage)


HTTP_USER = SimpleNamespace(host=None)


@pytest.fixture
def limits(monkeypatch):
    """The limit of open files, without touching this process's."""
    values = {"now": (256, 1024)}
    fake = SimpleNamespace(
        RLIMIT_NOFILE=resource.RLIMIT_NOFILE,
        RLIM_INFINITY=resource.RLIM_INFINITY,
        getrlimit=lambda _which: values["now"],
        setrlimit=lambda _which, limits: values.update(now=limits),
    )
    monkeypatch.setattr(machine_limits, "resource", fake)
    monkeypatch.setattr(preflight, "resource", fake)
    return values


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "ws://127.0.0.1", "https://127.0.0.1:1"])
def test_host_may_be_any_of_the_four_schemes(url):
    assert host_problem(url, [user_class()], resolve=True) is None


def test_host_of_the_class_serves_where_there_is_no_other():
    assert host_problem(None, [user_class(host="http://127.0.0.1:1")], resolve=True) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "no host: give --host http://HOST:PORT"),
        ("", "no host"),
        ("ftp://127.0.0.1", "--host ftp://127.0.0.1: expected http://HOST:PORT"),
        ("127.0.0.1:5000", "--host 127.0.0.1:5000: expected"),
        ("http://127.0.0.1:port", "--host http://127.0.0.1:port: expected"),
    ],
)
@pytest.mark.parametrize("resolve", [True, False])
def test_wrong_host_is_one_line(url, words, resolve):
    problem = present(host_problem(url, [user_class()], resolve=resolve))
    assert words in problem
    assert "\n" not in problem


def test_name_that_only_workers_know_is_no_problem_of_the_master(monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr("loadtests.client.link.socket.getaddrinfo", unknown)
    assert host_problem("http://inside", [user_class()], resolve=False) is None
    assert "not known" in present(host_problem("http://inside", [user_class()], resolve=True))


def test_users_without_sessions_are_no_concern():
    assert host_problem(None, [HTTP_USER], resolve=True) is None
    assert files_problem(10**9, 1, [HTTP_USER], None) is None


@pytest.mark.parametrize(
    ("carriage", "most"), [("websocket", 924), ("polling", 462), ("upgrade", 308)]
)
def test_number_that_would_work_does_and_one_more_is_refused(limits, carriage, most):
    classes = [user_class(carriage)]
    assert files_problem(most, 1, classes, None) is None
    assert f"at most {most} users would work" in present(files_problem(most + 1, 1, classes, None))


def test_processes_share_the_users(limits):
    classes = [user_class()]
    assert files_problem(3 * 924, 3, classes, None) is None
    problem = present(files_problem(3 * 924 + 1, 3, classes, None))
    assert "at most 2772 users would work" in problem
    assert "in each of 3 processes" in problem


def test_hungriest_class_counts(limits):
    classes = [user_class(), user_class("upgrade")]
    assert "at most 308 users" in present(files_problem(924, 1, classes, None))


def test_limit_is_raised_as_far_as_it_goes(limits):
    raise_open_files()
    assert limits["now"] == (1024, 1024)


def test_class_with_transports_that_there_are_not_is_one_line():
    def carriage(_options):
        raise ValueError("ChatUser.transports is ('sse',): polling, websocket, ...")

    broken = SimpleNamespace(host=None, carriage=carriage)
    assert "ChatUser.transports" in present(files_problem(1, 1, [broken], None))
