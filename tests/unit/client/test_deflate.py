"""Compressed messages: what is agreed on, what goes out and what comes in, beside zlib alone."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.client import deflate
from loadtests.client.deflate import Deflater, Inflater, Parameters, agreed
from loadtests.client.errors import ProtocolError

MIB = 1024 * 1024
BITS = range(8, 16)
#: Longer than twice the largest window, and nothing in it comes twice.
NOISE = random.Random(7).randbytes(70_000)

#: Messages of a session: often alike, sometimes empty, sometimes longer than a window.
messages = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"", b"2", b"3", b'42/test,["my response",{"data":"x"}]']),
        st.tuples(st.integers(0, 60_000), st.integers(1, 9_000)).map(
            lambda place: NOISE[place[0] : place[0] + place[1]]
        ),
    ),
    max_size=20,
)


class Peer:
    """The other side, made of nothing but zlib (RFC 7692, sections 7.2.1 and 7.2.2)."""

    def __init__(self, bits: int, *, forgetful: bool) -> None:
        self._bits = bits
        self._forgetful = forgetful
        self._out: Any = None
        self._in: Any = None

    def deflate(self, message: bytes) -> bytes:
        if self._out is None or self._forgetful:
            self._out = zlib.compressobj(wbits=-max(self._bits, 9))  # zlib cannot write with 8
        data: bytes = self._out.compress(message) + self._out.flush(zlib.Z_SYNC_FLUSH)
        assert data.endswith(b"\x00\x00\xff\xff")
        return data[:-4] or b"\x00"

    def inflate(self, data: bytes) -> bytes:
        if self._in is None or self._forgetful:
            self._in = zlib.decompressobj(wbits=-self._bits)
        message: bytes = self._in.decompress(data + b"\x00\x00\xff\xff")
        return message


# --- what goes out


@given(messages, st.sampled_from(BITS), st.booleans())
def test_other_side_reads_what_we_write(said: list[bytes], bits: int, forgetful: bool) -> None:
    ours = Deflater(bits, forgetful=forgetful)
    theirs = Peer(bits, forgetful=forgetful)
    assert said == [theirs.inflate(ours.deflate(message)) for message in said]


@given(messages, st.sampled_from(BITS), st.booleans())
def test_we_read_what_the_other_side_writes(said: list[bytes], bits: int, forgetful: bool) -> None:
    ours = Inflater(bits, forgetful=forgetful)
    theirs = Peer(bits, forgetful=forgetful)
    assert said == [ours.inflate(theirs.deflate(message)) for message in said]


@given(messages, st.sampled_from(BITS), st.booleans())
def test_what_goes_out_comes_in_again(said: list[bytes], bits: int, forgetful: bool) -> None:
    out, back = Deflater(bits, forgetful=forgetful), Inflater(bits, forgetful=forgetful)
    assert said == [back.inflate(out.deflate(message)) for message in said]


@pytest.mark.parametrize("bits", BITS)
def test_nothing_refers_further_back_than_the_window_that_was_agreed_on(bits: int) -> None:
    # Each half is longer than the window, and is said twice: who remembers too much refers to it.
    ours, theirs = Deflater(bits), Peer(bits, forgetful=False)
    piece = NOISE[: (1 << bits) + 100]
    for message in (piece, piece, piece[:300], piece):
        assert message == theirs.inflate(ours.deflate(message))


def test_message_like_the_one_before_is_a_few_bytes_unless_it_is_to_be_forgotten() -> None:
    message = b'42/test,["my response",{"data":"' + NOISE[:100].hex().encode() + b'"}]'
    lengths = {}
    for forgetful in (False, True):
        ours = Deflater(forgetful=forgetful)
        lengths[forgetful] = [len(ours.deflate(message)) for _ in range(8)]
    assert max(lengths[False][1:]) < 20
    assert min(lengths[True]) == max(lengths[True]) > 100


def test_empty_message_is_one_byte_as_in_the_rfc() -> None:
    # RFC 7692, section 7.2.3.6.
    for forgetful in (False, True):
        ours, back = Deflater(forgetful=forgetful), Inflater(15, forgetful=forgetful)
        for _ in range(3):
            data = ours.deflate(b"")
            assert back.inflate(data) == b""
        assert Deflater(forgetful=forgetful).deflate(b"") in (b"\x00", b"\x02\x00")


def test_who_has_hardly_said_anything_has_no_dictionary_yet() -> None:
    ours, back = Deflater(), Inflater(15)
    for _ in range(5):
        back.inflate(ours.deflate(b"2"))
        back.inflate(ours.deflate(b'42/test,["my event",1]'))
    assert (ours._engine, back._engine) == (None, None)
    back.inflate(ours.deflate(NOISE[:2000]))
    assert None not in (ours._engine, back._engine)
    forgetful = Deflater(forgetful=True), Inflater(15, forgetful=True)
    forgetful[1].inflate(forgetful[0].deflate(NOISE[:2000]))
    assert (forgetful[0]._engine, forgetful[1]._engine) == (None, None)


# --- what comes in: the RFC's own examples (section 7.2.3)

HELLO = bytes.fromhex("f248cdc9c90700")


def test_compressed_hello_is_the_rfcs_own_example() -> None:
    assert Inflater(15).inflate(HELLO) == b"Hello"
    assert Deflater(forgetful=True).deflate(b"Hello") == HELLO


def test_second_hello_refers_to_the_first() -> None:
    back = Inflater(15)
    assert [back.inflate(HELLO), back.inflate(bytes.fromhex("f200110000"))] == [b"Hello"] * 2
    with pytest.raises(ProtocolError, match="cannot be read"):
        Inflater(15, forgetful=True).inflate(bytes.fromhex("f200110000"))


@pytest.mark.parametrize(
    "example",
    ["000500faff48656c6c6f00", "f348cdc9c9070000", "f248050000" + "00ffffcac9c90700"],
    ids=["without compression", "with a block that says to be the last", "in two blocks"],
)
def test_hello_in_blocks_of_another_kind_is_hello(example: str) -> None:
    back = Inflater(15)
    assert [back.inflate(bytes.fromhex(example)) for _ in range(3)] == [b"Hello"] * 3


# --- what comes in: blocks that say to be the last


def ended(message: bytes, before: bytes = b"") -> bytes:
    """A message whose block says to be the last (section 7.2.3.4), without the byte behind it."""
    options = {"zdict": before} if before else {}
    engine = zlib.compressobj(wbits=-15, **options)  # type: ignore[arg-type]
    return engine.compress(message) + engine.flush(zlib.Z_FINISH)


@pytest.mark.parametrize("behind", [b"", b"\x00"])
@pytest.mark.parametrize("long", [b"", NOISE[:5000]], ids=["at first", "after much"])
def test_session_goes_on_behind_a_block_that_says_to_be_the_last(
    behind: bytes, long: bytes
) -> None:
    back, theirs = Inflater(15), Peer(15, forgetful=False)
    assert back.inflate(theirs.deflate(long)) == long
    assert back.inflate(ended(b"one, two, three") + behind) == b"one, two, three"
    assert back.inflate(ended(b"four") + behind) == b"four"
    # Who ended a stream begins another.
    anew = Peer(15, forgetful=False)
    assert [back.inflate(anew.deflate(each)) for each in (b"five" * 9, b"five" * 9, NOISE)] == [
        b"five" * 9,
        b"five" * 9,
        NOISE,
    ]


def test_blocks_behind_the_last_one_may_refer_to_what_is_before_it() -> None:
    first = b"a sentence that is said again"
    message = ended(first) + ended(first, before=first) + b"\x00"
    assert Inflater(15).inflate(message) == first * 2


def test_blocks_that_say_to_be_the_last_have_a_last_one() -> None:
    # Each makes a new engine and copies what is behind it: many would keep us for days.
    with pytest.raises(ProtocolError, match="more than 16 blocks say to be the last"):
        Inflater(15).inflate(b"\x03\x00" * 2_000_000)


# --- what comes in: what is none


@pytest.mark.parametrize("begun", [b"", b"Hello", NOISE[:2000]])
@pytest.mark.parametrize("data", [b"\xff" * 8, b"\x07", b"\x00\x05\x00\x00\x00Hello", HELLO[1:]])
def test_what_is_not_deflate_is_a_protocol_error(begun: bytes, data: bytes) -> None:
    back = Inflater(15)
    back.inflate(Peer(15, forgetful=False).deflate(begun))
    with pytest.raises(ProtocolError, match="a compressed message cannot be read"):
        back.inflate(data)


@given(st.binary(max_size=200), st.sampled_from(BITS), st.booleans())
def test_whatever_comes_is_a_message_or_a_protocol_error(
    data: bytes, bits: int, forgetful: bool
) -> None:
    back = Inflater(bits, forgetful=forgetful)
    with suppress(ProtocolError):
        back.inflate(data)


def test_message_of_the_longest_length_is_allowed_and_one_byte_more_is_not() -> None:
    theirs = Peer(15, forgetful=True)
    back = Inflater(15, forgetful=True, longest=1000)
    assert back.inflate(theirs.deflate(bytes(1000))) == bytes(1000)
    with pytest.raises(ProtocolError, match=r"compressed bytes\) of 1001 bytes or more; this"):
        back.inflate(theirs.deflate(bytes(1001)))


@pytest.mark.parametrize("begun", [b"", NOISE[:2000]])
def test_bomb_is_not_unpacked_any_further_than_a_message_may_be(begun: bytes) -> None:
    back, theirs = Inflater(15), Peer(15, forgetful=False)
    back.inflate(theirs.deflate(begun))
    bomb = theirs.deflate(bytes(256 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="takes 16777216 at most, a limit of its own"):
            back.inflate(bomb)
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


# --- what is agreed on

SAID: dict[bytes, Parameters] = {
    b"server_no_context_takeover": Parameters(server_no_context_takeover=True),
    b"client_no_context_takeover": Parameters(client_no_context_takeover=True),
    b"server_max_window_bits=10": Parameters(server_max_window_bits=10),
    b"client_max_window_bits=11": Parameters(client_max_window_bits=11),
}


@pytest.mark.parametrize("answer", [None, b"", b"  "])
def test_server_that_says_nothing_does_not_compress(answer: bytes | None) -> None:
    assert agreed(answer) is None


def test_every_combination_of_parameters_in_any_order_is_understood() -> None:
    for count in range(len(SAID) + 1):
        for chosen in permutations(SAID, count):
            expected = Parameters()
            for text in chosen:
                [(name, value)] = [
                    (name, value)
                    for name, value in SAID[text]._asdict().items()
                    if value != getattr(Parameters(), name)
                ]
                expected = expected._replace(**{name: value})
            for between in (b"; ", b";", b" ;\t"):
                answer = between.join([b"permessage-deflate", *chosen])
                assert agreed(answer) == expected, answer


@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.parametrize("bits", BITS)
def test_bits_may_be_quoted(side: str, bits: int) -> None:
    for value in (f"{bits}", f'"{bits}"'):
        found = agreed(f"Permessage-Deflate; {side}_max_window_bits = {value}".encode())
        expected: dict[str, Any] = {f"{side}_max_window_bits": bits}
        assert found == Parameters(**expected)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"permessage-bzip2", "not offered: 'permessage-bzip2'"),
        (b"x-webkit-deflate-frame", "not offered"),
        (b"permessage-deflate, permessage-deflate", "not offered"),
        (b"permessage-deflate; server_no_context_takeover, x-more", "not offered"),
        (b"; permessage-deflate", "not offered"),
        (b"permessage-deflate;", "'', which says nothing"),
        (b"permessage-deflate; level=9", "'level=9', which says nothing"),
        (b"permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER", "which says nothing"),
        (b"permessage-deflate; server_no_context_takeover=1", "which says nothing"),
        (b"permessage-deflate; client_no_context_takeover=true", "which says nothing"),
        (b"permessage-deflate; client_max_window_bits", "which says nothing"),
        (b"permessage-deflate; server_max_window_bits", "which says nothing"),
        (b"permessage-deflate; server_max_window_bits=7", "which says nothing"),
        (b"permessage-deflate; server_max_window_bits=16", "which says nothing"),
        (b"permessage-deflate; server_max_window_bits=08", "which says nothing"),
        (b"permessage-deflate; server_max_window_bits=-9", "which says nothing"),
        (b"permessage-deflate; client_max_window_bits=", "which says nothing"),
        (b'permessage-deflate; client_max_window_bits=""', "which says nothing"),
        (b'permessage-deflate; client_max_window_bits="10', "which says nothing"),
        (b"permessage-deflate; \xff\xfe", "which says nothing"),
        (
            b"permessage-deflate; client_max_window_bits=9; client_max_window_bits=9",
            "client_max_window_bits is said twice",
        ),
        (
            b"permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "server_no_context_takeover is said twice",
        ),
    ],
)
def test_answer_that_agrees_to_something_else_is_a_protocol_error(
    answer: bytes, words: str
) -> None:
    with pytest.raises(ProtocolError, match=words):
        agreed(answer)


def test_words_about_an_endless_answer_end() -> None:
    for answer in (b"x" * 5000, b"permessage-deflate; " + b"y" * 5000):
        with pytest.raises(ProtocolError) as told:
            agreed(answer)
        assert len(str(told.value)) < 300


# --- the heartbeat among what is kept


@settings(max_examples=50)
@given(st.sampled_from(BITS), messages)
def test_heartbeat_is_told_without_what_was_said_before(bits: int, said: list[bytes]) -> None:
    theirs = Peer(bits, forgetful=False)
    for message in said:
        theirs.deflate(message)
    assert deflate.alone(theirs.deflate(b"2")) == b"2"


def test_what_refers_to_something_before_it_is_not_read_alone() -> None:
    assert deflate.alone(HELLO) == b"Hello"
    assert deflate.alone(bytes.fromhex("f200110000")) is None
