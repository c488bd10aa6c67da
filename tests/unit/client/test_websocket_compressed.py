"""Compressed messages over WebSocket: agreed on, refused, kept as they came, and what is none."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace

import pytest

from loadtests.client.errors import ProtocolError
from loadtests.client.frames import COMPRESSED, Opcode
from loadtests.client.link import Server
from loadtests.client.websocket import WebSocketLink
from tests.unit.client.streams import SERVER, FakeStream, play
from tests.unit.client.test_deflate import NOISE, Peer
from tests.unit.client.test_frames import server_frame
from tests.unit.client.test_websocket_link import unmasked, upgrade

DEFLATE = "permessage-deflate"


class Played:
    """A link, what it heard and why it ended, and the server's side of its connection."""

    def __init__(self, streams: list[FakeStream], server: Server = SERVER) -> None:
        self.heard: list[bytes] = []
        self.times: list[tuple[int, int]] = []
        self.ended: list[str] = []
        self.link = WebSocketLink(server, self.hear, self.ended.append)
        self.link.open()
        self.stream = streams[-1]
        self.peer = Peer(15, forgetful=False)

    def hear(self, packet: bytes, *times: int) -> None:
        self.heard.append(packet)
        self.times.append((times[0], times[1]))
        if packet == b"2":
            self.link.send(b"3")

    def agree(self, extensions: str) -> None:
        said = f"Sec-WebSocket-Extensions: {extensions}\r\n\r\n".encode()
        self.stream.say(upgrade(self.stream)[:-2] + said)
        self.stream.sent.clear()

    def packed(self, *messages: bytes, opcode: int = Opcode.TEXT) -> bytes:
        """A frame for each, compressed one after the other."""
        return b"".join(
            server_frame(opcode | COMPRESSED, self.peer.deflate(each)) for each in messages
        )

    def read(self, frames: Iterable[bytes]) -> list[bytes]:
        """What the other side makes of our frames."""
        messages = []
        for frame in frames:
            opcode, payload = unmasked(frame)
            assert opcode in (Opcode.TEXT, Opcode.BINARY)
            messages.append(self.peer.inflate(payload) if frame[0] & COMPRESSED else payload)
        return messages


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[FakeStream]:
    return play(monkeypatch)


@pytest.fixture
def played(streams: list[FakeStream]) -> Played:
    made = Played(streams)
    made.agree(DEFLATE)
    return made


# --- agreed on, or not


def test_what_was_agreed_on_is_spoken_both_ways(played: Played) -> None:
    assert played.link.compressed
    played.stream.say(played.packed(b"4one") + played.packed(b"\0\1", opcode=Opcode.BINARY))
    played.stream.say(played.packed(b"4one"))
    assert played.heard == [b"4one", b"b\0\1", b"4one"]
    for packet in (b"4two", b"4two", b"b" + NOISE[:90]):
        played.link.send(packet)
    assert all(frame[0] & COMPRESSED for frame in played.stream.sent)
    assert played.read(played.stream.sent) == [b"4two", b"4two", NOISE[:90]]


def test_server_that_compresses_only_some_of_its_messages_is_understood(played: Played) -> None:
    plain = server_frame(Opcode.TEXT, b"4plain")
    played.stream.say(played.packed(b"4one") + plain + played.packed(b"4one") + plain)
    played.stream.say(plain)
    played.stream.say(played.packed(b"4one"))
    assert played.heard == [b"4one", b"4plain", b"4one", b"4plain", b"4plain", b"4one"]


def test_compressed_message_in_fragments_is_one_message(played: Played) -> None:
    packed = played.peer.deflate(b"4fragmented")
    played.stream.say(
        server_frame(Opcode.TEXT | COMPRESSED, packed[:3], final=False)
        + server_frame(Opcode.PING, b"between")
        + server_frame(Opcode.CONTINUATION, b"", final=False)
    )
    played.stream.say(server_frame(Opcode.CONTINUATION, packed[3:]))
    assert played.heard == [b"4fragmented"]
    assert [unmasked(frame) for frame in played.stream.sent] == [(Opcode.PONG, b"between")]


def test_binary_packet_may_come_as_compressed_base64(played: Played) -> None:
    played.stream.say(played.packed(b"bQQ=="))
    assert played.heard == [b"bA"]


@pytest.mark.parametrize("server", [SERVER, replace(SERVER, compression=False)])
def test_server_that_refuses_is_spoken_to_without(
    streams: list[FakeStream], server: Server
) -> None:
    played = Played(streams, server)
    played.stream.say(upgrade(played.stream))
    played.stream.sent.clear()
    played.link.send(b"4x")
    assert [frame[0] for frame in played.stream.sent] == [0x81]
    assert (played.link.compressed, played.ended) == (False, [])


@pytest.mark.parametrize(
    ("extensions", "bits", "forgetful"),
    [("client_max_window_bits=9", 9, False), ("client_no_context_takeover", 15, True)],
)
def test_what_the_server_asks_of_us_is_done(
    streams: list[FakeStream], extensions: str, bits: int, forgetful: bool
) -> None:
    played = Played(streams)
    played.agree(f"{DEFLATE}; {extensions}")
    played.peer = Peer(bits, forgetful=forgetful)
    piece = b"4" + NOISE[:100]
    said = [piece, piece, piece * 20, NOISE[:2000].replace(b"b", b"4"), piece]
    for packet in said:
        played.link.send(b"4" + packet)
    found = []
    for frame in played.stream.sent:
        length = frame[1] & 0x7F
        start = 2 if length < 126 else 4
        mask, body = frame[start : start + 4], frame[start + 4 :]
        plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
        found.append(played.peer.inflate(plain))
    assert found == [b"4" + packet for packet in said]


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        ("permessage-bzip2", "WebSocket handshake: the server agrees to extensions that were not"),
        (f"{DEFLATE}; {DEFLATE}", "which says nothing"),
        (f"{DEFLATE}, {DEFLATE}", "not offered"),
        (f"{DEFLATE}; server_max_window_bits=7", "which says nothing"),
    ],
)
def test_server_that_agrees_to_what_was_not_offered_is_left(
    streams: list[FakeStream], extensions: str, words: str
) -> None:
    played = Played(streams)
    played.agree(extensions)
    assert len(played.ended) == 1
    assert words in played.ended[0]
    assert played.stream.closed


def test_server_that_agrees_where_nothing_was_offered_is_left(streams: list[FakeStream]) -> None:
    played = Played(streams, replace(SERVER, compression=False))
    played.agree(DEFLATE)
    assert "and nothing was offered" in played.ended[0]
    assert played.stream.closed


# --- what is none


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    ("payload", "words"),
    [(b"\xff" * 8, "a compressed message cannot be read"), (b"\x07", "cannot be read")],
)
def test_corrupt_message_ends_the_session(
    played: Played, payload: bytes, words: str, alone: bool
) -> None:
    played.stream.say(played.packed(b"4before"))
    corrupt = server_frame(Opcode.TEXT | COMPRESSED, payload)
    played.stream.say(corrupt if alone else corrupt + server_frame(Opcode.TEXT, b"4after"))
    assert played.heard == [b"4before"]
    assert len(played.ended) == 1
    assert words in played.ended[0]
    assert played.stream.closed


def test_bomb_ends_the_session_and_says_what_it_is(played: Played) -> None:
    engine = zlib.compressobj(wbits=-15)
    bomb = engine.compress(bytes(64 * 1024 * 1024)) + engine.flush(zlib.Z_SYNC_FLUSH)[:-4]
    played.stream.say(server_frame(Opcode.TEXT | COMPRESSED, bomb))
    assert played.heard == []
    assert f"a message ({len(bomb)} compressed bytes) of 16777217 bytes or more" in played.ended[0]
    assert played.stream.closed


# --- kept as they came


def test_compressed_copies_are_kept_and_read_later_in_order_with_their_times(
    played: Played,
) -> None:
    played.stream.say(played.packed(b"4before"))
    played.link.keep()
    copies = [b'42/test,["my response",%d]' % number for number in range(50)]
    for copy in copies:
        played.stream.on_data(played.packed(copy), len(played.heard), 7)
    assert (played.heard, played.link.kept) == ([b"4before"], 50)
    played.link.read_kept()
    assert (played.heard, played.link.kept) == ([b"4before", *copies], 0)
    assert played.times[1:] == [(1, 7)] * 50
    # It goes on so.
    played.stream.say(played.packed(b"4more"))
    assert played.link.kept == 1
    played.link.read_kept()
    played.link.read_kept()
    assert played.heard[-1] == b"4more"


@pytest.mark.parametrize("packed", [True, False])
def test_heartbeats_among_what_is_kept_are_answered_at_once_and_once(
    played: Played, packed: bool
) -> None:
    played.link.keep()
    for number in range(3):
        played.stream.say(played.packed(b"4%d" % number))
        ping = played.packed(b"2") if packed else server_frame(Opcode.TEXT, b"2")
        played.stream.say(ping)
        assert played.heard == [b"2"] * (number + 1)
        assert len(played.stream.sent) == number + 1
        if packed:  # what is counted are messages that are still to be read
            assert played.link.kept == number + 1
    played.link.read_kept()
    assert played.link.kept == 0
    assert played.heard == [b"2", b"2", b"2", b"40", b"41", b"42"]
    assert played.read(played.stream.sent) == [b"3"] * 3


def test_heartbeat_whose_bytes_are_not_as_few_as_could_be_is_answered(played: Played) -> None:
    played.link.keep()
    stored = b"\x00\x01\x00\xfe\xff2\x00"  # a block without compression
    dynamic = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    for payload in (stored, dynamic.compress(b"2") + dynamic.flush(zlib.Z_SYNC_FLUSH)[:-4]):
        played.stream.say(server_frame(Opcode.TEXT | COMPRESSED, payload))
    assert played.heard == [b"2", b"2"]


@pytest.mark.parametrize("together", [True, False])
def test_what_came_uncompressed_does_not_overtake_what_is_kept(
    played: Played, together: bool
) -> None:
    played.link.keep()
    frames = [
        played.packed(b"4one"),
        server_frame(Opcode.TEXT, b"4two"),
        server_frame(Opcode.BINARY, b"three"),
        played.packed(b"4four"),
    ]
    for piece in [b"".join(frames)] if together else frames:
        played.stream.say(piece)
    played.link.read_kept()
    assert played.heard == [b"4one", b"4two", b"bthree", b"4four"]


def test_what_comes_uncompressed_while_nothing_is_kept_is_heard_at_once(played: Played) -> None:
    played.link.keep()
    played.stream.say(server_frame(Opcode.TEXT, b"4x"))
    assert (played.heard, played.link.kept) == ([b"4x"], 0)


def test_session_that_does_not_compress_keeps_nothing(streams: list[FakeStream]) -> None:
    played = Played(streams)
    played.stream.say(upgrade(played.stream))
    played.link.keep()
    played.stream.say(server_frame(Opcode.TEXT, b"4x") * 2)
    assert (played.heard, played.link.kept) == ([b"4x", b"4x"], 0)


def test_servers_goodbye_is_heard_behind_what_is_kept(played: Played) -> None:
    played.link.keep()
    played.stream.say(played.packed(b"4x") + server_frame(Opcode.CLOSE, b"\x03\xe9going"))
    assert played.ended == ["WebSocket closed by the server: 1001 going"]
    played.link.read_kept()
    assert played.heard == [b"4x"]


def test_what_was_kept_and_cannot_be_read_is_told_when_it_is_read(played: Played) -> None:
    played.link.keep()
    played.stream.say(played.packed(b"4one") + server_frame(0x41 | 0x80, b"\xff" * 20))
    with pytest.raises(ProtocolError, match="a compressed message cannot be read"):
        played.link.read_kept()
    assert played.heard == [b"4one"]
