"""What is told of a refusal: the server's words in one line, no page and no id."""

from __future__ import annotations

import pytest

from loadtests.client import refusals
from loadtests.client.errors import ProtocolError
from loadtests.client.http import Response
from loadtests.client.packets import decode_handshake

PAGE = (
    b"<!DOCTYPE html>\n<html><head><TITLE>502 &amp;\n Bad</TITLE></head><body>secret</body></html>"
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"no such transport", "no such transport"),
        (b"", ""),
        (b"  two\r\n\tlines \n", "two lines"),
        (b'{"code":0,"message":"Transport unknown"}', '{"code":0,"message":"Transport unknown"}'),
        (b"\xff\x00bytes", "\ufffd\ufffdbytes"),
        (b"\x1b[31mred\xc2\x9b", "\ufffd[31mred\ufffd"),
        (b"<title>\x1b]0;owned\x07</title>", "a page of HTML, '\ufffd]0;owned\ufffd'"),
        (PAGE, "a page of HTML, '502 & Bad'"),
        (b"\n <html><body>secret", "a page of HTML"),
        (b"<h1>secret</h1>", "a page of HTML"),
        (b"<title></title>", "a page of HTML"),
        (b"<title>" + b"t" * 500, "a page of HTML, '" + "t" * 80 + "'"),
        (b"<html>" + b" " * 5000 + b"<title>far away</title>", "a page of HTML"),
        (b"<b>no page</b>", "<b>no page</b>"),
    ],
)
def test_body_is_told_in_one_line_and_a_page_by_its_title(body: bytes, expected: str) -> None:
    assert refusals.body_line(body) == expected


def test_long_words_end() -> None:
    assert refusals.body_line(b"x" * 10_000_000) == "x" * 200


@pytest.mark.parametrize(
    "body",
    [
        b'"Invalid session"',
        b'"Invalid session k3Jx_8-abc"',
        b'{"code":1,"message":"Session ID unknown"}',
        b"Unknown session k3Jx_8-abc",
    ],
)
def test_unknown_session_is_explained_and_its_id_is_not_told(body: bytes) -> None:
    told = refusals.body_line(body)
    assert "sticky sessions" in told
    assert "k3Jx" not in told
    assert told == refusals.body_line(body.replace(b"k3Jx_8-abc", b"another-id")), "alike for all"


def test_own_id_is_not_repeated_wherever_it_stands() -> None:
    told = refusals.body_line(b"no room for k3Jx_8 here", "k3Jx_8")
    assert told == "no room for (its id) here"


def test_redirection_says_where_to() -> None:
    moved = Response(302, b"moved", True, b"https://elsewhere/")
    assert refusals.refusal_line(moved) == " to https://elsewhere/: moved"
    assert refusals.refusal_line(Response(400, b"no", True)) == ": no"


def test_redirection_is_told_without_the_parameters_of_its_request() -> None:
    asked = b"https://elsewhere/socket.io/?EIO=4&transport=polling&t=00c0ffee&sid=k3Jx&token=secret"
    moved = Response(301, b"", True, asked)
    assert refusals.refusal_line(moved, "k3Jx") == " to https://elsewhere/socket.io/"


# --- where a session should have begun


def test_page_in_place_of_an_open_packet_is_told_by_its_title() -> None:
    with pytest.raises(ProtocolError, match=r"open packet, got a page of HTML, '502 & Bad'$"):
        decode_handshake(PAGE)


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (b'0{"sid":"k3Jx","upgrades":7}', r"unreadable open packet: Expected `array`"),
        (b'0{"sid" : "k3Jx', "unreadable open packet: Input data was truncated$"),
        (b'97:0{"sid":"k3Jx"}2:40', r"got what begins with b'9'; the server speaks Engine\.IO 3"),
        (b'40{"sid":"k3Jx"}', "got a connect$"),
        (b"", "got an empty packet$"),
    ],
)
def test_open_packet_that_is_unreadable_is_told_without_what_is_in_it(
    packet: bytes, words: str
) -> None:
    with pytest.raises(ProtocolError, match=words) as told:
        decode_handshake(packet)
    assert "k3Jx" not in str(told.value)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (b'42["hush"]', "an event"),
        (b"45hush", "a binary event"),
        (b"4hush", "a message that begins with b'h'"),
        (b"bhush", "a binary message"),
        (b"6", "a noop packet"),
        (b"hush", "what begins with b'h'"),
    ],
)
def test_packet_is_told_by_its_type_alone(packet: bytes, expected: str) -> None:
    assert refusals.kind(packet) == expected


def test_complaint_has_no_places_in_it() -> None:
    assert refusals.why(ValueError("JSON is malformed: no end (byte 12)")) == (
        "JSON is malformed: no end"
    )
    assert refusals.why(UnicodeDecodeError("utf-8", b"hush", 0, 1, "odd")) == "no UTF-8"


def test_word_is_no_id() -> None:
    assert refusals.without_ids("no sid k3Jx_8", ["sid", "k3Jx_8"]) == "no sid (its id)"
