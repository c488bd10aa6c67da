"""Servers that lie about compression: the session ends with what is wrong, at little cost."""

from __future__ import annotations

import resource
import zlib
from functools import lru_cache

import pytest

from loadtests.client.link import locate
from loadtests.client.session import Session
from tests.integration.client.hostile import (
    BINARY,
    PING,
    SOON_S,
    TEXT,
    Connection,
    Play,
    assert_words,
    frame,
    hostile,
    rows,
    script,
)
from tests.integration.client.peers.listening import WEBSOCKET, connected
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("loop_errors")

FINAL, PACKED = 0x80, 0xC0  # the first bits of a frame: whole, and whole and compressed
DEFLATE = "permessage-deflate"
MIB = 1024 * 1024


def packed(message: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(message) + engine.flush(zlib.Z_SYNC_FLUSH)[:-4]


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """A GiB of zeros in a MiB: 64 times the same 16, none of which refers to what is before it."""
    engine = zlib.compressobj(9, wbits=-15)
    part = engine.compress(bytes(16 * MIB)) + engine.flush(zlib.Z_FULL_FLUSH)
    return 64 * part


def agreed(*steps: bytes | Play) -> Play:
    """Agrees to compress, welcomes the session, and goes on so."""
    return script(lambda connection: connection.welcome(DEFLATE), *steps, Connection.wait)


@rows(
    {
        "compressed without having agreed": (
            script(Connection.welcome, frame(TEXT, packed(b"6"), PACKED), Connection.wait),
            "reserved bits set in frame head 0xc1; no extension was agreed on$",
        ),
        "no deflate": (
            agreed(frame(TEXT, b"\xff" * 20, PACKED)),
            "a compressed message cannot be read: .*invalid",
        ),
        "no deflate, in a binary message": (
            agreed(frame(BINARY, b"\xff" * 20, PACKED)),
            "a compressed message cannot be read",
        ),
        "no deflate behind what was": (
            agreed(frame(TEXT, packed(b'42/test,["n",1]'), PACKED), frame(TEXT, b"\7", PACKED)),
            "a compressed message cannot be read",
        ),
        "a reference to what was never said": (
            agreed(frame(TEXT, bytes.fromhex("f200110000"), PACKED)),
            "a compressed message cannot be read: .*too far back",
        ),
        "no UTF-8": (agreed(frame(TEXT, packed(b"\xff\xff"), PACKED)), "unexpected Engine.IO pack"),
        "a compressed ping": (agreed(frame(PING, b"", PACKED)), "reserved bits.*0xc9"),
        "a compressed continuation": (
            agreed(frame(TEXT, b"\x00", 0x40), frame(0, b"", PACKED)),
            "reserved bits.*0xc0",
        ),
        "blocks that say to be the last without end": (
            agreed(frame(TEXT, b"\x03\x00" * MIB, PACKED)),
            "more than 16 blocks say to be the last",
        ),
    }
)
def test_lie_ends_the_session_with_what_is_wrong(done: Play, words: str) -> None:
    with hostile(done) as url, connected(url, WEBSOCKET) as client:
        assert_words(words, client.until_ended(SOON_S))


@rows(
    {
        "not offered": ("permessage-bzip2", "extensions that were not offered: 'permessage-bzip2'"),
        "one more": (f"{DEFLATE}, x-more", "not offered"),
        "no parameter": (f"{DEFLATE}; level=9", "'level=9', which says nothing"),
        "no window": (f"{DEFLATE}; client_max_window_bits=16", "which says nothing"),
        "said twice": (f"{DEFLATE}; {'server_no_context_takeover; ' * 2}", "said twice"),
        "endless": (f"{DEFLATE}; {'x' * 30_000}", "which says nothing"),
    }
)
def test_agreement_to_what_was_not_offered_fails_the_connection(done: str, words: str) -> None:
    play = script(lambda connection: connection.agree(extensions=done), Connection.wait)
    with hostile(play) as url:
        session = Session(locate(url), WEBSOCKET, "/test")
        with pytest.raises(Exception, match="WebSocket handshake") as failed:
            session.connect(timeout_s=SOON_S)
        assert_words(words, str(failed.value))


def test_agreement_where_nothing_was_offered_fails_the_connection() -> None:
    play = script(lambda connection: connection.agree(extensions=DEFLATE), Connection.wait)
    with hostile(play) as url:
        session = Session(locate(url, compression=False), WEBSOCKET, "/test")
        with pytest.raises(Exception, match="and nothing was offered"):
            session.connect(timeout_s=SOON_S)


@pytest.mark.parametrize("fragments", [1, 64])
def test_bomb_ends_the_session_and_is_not_unpacked(fragments: int) -> None:
    data = bomb()
    assert len(data) < 1.1 * MIB
    size = len(data) // fragments + 1
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    frames = b"".join(
        frame(
            0 if index else TEXT,
            part,
            (0 if index else 0x40) | (FINAL if index == len(parts) - 1 else 0),
        )
        for index, part in enumerate(parts)
    )
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with hostile(agreed(frames)) as url, connected(url, WEBSOCKET) as client:
        reason = client.until_ended(SOON_S)
    assert_words(rf"a message \({len(data)} compressed bytes\) of 16777217 bytes or more", reason)
    assert_words("this client takes 16777216 at most, a limit of its own", reason)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 128 * 1024


def test_block_that_says_to_be_the_last_is_no_lie() -> None:
    """RFC 7692, section 7.2.3.4: a message may be made of such blocks, and the next goes on."""
    frames = b""
    for number in range(3):
        engine = zlib.compressobj(wbits=-15)
        data = engine.compress(b'42/test,["n",%d]' % number) + engine.flush(zlib.Z_FINISH)
        frames += frame(TEXT, data + b"\x00" * (number % 2), PACKED)
    with hostile(agreed(frames)) as url, connected(url, WEBSOCKET) as client:
        assert client.take("n", 3) == [[0], [1], [2]]


def test_compressed_message_that_never_ends_is_not_waited_for_beyond_its_limit() -> None:
    endless = frame(TEXT, b"", 0x40) + 20 * frame(0, bytes(MIB), 0x00)
    with hostile(agreed(endless)) as url, connected(url, WEBSOCKET) as client:
        until(lambda: client.session.ended)
        assert_words("a message of 1\\d{7} bytes or more; this client", client.until_ended(SOON_S))
