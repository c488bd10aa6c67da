"""Engine.IO: payloads of several packets and the open packet, against python-engineio's classes."""

from __future__ import annotations

from itertools import pairwise

import engineio.packet
import engineio.payload
import msgspec
import pytest
import socketio.packet
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.client import packets
from loadtests.client.errors import ProtocolError
from loadtests.client.packets import Handshake, PacketType, decode_handshake
from tests.unit.client.test_packets import json_values

OPEN_PACKET = (
    b'0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,'
    b'"maxPayload":1000000}'
)

# --- payloads

#: Contents of messages: what begins like this is neither JSON nor a number to python-engineio.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x1e"), max_size=20).map(
    lambda text: '2["' + text
)
contents = st.lists(texts | st.binary(max_size=20), min_size=1, max_size=16)


def as_packet(content: str | bytes) -> bytes:
    return ("4" + content).encode() if isinstance(content, str) else b"b" + content


@given(contents)
def test_payload_is_cut_where_python_engineio_joined_it(contents: list[str | bytes]) -> None:
    sent = [engineio.packet.Packet(engineio.packet.MESSAGE, content) for content in contents]
    payload = engineio.payload.Payload(sent).encode().encode()
    assert [as_packet(content) for content in contents] == list(packets.decode_payload(payload))


@given(contents)
def test_python_engineio_cuts_the_payload_that_we_joined(contents: list[str | bytes]) -> None:
    payload = packets.encode_payload([as_packet(content) for content in contents], 1_000_000)
    found = engineio.payload.Payload(encoded_payload=payload.decode()).packets
    assert [engineio.packet.MESSAGE] * len(contents) == [packet.packet_type for packet in found]
    assert contents == [packet.data for packet in found]


def drained(outbox: list[bytes], longest: int) -> list[bytes]:
    """Every payload that it takes; each must take something."""
    outbox, payloads = list(outbox), []
    while outbox:
        left = len(outbox)
        payloads.append(packets.encode_payload(outbox, longest))
        assert len(outbox) < left
    return payloads


@given(contents, st.integers(1, 80))
def test_payloads_lose_nothing_and_keep_the_order(
    contents: list[str | bytes], longest: int
) -> None:
    outbox = [as_packet(content) for content in contents]
    assert outbox == [
        packet for payload in drained(outbox, longest) for packet in packets.decode_payload(payload)
    ]


@given(contents, st.integers(1, 80))
def test_no_payload_is_too_long_but_one_of_a_single_packet(
    contents: list[str | bytes], longest: int
) -> None:
    for payload in drained([as_packet(content) for content in contents], longest):
        assert len(payload) <= longest or packets.SEPARATOR not in payload


@given(contents, st.integers(1, 80))
def test_every_payload_is_as_full_as_it_may_be(contents: list[str | bytes], longest: int) -> None:
    payloads = drained([as_packet(content) for content in contents], longest)
    for payload, following in pairwise(payloads):
        behind = following.split(packets.SEPARATOR)[0]
        assert len(payload) + len(packets.SEPARATOR) + len(behind) > longest


@pytest.mark.parametrize(
    ("outbox", "length"),
    [([b"4aa", b"4bb"], 7), ([b"4aa", b"bbb"], 9), ([b"baa", b"bbb", b"4"], 13)],
)
def test_payload_of_exactly_the_longest_length_is_allowed_and_one_byte_more_is_not(
    outbox: list[bytes], length: int
) -> None:
    assert [length] == [len(payload) for payload in drained(outbox, length)]
    assert len(drained(outbox, length - 1)) == 2


def test_packet_that_is_too_long_by_itself_goes_by_itself() -> None:
    outbox = [b"41", b"4" + b"x" * 100, b"42", b"43"]
    assert drained(outbox, 10) == [b"41", b"4" + b"x" * 100, b"42\x1e43"]


@pytest.mark.parametrize(
    "part", [b"b=", b"bQQ", b"bQQ==QQ==", b"bQ Q=", b"bQQ=\n", b"b\xff", b"b*"]
)
@pytest.mark.parametrize("payload", [b"%s", b"42[]\x1e%s", b"%s\x1ebQQ=="])
def test_what_is_no_base64_is_a_protocol_error(part: bytes, payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="not base64"):
        list(packets.decode_payload(payload % part))


@given(st.lists(st.binary(max_size=20), max_size=4).map(b"\x1eb".join))
def test_any_bytes_are_a_payload_or_a_protocol_error(data: bytes) -> None:
    try:
        found = list(packets.decode_payload(data))
    except ProtocolError:
        return
    assert len(found) == data.count(packets.SEPARATOR) + 1


@pytest.mark.parametrize(
    ("ours", "number"),
    [
        (packets.OPEN, engineio.packet.OPEN),
        (packets.CLOSE, engineio.packet.CLOSE),
        (packets.PING, engineio.packet.PING),
        (packets.PONG, engineio.packet.PONG),
        (packets.MESSAGE, engineio.packet.MESSAGE),
        (packets.UPGRADE, engineio.packet.UPGRADE),
        (packets.NOOP, engineio.packet.NOOP),
        (packets.CLOSE_PACKET[0], engineio.packet.CLOSE),
        (packets.PONG_PACKET[0], engineio.packet.PONG),
    ],
)
def test_packet_types_are_python_engineios(ours: int, number: int) -> None:
    assert str(number).encode() == bytes((ours,))


def test_packet_types_are_python_socketios() -> None:
    assert socketio.packet.packet_names == [kind.name for kind in PacketType]


# --- the open packet


def test_open_packet_says_how_the_heart_beats() -> None:
    assert Handshake("abc", ["websocket"], 25000, 20000, 1000000) == decode_handshake(OPEN_PACKET)


@given(st.text(max_size=20), st.integers(0, 10**6), st.integers(0, 10**6))
def test_open_packet_of_python_engineio_is_read(sid: str, interval: int, timeout: int) -> None:
    data = {"sid": sid, "upgrades": [], "pingTimeout": timeout, "pingInterval": interval}
    packet = engineio.packet.Packet(engineio.packet.OPEN, data).encode().encode()
    assert Handshake(sid, [], interval, timeout) == decode_handshake(packet)


def test_unknown_fields_of_an_open_packet_are_left_alone() -> None:
    packet = OPEN_PACKET.replace(b"{", b'{"future":{"a":[1]},', 1)
    assert decode_handshake(OPEN_PACKET) == decode_handshake(packet)


def test_heartbeat_that_is_written_as_a_float_is_a_number_too() -> None:
    # The protocol document says "number"; servers in other languages write 25000.0.
    packet = OPEN_PACKET.replace(b"25000", b"25000.0")
    assert decode_handshake(packet).ping_interval == 25000


def test_older_protocol_is_called_by_its_name() -> None:
    # A payload of Engine.IO 3 puts the length before each packet.
    payload = b"%d:%s2:40" % (len(OPEN_PACKET), OPEN_PACKET)
    with pytest.raises(ProtocolError, match=r"speaks Engine\.IO 3, this client speaks 4"):
        decode_handshake(payload)


@pytest.mark.parametrize("packet", [b"9", b"96:", b"2:40", b"x96:0{", b'40{"sid":"x"}'])
def test_what_is_no_older_protocol_is_not_called_one(packet: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"packet, got .*(?<!speaks 4)$"):
        decode_handshake(packet)


NO_OPEN_PACKETS = {
    "nothing": b"",
    "another packet": b'40{"sid":"x"}',
    "a JSON list": b"0[]",
    "no JSON": b"0hello",
    "no session id": OPEN_PACKET.replace(b'"sid":"abc",', b""),
    "a session id that is a number": OPEN_PACKET.replace(b'"abc"', b"7"),
    "upgrades that are a word": OPEN_PACKET.replace(b'["websocket"]', b'"websocket"'),
    "a heartbeat that is a word": OPEN_PACKET.replace(b"25000", b'"25 s"'),
    "a heartbeat that is nothing": OPEN_PACKET.replace(b"25000", b"null"),
    "a session id that is not UTF-8": OPEN_PACKET.replace(b"abc", b"\xff"),
    "a hundred thousand brackets": b'0{"x":' + b"[" * 100_000,
}


@pytest.mark.parametrize("packet", NO_OPEN_PACKETS.values(), ids=NO_OPEN_PACKETS.keys())
def test_what_is_no_open_packet_is_a_protocol_error(packet: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_handshake(packet)


@given(st.binary(max_size=40) | json_values.map(lambda value: b"0" + msgspec.json.encode(value)))
@example(b"0")
def test_any_bytes_are_a_handshake_or_a_protocol_error(data: bytes) -> None:
    try:
        found = decode_handshake(data)
    except ProtocolError:
        return
    assert isinstance(found, Handshake)
