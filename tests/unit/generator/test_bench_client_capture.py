"""What a packet capture saw: streams put together again, frames decoded, echoes matched."""

from __future__ import annotations

import io
import itertools
import random
import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest

from loadtests.generator.bench_client.agreement import Disagreement, compare
from loadtests.generator.bench_client.capture import (
    CaptureError,
    Message,
    Passage,
    Piece,
    Segment,
    exchanges,
    messages,
    reassemble,
    segments,
)

CLIENT, SERVER = 40_000, 5_000
REQUEST_HEAD = b"GET /socket.io/?EIO=4 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
RESPONSE_HEAD = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
MASK = b"\x11\x22\x33\x44"
START_NS = 1_700_000_000_123_456_789


def frame(payload: bytes, mask: bytes = b"", *, opcode: int = 1, final: bool = True) -> bytes:
    """A WebSocket frame, written from RFC 6455, section 5.2, by itself."""
    masked = 0x80 if mask else 0
    if len(payload) < 126:
        size = bytes((masked | len(payload),))
    elif len(payload) < 65536:
        size = bytes((masked | 126,)) + len(payload).to_bytes(2, "big")
    else:
        size = bytes((masked | 127,)) + len(payload).to_bytes(8, "big")
    body = payload
    if mask:
        body = bytes(a ^ b for a, b in zip(payload, itertools.cycle(mask), strict=False))
    return bytes(((0x80 if final else 0) | opcode,)) + size + mask + body


def request(publisher: int, number: int, event: str = "my event") -> bytes:
    return b'42/test,["%s",{"data":"%d:%d:xxxx"}]' % (event.encode(), publisher, number)


def reply(publisher: int, number: int) -> bytes:
    return request(publisher, number, "my response")


class Direction:
    """Makes the segments of one direction of a connection, each with a later stamp."""

    def __init__(self, source: int, destination: int, first: int = 1000) -> None:
        self.ports = (source, destination)
        self.sequence = first
        self.segments = [Segment(0, source, destination, first - 1, True, b"")]

    def send(self, data: bytes, stamp_ns: int) -> Segment:
        segment = Segment(stamp_ns, *self.ports, self.sequence % 2**32, False, data)
        self.sequence += len(data)
        self.segments.append(segment)
        return segment


def up(first: int = 1000) -> Direction:
    """From a client to the server, with the handshake's head sent."""
    direction = Direction(CLIENT, SERVER, first)
    direction.send(REQUEST_HEAD, 1)
    return direction


def down() -> Direction:
    direction = Direction(SERVER, CLIENT)
    direction.send(RESPONSE_HEAD, 2)
    return direction


def read(direction: Direction) -> list[Message]:
    return list(messages(reassemble(direction.segments)))


def test_masked_and_unmasked_messages_come_out_with_their_packets_stamps() -> None:
    sent, received = up(), down()
    sent.send(frame(b"hello", MASK), 10)
    received.send(frame(b"world"), 20)
    assert [Message(10, b"hello")] == read(sent)
    assert [Message(20, b"world")] == read(received)


def test_two_messages_in_one_segment_bear_the_same_stamp() -> None:
    sent = up()
    sent.send(frame(b"one", MASK) + frame(b"two", MASK), 10)
    assert [Message(10, b"one"), Message(10, b"two")] == read(sent)


@pytest.mark.parametrize("cut", range(1, len(frame(b"hello", MASK))))
def test_a_split_frame_is_complete_with_its_last_segment(cut: int) -> None:
    data, sent = frame(b"hello", MASK), up()
    sent.send(data[:cut], 10)
    sent.send(data[cut:], 30)
    assert [Message(30, b"hello")] == read(sent)


def test_the_rest_of_one_message_with_the_beginning_of_the_next_completes_only_the_first() -> None:
    one, two, sent = frame(b"one", MASK), frame(b"two", MASK), up()
    sent.send(one[:3], 10)
    sent.send(one[3:] + two[:4], 20)
    sent.send(two[4:], 30)
    assert [Message(20, b"one"), Message(30, b"two")] == read(sent)


def test_reordered_segments_are_put_in_order_and_keep_their_stamps() -> None:
    received = down()
    one = received.send(frame(b"one"), 30)
    two = received.send(frame(b"two"), 20)
    received.segments[-2:] = [two, one]
    assert [Message(30, b"one"), Message(20, b"two")] == read(received)


def test_of_a_reordered_split_frame_the_later_packet_completes_it() -> None:
    data, sent = frame(b"hello", MASK), up()
    sent.send(data[:4], 30)  # the first half comes last
    sent.send(data[4:], 20)
    assert [Message(30, b"hello")] == read(sent)


def test_of_a_retransmission_the_first_copy_counts() -> None:
    sent = up()
    original = sent.send(frame(b"hello", MASK), 10)
    sent.segments.append(Segment(99, *sent.ports, original.sequence, False, original.payload))
    sent.send(frame(b"next", MASK), 100)
    assert [Message(10, b"hello"), Message(100, b"next")] == read(sent)


def test_a_retransmission_that_holds_more_adds_only_what_is_new() -> None:
    one, two, sent = frame(b"one", MASK), frame(b"two", MASK), up()
    original = sent.send(one, 10)
    sent.segments.append(Segment(50, *sent.ports, original.sequence, False, one + two))
    assert [Message(10, b"one"), Message(50, b"two")] == read(sent)


def test_what_comes_after_a_lost_packet_is_not_read() -> None:
    sent = up()
    sent.send(frame(b"one", MASK), 10)
    sent.send(frame(b"lost", MASK), 20)
    sent.send(frame(b"three", MASK), 30)
    del sent.segments[-2]
    assert [Message(10, b"one")] == read(sent)


def test_a_stream_without_its_beginning_is_not_read() -> None:
    sent = up()
    sent.send(frame(b"one", MASK), 10)
    assert reassemble(sent.segments[1:]) == []


def test_sequence_numbers_may_pass_their_end() -> None:
    sent = up(first=2**32 - len(REQUEST_HEAD) - 5)
    sent.send(frame(b"across the end", MASK), 10)
    sent.send(frame(b"after it", MASK), 20)
    assert [Message(10, b"across the end"), Message(20, b"after it")] == read(sent)


def test_empty_segments_are_no_part_of_the_stream() -> None:
    sent = up()
    sent.send(b"", 5)
    sent.send(frame(b"hello", MASK), 10)
    assert [Message(10, b"hello")] == read(sent)


@pytest.mark.parametrize("length", [0, 125, 126, 127, 65535, 65536])
def test_every_length_is_read(length: int) -> None:
    sent = up()
    sent.send(frame(b"x" * length, MASK), 10)
    assert [Message(10, b"x" * length)] == read(sent)


def test_a_fragmented_message_is_complete_with_its_last_frame() -> None:
    received = down()
    received.send(frame(b"hel", final=False), 10)
    received.send(frame(b"!", opcode=9), 15)  # a ping may come between (RFC 6455, section 5.4)
    received.send(frame(b"lo", opcode=0), 20)
    received.send(frame(b"next"), 30)
    assert [Message(20, b"hello"), Message(30, b"next")] == read(received)


def test_control_and_binary_frames_are_no_text_messages() -> None:
    received = down()
    for opcode in (2, 8, 9, 10):
        received.send(frame(b"other", opcode=opcode), 10)
    received.send(frame(b"text"), 20)
    assert [Message(20, b"text")] == read(received)


def test_bytes_in_any_pieces_and_any_order_give_the_same_messages() -> None:
    generator = random.Random(1)
    payloads = [b"%d:" % number + b"x" * generator.randrange(300) for number in range(50)]
    data = b"".join(frame(each, MASK) for each in payloads)
    for _ in range(20):
        sent = up()
        cuts = sorted(generator.sample(range(1, len(data)), 40))
        for number, (begin, end) in enumerate(itertools.pairwise([0, *cuts, len(data)])):
            sent.send(data[begin:end], 10 + number)
        generator.shuffle(sent.segments)
        assert payloads == [each.payload for each in read(sent)]


def conversation() -> Iterator[Segment]:
    """Two clients, one of whose requests is never answered."""
    for port, publisher in ((40_000, 0), (40_001, 1)):
        sent, received = Direction(port, SERVER), Direction(SERVER, port)
        sent.send(REQUEST_HEAD, 1)
        received.send(RESPONSE_HEAD + frame(b'0{"sid":"x"}'), 2)
        sent.send(frame(b"40/test,", MASK), 3)
        received.send(frame(b'42/test,["my response",{"data":"Connected"}]'), 4)
        sent.send(frame(request(publisher, 0), MASK), 100 + publisher)
        received.send(frame(reply(publisher, 0)), 200 + publisher)
        sent.send(frame(request(publisher, 1), MASK), 300)
        yield from sent.segments
        yield from received.segments


def test_requests_and_replies_are_matched_by_identity() -> None:
    expected = {(0, 0): Passage(100, 200), (1, 0): Passage(101, 201)}
    assert expected == exchanges(conversation(), SERVER)
    assert [each.took_ns for each in exchanges(conversation(), SERVER).values()] == [100, 100]


def test_another_port_is_another_server() -> None:
    assert exchanges(conversation(), SERVER + 1) == {}


def test_of_a_reply_that_came_twice_the_first_counts() -> None:
    sent, received = up(), down()
    sent.send(frame(request(0, 0), MASK), 10)
    received.send(frame(reply(0, 0)), 20)
    received.send(frame(reply(0, 0)), 90)
    found = exchanges([*sent.segments, *received.segments], SERVER)
    assert {(0, 0): Passage(10, 20)} == found


def test_only_the_two_events_of_an_echo_count() -> None:
    sent, received = up(), down()
    sent.send(frame(request(0, 0, "my broadcast event"), MASK), 10)
    received.send(frame(reply(0, 0)), 20)
    assert exchanges([*sent.segments, *received.segments], SERVER) == {}


def pcap(captured: list[Segment], *, nanoseconds: bool = True, link: int = 1) -> io.BytesIO:
    """A capture file of Ethernet packets, written from tcpdump.org's description by itself."""
    magic, units = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    content = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for each in captured:
        seconds, rest_ns = divmod(each.stamp_ns, 10**9)
        packet = ethernet(each)
        content += struct.pack("<IIII", seconds, rest_ns // units, len(packet), len(packet))
        content += packet
    return io.BytesIO(content)


def ethernet(segment: Segment) -> bytes:
    """The packet of a segment; checksums are left out, as loopback leaves them out."""
    ports = (segment.source, segment.destination)
    flags = 0x02 if segment.begins else 0x10
    tcp = struct.pack("!HHIIBBHHH", *ports, segment.sequence, 0, 5 << 4, flags, 65535, 0, 0)
    length = 20 + len(tcp) + len(segment.payload)
    loopback = bytes((127, 0, 0, 1))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, 6, 0, loopback, loopback)
    return bytes(12) + b"\x08\x00" + ip + tcp + segment.payload


def test_a_capture_file_gives_its_segments_to_the_nanosecond() -> None:
    wanted = [
        Segment(START_NS, CLIENT, SERVER, 7, True, b""),
        Segment(START_NS + 1, SERVER, CLIENT, 2**32 - 1, False, b"hello"),
    ]
    assert wanted == list(segments(pcap(wanted)))


def test_a_capture_file_of_microseconds_is_read_as_such() -> None:
    wanted = [Segment(START_NS, CLIENT, SERVER, 7, False, b"hello")]
    found = list(segments(pcap(wanted, nanoseconds=False)))
    assert [each.stamp_ns // 1000 for each in found] == [START_NS // 1000]


def test_a_packet_that_was_cut_off_is_as_good_as_lost() -> None:
    whole = Segment(START_NS, CLIENT, SERVER, 7, False, b"hello")
    content = pcap([whole, whole]).getvalue()
    assert [whole] == list(segments(io.BytesIO(content[:-40])))


@pytest.mark.parametrize("content", [b"", b"short", b"no capture at all, but long enough for one"])
def test_what_is_no_capture_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(CaptureError, match="not a pcap file"):
        list(segments(io.BytesIO(content)))


def test_a_link_that_is_not_read_here_is_named() -> None:
    with pytest.raises(CaptureError, match="147"):
        list(segments(pcap([], link=147)))


def test_a_whole_conversation_in_a_file_gives_its_passages() -> None:
    captured = [replace(each, stamp_ns=START_NS + each.stamp_ns) for each in conversation()]
    found = exchanges(segments(pcap(captured)), SERVER)
    assert [each.took_ns for each in found.values()] == [100, 100]


def test_a_piece_of_a_stream_knows_its_stamp() -> None:
    assert [Piece(1, REQUEST_HEAD)] == reassemble(up().segments)


MS = 1_000_000


def test_quantiles_are_compared_over_the_echoes_that_both_know() -> None:
    # due at 0, sent after 1 ms, back after 11 ms: the capture sees 9 ms of the 10.
    reported = [(0, number, 0, MS, 11 * MS) for number in range(200)]
    captured = {(0, number): Passage(5, 5 + 9 * MS) for number in range(199)}
    unseen, p50, p99 = compare(reported, captured)
    assert unseen == 1
    for found in (p50, p99):
        assert (found.captured, found.service, found.latency, found.lateness) == (9, 10, 11, 1)
        assert found.difference == 1


def test_an_echo_that_was_never_answered_is_no_quick_one() -> None:
    reported = [(0, 0, 0, 0, MS), (0, 1, 0, 0)]
    with pytest.raises(Disagreement, match="1 of 2 echoes were never answered"):
        compare(reported, {(0, 0): Passage(0, MS), (0, 1): Passage(0, MS)})


def test_no_echo_at_all_is_no_agreement() -> None:
    with pytest.raises(Disagreement, match="0 of 0"):
        compare([], {})


def test_a_capture_with_holes_is_not_compared() -> None:
    reported = [(0, number, 0, 0, MS) for number in range(100)]
    captured = {(0, number): Passage(0, MS) for number in range(98)}
    with pytest.raises(Disagreement, match="lacks 2 of 100"):
        compare(reported, captured)
