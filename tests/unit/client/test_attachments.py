"""Socket.IO packets with binary attachments, against python-socketio's own packet class."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import engineio.packet
import pytest
import socketio.packet
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.packets import Packet, PacketDecoder, PacketType, encode, encode_event
from tests.unit.client.test_packets import ids, json_values, namespaces

HOLE = b'{"_placeholder":true,"num":0}'

#: JSON with bytes anywhere in it.
binary_values = st.recursive(
    json_values | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)

#: The same in all the types that Python has for bytes and for a list.
odd_values = st.recursive(
    json_values
    | st.binary(max_size=20)
    | st.binary(max_size=20).map(bytearray)
    | st.binary(max_size=20).map(lambda data: memoryview(data)[::2]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def messages(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Packet]:
    """Events and acknowledgements of such values, with the types that they have before encoding."""
    arguments = st.lists(values, max_size=3)
    names = st.text(max_size=10)
    events = st.builds(
        lambda namespace, number, name, data: Packet(2, namespace, number, [name, *data]),
        *(namespaces, ids, names, arguments),
    )
    numbers = ids.filter(lambda number: number is not None)
    acknowledgements = st.builds(
        lambda namespace, number, data: Packet(3, namespace, number, data),
        *(namespaces, numbers, arguments),
    )
    return events | acknowledgements


def plain(data: Any) -> Any:
    """What arrives of it: bytes are bytes, and JSON has lists only."""
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    return [plain(value) for value in data] if isinstance(data, list | tuple) else data


def count_of(data: Any) -> int:
    """How many attachments plain data has."""
    if isinstance(data, dict):
        data = list(data.values())
    return sum(map(count_of, data)) if isinstance(data, list) else int(isinstance(data, bytes))


def as_sent(packet: Packet) -> Packet:
    """The packet with the type and the count that it has on the wire."""
    count = count_of(packet.data)
    return packet._replace(type=packet.type + 3 * (count > 0), attachments=count)


def theirs(packet: Packet) -> list[bytes]:
    """What python-socketio sends by python-engineio's message packets, ``b`` before binary ones."""
    encoded = socketio.packet.Packet(
        packet.type, data=packet.data, namespace=packet.namespace, id=packet.id
    ).encode()
    parts = encoded if isinstance(encoded, list) else [encoded]
    wire = [engineio.packet.Packet(engineio.packet.MESSAGE, part).encode() for part in parts]
    return [part.encode() if isinstance(part, str) else b"b" + part for part in wire]


def read_by_them(parts: list[bytes]) -> Packet:
    text, *attachments = parts
    assert int(text[:1]) == engineio.packet.MESSAGE
    found = socketio.packet.Packet(encoded_packet=text[1:].decode())
    complete = not attachments
    for part in attachments:
        assert (part[:1], complete) == (b"b", False)
        complete = found.add_attachment(part[1:])
    assert complete
    namespace = found.namespace or "/"
    return Packet(found.packet_type, namespace, found.id, found.data, found.attachment_count)


def read(parts: list[bytes], decoder: PacketDecoder | None = None) -> Packet:
    """The packet, which must come with the last part and not before."""
    decoder = decoder or PacketDecoder()
    *first, last = parts
    for part in first:
        assert (decoder.feed(part), decoder.waiting) == (None, True)
    found = decoder.feed(last)
    assert not decoder.waiting
    assert found is not None
    return found


# --- against python-socketio


@given(messages(binary_values))
def test_we_read_what_python_socketio_sends_with_attachments(packet: Packet) -> None:
    assert as_sent(packet) == read(theirs(packet))


@given(messages(odd_values))
def test_python_socketio_reads_what_we_send_with_attachments(packet: Packet) -> None:
    packet = packet._replace(data=list(packet.data))
    expected = as_sent(packet._replace(data=plain(packet.data)))
    assert expected == read_by_them(encode(packet))


@given(messages(odd_values))
def test_attachments_survive_the_round_trip(packet: Packet) -> None:
    expected = as_sent(packet._replace(data=plain(packet.data)))
    assert expected == read(encode(packet))


@given(st.lists(messages(binary_values), max_size=2))
def test_decoder_reads_one_packet_after_another(sent: list[Packet]) -> None:
    decoder = PacketDecoder()
    assert [as_sent(packet) for packet in sent] == [
        read(encode(packet), decoder) for packet in sent
    ]


def test_encoding_leaves_what_was_to_be_sent_as_it_was() -> None:
    data = ["a", {"b": [b"c"]}, bytearray(b"d")]
    encode(Packet(PacketType.EVENT, "/", None, data))
    assert data == ["a", {"b": [b"c"]}, bytearray(b"d")]


def test_attachment_is_what_it_was_when_it_was_sent() -> None:
    reused = bytearray(b"before")
    parts = encode(Packet(PacketType.EVENT, "/", None, ["a", memoryview(reused)]))
    reused[:] = b"after!"
    assert read(parts).data == ["a", b"before"]


@pytest.mark.parametrize("attachment", [b"", b"x", bytearray(b"x"), memoryview(b"x")])
def test_event_with_bytes_is_not_one_packet(attachment: Any) -> None:
    with pytest.raises(ValueError, match="several packets"):
        encode_event("/test", "name", {"deep": (attachment,)})


#: From the protocol document's own examples, behind Engine.IO's "4".
EXAMPLES = {
    "event": (
        [b'451-["hello",' + HOLE + b"]", b"b\x01\x02\x03"],
        Packet(5, "/", None, ["hello", b"\x01\x02\x03"], 1),
    ),
    "event in a namespace with an id": (
        [b'451-/admin,456["p",' + HOLE + b"]", b"b\x01"],
        Packet(5, "/admin", 456, ["p", b"\x01"], 1),
    ),
    "acknowledgement": (
        [b"461-/admin,456[" + HOLE + b"]", b"b\x03\x02"],
        Packet(6, "/admin", 456, [b"\x03\x02"], 1),
    ),
    "two attachments": (
        [b'452-["a",' + HOLE + b',{"_placeholder":true,"num":1}]', b"bone", b"btwo"],
        Packet(5, "/", None, ["a", b"one", b"two"], 2),
    ),
}


@pytest.mark.parametrize(("parts", "expected"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_packet_with_attachments_is_read_as_the_protocol_says(
    parts: list[bytes], expected: Packet
) -> None:
    assert expected == read(parts)


@pytest.mark.parametrize(("parts", "packet"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_packet_with_attachments_is_sent_as_the_protocol_says(
    parts: list[bytes], packet: Packet
) -> None:
    assert parts == encode(packet._replace(type=packet.type - 3, attachments=0))


# --- what the protocol leaves open, as the official client has it


def test_count_of_zero_is_complete_by_itself() -> None:
    assert Packet(5, "/", None, ["a"], 0) == read([b'450-["a"]'])


def test_attachments_may_be_announced_in_any_order() -> None:
    text = b'452-["a",{"num":1,"_placeholder":true},' + HOLE + b"]"
    assert read([text, b"bzero", b"bone"]).data == ["a", b"one", b"zero"]


def test_attachment_may_stand_in_two_places() -> None:
    assert read([b'451-["a",' + HOLE + b"," + HOLE + b"]", b"bx"]).data == ["a", b"x", b"x"]


def test_attachment_may_stand_nowhere() -> None:
    assert read([b'451-["a"]', b"bunused"]).data == ["a"]


@pytest.mark.parametrize(
    "value",
    [
        b'{"num":0}',
        b'{"_placeholder":false,"num":0}',
        b'{"_placeholder":1,"num":0}',
        b'{"_placeholder":"true","num":0}',
        b'{"_placeholder":null,"num":0}',
    ],
)
def test_what_only_looks_like_a_placeholder_stays(value: bytes) -> None:
    [_, found] = read([b'451-["a",' + value + b"]", b"bx"]).data
    assert found["num"] == 0


# --- what is no packet

NUMBERS = {
    "missing": b"",
    "out of range": b',"num":1',
    "far out of range": b',"num":99999999999999999999999',
    "negative": b',"num":-1',
    "a bool": b',"num":false',
    "a float": b',"num":0.0',
    "a word": b',"num":"0"',
    "nothing": b',"num":null',
    "a list": b',"num":[0]',
}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS.keys())
def test_placeholder_for_no_attachment_is_a_protocol_error(number: bytes) -> None:
    decoder = PacketDecoder()
    assert decoder.feed(b'451-["a",[{"_placeholder":true' + number + b"}]]") is None
    with pytest.raises(ProtocolError, match=r"no attachment number .* of 1"):
        decoder.feed(b"bx")


@pytest.mark.parametrize("before", [[], [b'42["a"]'], [b'451-["a"]', b"bx"], [b'450-["a"]']])
def test_attachment_that_nothing_announced_is_a_protocol_error(before: list[bytes]) -> None:
    decoder = PacketDecoder()
    for part in before:
        decoder.feed(part)
    with pytest.raises(ProtocolError, match="3 bytes of binary data that nothing announced"):
        decoder.feed(b"bxyz")


@pytest.mark.parametrize("text", [b'42["b"]', b'451-["b"]', b"41", b"4", b"", b"2"])
@pytest.mark.parametrize("attachments", [0, 1])
def test_text_while_an_attachment_is_awaited_is_a_protocol_error(
    text: bytes, attachments: int
) -> None:
    decoder = PacketDecoder()
    for part in [b'452-["a"]', b"bx"][: attachments + 1]:
        decoder.feed(part)
    with pytest.raises(ProtocolError, match="expected a binary attachment"):
        decoder.feed(text)


COUNTS = {
    "none": b'45["a"]',
    "nothing before the dash": b'45-["a"]',
    "a word": b'45one-["a"]',
    "negative": b'45-1-["a"]',
    "a fraction": b'451.5-["a"]',
    "more than anybody sends": b'451001-["a"]',
    "of ten digits": b'451000000000-["a"]',
    "of five thousand digits": b"45" + b"1" * 5000 + b'-["a"]',
    "in another script": '45١-["a"]'.encode(),
    "of an event that has none": b'421-["a"]',
    "of a connect": b'401-{"sid":"x"}',
}


@pytest.mark.parametrize("packet", COUNTS.values(), ids=COUNTS.keys())
def test_count_that_is_none_is_a_protocol_error(packet: bytes) -> None:
    decoder = PacketDecoder()
    with pytest.raises(ProtocolError):
        decoder.feed(packet)
    assert not decoder.waiting


def test_a_thousand_attachments_are_not_too_many() -> None:
    decoder = PacketDecoder()
    assert decoder.feed(b'451000-["a"]') is None
    assert {decoder.feed(b"bx") for _ in range(999)} == {None}
    assert decoder.feed(b"bx") == Packet(5, "/", None, ["a"], 1000)


# --- any sequence of messages

bodies = st.sampled_from([b'["a"]', b'["a",' + HOLE + b"]", HOLE, b'["a",[', b"7[]", b"", b"/x,"])
heads = st.sampled_from([b"40", b"42", b"43", b"450-", b"451-", b"452-", b"461-", b"46999-", b"5"])
whole_or_not = st.builds(bytes.__add__, heads, bodies)
anything = (
    st.binary(max_size=20) | st.binary(max_size=20).map(lambda data: b"b" + data) | whole_or_not
)


@given(st.lists(anything, max_size=12))
def test_any_messages_are_packets_or_protocol_errors(messages: list[bytes]) -> None:
    decoder = PacketDecoder()
    for message in messages:
        try:
            found = decoder.feed(message)
        except ProtocolError:
            continue
        assert decoder.waiting == (found is None)
        assert found is None or found.type in range(7)


@pytest.mark.parametrize("depth", [100, 400, 500, 600, 900, 100_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_of_any_packet_is_read_or_a_protocol_error(opening: bytes, depth: int) -> None:
    # Not by hypothesis, which raises Python's recursion limit for its tests.
    closing = b"]" if opening == b"[" else b"}"
    decoder = PacketDecoder()
    with suppress(ProtocolError):
        decoder.feed(b'451-["a",' + opening * depth + HOLE + closing * depth + b"]")
        assert decoder.feed(b"bx") is not None
