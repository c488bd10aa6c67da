"""A session's cookies: what is given, what a server sets, and what a request says of them."""

from __future__ import annotations

import time
from http.cookiejar import CookieJar

import pytest

from loadtests.client.cookies import Jar
from loadtests.client.link import Server, locate
from loadtests.client.target import Target

URL = "http://127.0.0.1:5000/socket.io/"


def said(jar: Jar) -> set[str]:
    """The cookies of a request, whatever their order."""
    return set(jar.header.decode().split("; ")) - {""}


def test_session_without_cookies_says_nothing() -> None:
    jar = Jar(URL)
    assert (jar.header, jar.version) == (b"", 0)


@pytest.mark.parametrize(
    "url", [URL, "http://[::1]:5000/socket.io/", "https://example/app/socket.io/", "http://a.b.c/"]
)
def test_given_cookies_are_said_from_the_beginning_wherever_the_server_is(url: str) -> None:
    assert said(Jar(url, {"token": "x", "lang": "en"})) == {"token=x", "lang=en"}


@pytest.mark.parametrize("url", [URL, "http://[::1]:5000/socket.io/", "https://a.example/s/"])
def test_what_the_server_sets_is_said_beside_what_was_given(url: str) -> None:
    jar = Jar(url, {"token": "x"})
    jar.take([b"AWSALB=worker-2; Path=/", b"io=abc; HttpOnly; SameSite=Strict"])
    assert said(jar) == {"token=x", "AWSALB=worker-2", "io=abc"}


@pytest.mark.parametrize("url", [URL, "http://localhost:5000/socket.io/", "https://a.example/s/"])
def test_given_cookie_that_the_server_sets_anew_is_said_once(url: str) -> None:
    jar = Jar(url, {"session": "old", "lang": "en"})
    jar.take([b"session=new; HttpOnly; Path=/"])
    assert sorted(jar.header.decode().split("; ")) == ["lang=en", "session=new"]


def test_latest_value_counts_and_who_builds_heads_is_told() -> None:
    jar = Jar(URL)
    versions = [jar.version]
    for line in (b"route=a", b"route=b", b"route=b"):
        jar.take([line])
        versions.append(jar.version)
    assert (said(jar), versions) == ({"route=b"}, [0, 1, 2, 2])


@pytest.mark.parametrize("end", [b"Max-Age=0", b"Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_cookie_that_the_server_takes_back_is_gone(end: bytes) -> None:
    jar = Jar(URL)
    jar.take([b"route=a; Path=/"])
    jar.take([b"route=; Path=/; " + end])
    assert jar.header == b""


def test_cookie_goes_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    jar = Jar(URL)
    jar.take([b"short=1; Max-Age=60", b"long=1; Max-Age=6000"])
    assert said(jar) == {"short=1", "long=1"}
    version, later_s = jar.version, time.time() + 100
    monkeypatch.setattr(time, "time", lambda: later_s)
    assert said(jar) == {"long=1"}
    assert jar.version > version


@pytest.mark.parametrize(
    "line",
    [
        b"a=1; Domain=elsewhere.example",
        b"a=1; Path=/elsewhere",
        b"a=1; Secure",
        b"",
        b"; ; =",
        b"\xff\xfe",
    ],
)
def test_cookie_that_is_not_for_these_requests_is_not_said(line: bytes) -> None:
    jar = Jar(URL)
    jar.take([line])
    assert b"a=1" not in jar.header


@pytest.mark.parametrize("value", [b"\0", b"x\0y", b"x\ny", b"x\ry", b"\x7f", b"\x1b[31m"])
def test_cookie_with_a_control_character_is_none(value: bytes) -> None:
    jar = Jar(URL, {"token": "x"})
    jar.take([b"a=" + value, b"b=2"])
    assert said(jar) == {"token=x", "b=2"}


def test_given_cookie_is_said_in_utf_8() -> None:
    assert Jar(URL, {"name": "日本é"}).header == "name=日本é".encode()


def test_secure_cookie_is_said_over_tls() -> None:
    jar = Jar(URL.replace("http", "https"))
    jar.take([b"a=1; Secure"])
    assert jar.header == b"a=1"


def test_somebody_elses_cookies_are_taken_as_copies() -> None:
    theirs = Jar(URL)
    theirs.take([b"login=me"])
    login: CookieJar | None = theirs._jar
    assert login is not None
    jar = Jar(URL, {"token": "x"})
    jar.add(login)
    assert said(jar) == {"token=x", "login=me"}
    jar.take([b"login=you"])
    assert theirs.header == b"login=me"


def test_each_session_has_a_jar_of_its_own() -> None:
    server = locate("http://127.0.0.1:5000", Target(cookies={"token": "x"}))
    one, other = server.jar(), server.jar()
    one.take([b"route=a"])
    assert (said(one), said(other)) == ({"token=x", "route=a"}, {"token=x"})


def test_jar_of_an_encrypted_server_is_for_its_origin() -> None:
    server = locate("https://127.0.0.1:5000/app")
    assert isinstance(server, Server)
    jar = server.jar()
    jar.take([b"a=1; Path=/app; Secure"])
    assert (server.origin, jar.header) == ("https://127.0.0.1:5000", b"a=1")
