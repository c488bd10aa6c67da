"""Socket.IO packets, against python-socketio's own packet class."""

from __future__ import annotations

from typing import Any

import engineio.packet
import engineio.payload
import pytest
import socketio.packet
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client import packets
from loadtests.client.errors import ProtocolError
from loadtests.client.packets import Packet, PacketType, decode, encode

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
namespaces = st.just("/") | st.text(
    st.characters(codec="utf-8", exclude_characters=",?\x1e"), max_size=10
).map(lambda name: "/" + name)
ids = st.none() | st.integers(min_value=0, max_value=10**18)


@st.composite
def socketio_packets(draw: st.DrawFn) -> Packet:
    """Any packet that a server or a client may send, without attachments."""
    kind = draw(st.sampled_from([0, 1, 2, 3, 4]))
    data: Any = None
    identity = None
    if kind in (PacketType.EVENT, PacketType.ACK):
        data = draw(st.lists(json_values, max_size=3))
        identity = draw(ids if kind == PacketType.EVENT else ids.filter(lambda i: i is not None))
    if kind == PacketType.EVENT:
        data = [draw(st.text(max_size=10)), *data]
    if kind in (PacketType.CONNECT, PacketType.CONNECT_ERROR):
        data = draw(st.none() | st.dictionaries(st.text(max_size=8), json_values, max_size=3))
    return Packet(kind, draw(namespaces), identity, data)


def theirs(packet: Packet) -> str:
    """What python-socketio sends inside python-engineio's message packet."""
    encoded = socketio.packet.Packet(
        packet.type, data=packet.data, namespace=packet.namespace, id=packet.id, binary=False
    ).encode()
    return str(engineio.packet.Packet(engineio.packet.MESSAGE, encoded).encode())


# --- Socket.IO, against python-socketio


@given(socketio_packets())
def test_we_read_what_python_socketio_sends(packet: Packet) -> None:
    assert packet == decode(theirs(packet).encode())


@given(socketio_packets())
def test_python_socketio_reads_what_we_send(packet: Packet) -> None:
    [text] = (part.decode() for part in encode(packet))
    assert int(text[0]) == engineio.packet.MESSAGE
    found = socketio.packet.Packet(encoded_packet=text[1:])
    assert packet == Packet(found.packet_type, found.namespace or "/", found.id, found.data)


@given(socketio_packets())
def test_packet_survives_the_round_trip(packet: Packet) -> None:
    assert packet == decode(encode(packet)[0])


@given(namespaces, st.text(max_size=20), st.lists(json_values, max_size=3))
def test_event_is_its_name_and_its_arguments(
    namespace: str, name: str, arguments: list[Any]
) -> None:
    packet = packets.encode_event(namespace, name, *arguments)
    assert Packet(PacketType.EVENT, namespace, None, [name, *arguments]) == decode(packet)


#: From the protocol document's own examples, behind Engine.IO's "4".
EXAMPLES = {
    "connect to the main namespace": (b"40", Packet(0, "/", None, None)),
    "connect to a namespace": (b"40/admin,", Packet(0, "/admin", None, None)),
    "connect without the comma": (b"40/admin", Packet(0, "/admin", None, None)),
    "connected": (b'40/test,{"sid":"x"}', Packet(0, "/test", None, {"sid": "x"})),
    "disconnect": (b"41/admin,", Packet(1, "/admin", None, None)),
    "event": (b'42["hello",1]', Packet(2, "/", None, ["hello", 1])),
    "event with an id": (b'42/admin,456["p",{}]', Packet(2, "/admin", 456, ["p", {}])),
    "id of zero": (b'420["hello"]', Packet(2, "/", 0, ["hello"])),
    "acknowledgement": (b"43/admin,456[]", Packet(3, "/admin", 456, [])),
    "refused": (b'44{"message":"no"}', Packet(4, "/", None, {"message": "no"})),
    "refused in a word": (b'44"no"', Packet(4, "/", None, "no")),
}


@pytest.mark.parametrize(("packet", "expected"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_packet_is_read_as_the_protocol_says(packet: bytes, expected: Packet) -> None:
    assert expected == decode(packet)


# --- what is no packet

GARBAGE = {
    "nothing": b"",
    "Engine.IO's head alone": b"4",
    "another Engine.IO packet": b'22["a"]',
    "an unknown type": b'47["a"]',
    "a letter for a type": b'4x["a"]',
    "a binary event without a count": b'45["a"]',
    "an event with a count": b'421-["a"]',
    "an acknowledgement without a number": b"43[]",
    "an acknowledgement without a list": b'431{"a":1}',
    "more attachments than anybody sends": b'4599999-["a"]',
    "an event without data": b"42",
    "an event without a name": b"42[]",
    "an event that is an object": b'42{"a":1}',
    "an event that is a word": b'42"a"',
    "half an event": b'42["a"',
    "two events": b'42["a"]["b"]',
    "not a number": b"42[NaN]",
    "a name that is not UTF-8": b'42["\xff"]',
    "a namespace that is not UTF-8": b'42/\xff,["a"]',
    "half a surrogate pair": b'42["\\ud800"]',
    "an id of five thousand digits": b"42" + b"1" * 5000 + b'["a"]',
    "a hundred thousand brackets": b"42" + b"[" * 100_000,
}


@pytest.mark.parametrize("packet", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_a_protocol_error(packet: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(packet)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: b"42" + tail))
def test_any_bytes_are_a_packet_or_a_protocol_error(data: bytes) -> None:
    try:
        found = decode(data)
    except ProtocolError:
        return
    assert found.type in range(7)
    assert found.namespace.startswith("/")


@pytest.mark.parametrize("packet", [b'42["hush","%s"', b'42/hush,["%s"', b'431["%s"\xff'])
def test_protocol_error_is_the_same_whatever_is_in_the_packet(packet: bytes) -> None:
    said = []
    for payload in (b"hush", b"k3Jx_8-abc" * 1000):
        with pytest.raises(ProtocolError) as caught:
            decode(packet % payload)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith("not a Socket.IO packet: an ")
    assert "hush" not in said[0]
