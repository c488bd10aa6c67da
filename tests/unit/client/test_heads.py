"""Heads of requests: a browser's in its order, or lean, with what an application wants said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.client import heads
from loadtests.client.link import Server, locate
from loadtests.client.target import Target

URL = "http://127.0.0.1:5000"
HANDSHAKE = "EIO=4&transport=websocket"

#: As Chromium sends them over http/1.1.
BROWSERS_GET = [
    "Host",
    "Connection",
    "sec-ch-ua-platform",
    "User-Agent",
    "Accept",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "Sec-Fetch-Site",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Dest",
    "Referer",
    "Accept-Encoding",
    "Accept-Language",
    "Cookie",
]
BROWSERS_POST = [
    "Host",
    "Connection",
    "Content-Length",
    "sec-ch-ua-platform",
    "User-Agent",
    "Accept",
    "sec-ch-ua",
    "Content-type",
    "sec-ch-ua-mobile",
    "Origin",
    "Sec-Fetch-Site",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Dest",
    "Referer",
    "Accept-Encoding",
    "Accept-Language",
    "Cookie",
]
BROWSERS_HANDSHAKE = [
    "Host",
    "Connection",
    "Pragma",
    "Cache-Control",
    "User-Agent",
    "Upgrade",
    "Origin",
    "Sec-WebSocket-Version",
    "Accept-Encoding",
    "Accept-Language",
    "Cookie",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Extensions",
]


def parsed(request: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """The first line, the headers in their order, and the body."""
    head, end, body = request.partition(b"\r\n\r\n")
    assert end
    first, *lines = head.decode().split("\r\n")
    pairs = [tuple(line.split(": ", 1)) for line in lines]
    return first, [(name, value) for name, value in pairs], body


def names(request: bytes) -> list[str]:
    return [name for name, _ in parsed(request)[1]]


def requests(server: Server, cookie: bytes = b"a=1") -> dict[str, bytes]:
    """One of each kind."""
    polling = heads.polling(server, "abc", cookie)
    return {
        "GET": polling.get(),
        "POST": polling.post(b"4x"),
        "handshake": heads.handshake(server, HANDSHAKE, b"key", cookie),
    }


KINDS = ["GET", "POST", "handshake"]


@pytest.fixture
def server() -> Server:
    return locate(URL)


# --- a browser's


ORDERS = [("GET", BROWSERS_GET), ("POST", BROWSERS_POST), ("handshake", BROWSERS_HANDSHAKE)]


@pytest.mark.parametrize(("kind", "expected"), ORDERS)
def test_headers_stand_in_a_browsers_order(server: Server, kind: str, expected: list[str]) -> None:
    assert expected == names(requests(server)[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lean", [False, True])
def test_cookie_is_said_where_there_is_one(server: Server, kind: str, lean: bool) -> None:
    server = replace(server, lean=lean)
    said = dict(parsed(requests(server, b"a=1; b=2")[kind])[1])
    assert said["Cookie"] == "a=1; b=2"
    silent = names(requests(server, b"")[kind])
    assert [name for name in said if name != "Cookie"] == silent


@pytest.mark.parametrize("length", [0, 2, 70_000])
def test_post_has_its_length_and_its_body(server: Server, length: int) -> None:
    for lean in (False, True):
        body = b"\0" * length
        request = heads.polling(replace(server, lean=lean), "abc", b"").post(body)
        _, headers, found = parsed(request)
        assert (dict(headers)["Content-Length"], found) == (str(length), body)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (URL, URL),
        ("http://127.0.0.1/app", "http://127.0.0.1"),
        ("ws://127.0.0.1:80", "http://127.0.0.1:80"),
        ("wss://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("http://[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_page_is_of_the_servers_own_origin(url: str, origin: str) -> None:
    made = requests(locate(url))
    for kind in ("POST", "handshake"):
        headers = dict(parsed(made[kind])[1])
        assert (headers["Origin"], headers["Host"]) == (origin, origin.partition("//")[2])
    assert dict(parsed(made["GET"])[1])["Referer"] == f"{origin}/"


def test_each_request_of_a_browser_has_a_stamp_of_its_own(server: Server) -> None:
    polling = heads.polling(server, "abc", b"")
    targets = [parsed(each)[0] for each in (polling.get(), polling.get(), polling.post(b""))]
    stamps = [target.partition("&t=")[2].partition("&")[0] for target in targets]
    assert len(set(stamps)) == 3
    assert {len(stamp) for stamp in stamps} == {8}
    assert [target.replace(stamp, "T") for target, stamp in zip(targets, stamps, strict=True)] == [
        "GET /socket.io/?EIO=4&transport=polling&t=T&sid=abc HTTP/1.1",
        "GET /socket.io/?EIO=4&transport=polling&t=T&sid=abc HTTP/1.1",
        "POST /socket.io/?EIO=4&transport=polling&t=T&sid=abc HTTP/1.1",
    ]


def test_first_request_names_no_session(server: Server) -> None:
    assert b"sid=" not in heads.polling(server, "", b"").get()


# --- as little as will do


def test_lean_requests_say_little(server: Server) -> None:
    made = requests(replace(server, lean=True), b"")
    assert names(made["GET"]) == ["Host", "Accept", "Accept-Encoding", "Connection"]
    assert names(made["POST"]) == [*names(made["GET"]), "Content-type", "Content-Length"]
    assert names(made["handshake"]) == [
        "Host",
        "Connection",
        "Upgrade",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Extensions",
    ]
    assert b"&t=" not in made["GET"] + made["POST"]
    assert dict(parsed(made["GET"])[1])["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("lean", [False, True])
def test_who_does_not_compress_offers_nothing(server: Server, lean: bool) -> None:
    silent = requests(replace(server, lean=lean, compression=False))["handshake"]
    assert "Sec-WebSocket-Extensions" not in names(silent)


# --- what the application wants


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_own_headers_take_the_place_of_those_of_the_same_name(kind: str, lean: bool) -> None:
    usual = requests(locate(URL, lean=lean))[kind]
    own = {"accept-encoding": "identity", "HOST": "example", "Authorization": "Bearer x"}
    found = requests(locate(URL, Target(headers=own), lean=lean))[kind]
    headers = parsed(found)[1]
    assert headers[0] == ("Host", "example")
    said = dict(headers)
    assert said["Authorization"] == "Bearer x"
    assert [value for name, value in headers if name.lower() == "accept-encoding"] == ["identity"]
    # All others stand where they stood.
    replaced = {"authorization", "accept-encoding"}
    assert [name for name, _ in headers if name.lower() not in replaced] == [
        name for name in names(usual) if name.lower() not in replaced
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_own_parameters_are_said_in_every_request_before_the_protocols(kind: str) -> None:
    target = Target(path="/live", query={"room": "a b&c", "ä": "="})
    line = parsed(requests(locate(f"{URL}/app", target))[kind])[0]
    assert line.split(" ")[1].startswith("/app/live/?room=a+b%26c&%C3%A4=%3D&EIO=4&transport=")
