"""Messages with an identity, in exactly their stated length."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client import packets
from loadtests.client.errors import ProtocolError
from loadtests.record.application import ECHO_EVENT, NAMESPACE, RESPONSE_EVENT
from loadtests.scenarios.messages import MessageMaker, identity, identity_of


@given(st.integers(0, 9999), st.integers(0, 99_999_999), st.integers(16, 500))
def test_message_carries_its_identity_in_its_stated_length(
    publisher: int, number: int, payload_bytes: int
) -> None:
    packet = MessageMaker(ECHO_EVENT, publisher, payload_bytes).make(number)
    found = packets.decode(packet)
    name, argument = found.data
    assert ("/test", "my event", payload_bytes) == (found.namespace, name, len(argument["data"]))
    assert (publisher, number) == identity([argument])


def test_longest_payload_is_as_long_as_it_says() -> None:
    _, argument = packets.decode(MessageMaker(ECHO_EVENT, 1, 500_000).make(7)).data
    assert len(argument["data"]) == 500_000


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [None],
        ["0:1:x"],
        [{}],
        [{"other": "0:1:x"}],
        [{"data": "Connected"}],
        [{"data": "1:2"}],
        [{"data": "a:b:c"}],
        [{"data": 5}],
        [{"data": ["0", "1", ""]}],
    ],
)
def test_message_of_somebody_else_has_no_identity(arguments: list[Any]) -> None:
    assert identity(arguments) is None


@given(st.integers(0, 9999), st.integers(0, 99_999_999), st.integers(16, 500))
def test_identity_of_a_packet_is_that_of_its_event(
    publisher: int, number: int, payload_bytes: int
) -> None:
    packet = MessageMaker(RESPONSE_EVENT, publisher, payload_bytes).make(number)
    assert (publisher, number) == identity_of(packet)


@pytest.mark.parametrize(
    ("data", "expected"),
    [("Connected", None), ("1:2:y", (1, 2)), ("1:2:\\u0078", (1, 2)), ("1:2", None)],
)
def test_packet_in_another_form_is_decoded(data: str, expected: tuple[int, int] | None) -> None:
    packet = b'42/test,["my response", {"data": "%s"}]' % data.encode()
    assert expected == identity_of(packet)
    other = packets.encode_event(NAMESPACE, RESPONSE_EVENT, {"data": "3:4:x", "more": 1})
    assert identity_of(other) == (3, 4)


@pytest.mark.parametrize("namespace", ["/", "/test", "/chat/a@b"])
def test_message_goes_to_the_namespace_that_was_joined(namespace: str) -> None:
    packet = MessageMaker(RESPONSE_EVENT, 3, 32, namespace).make(4)
    found = packets.decode(packet)
    assert (found.namespace, len(found.data[1]["data"])) == (namespace, 32)
    assert identity_of(packet) == (3, 4)


def test_packet_that_is_none_has_no_identity_but_an_error() -> None:
    with pytest.raises(ProtocolError):
        identity_of(b'42/test,["my response",{"data":"0:1:xx"}')
