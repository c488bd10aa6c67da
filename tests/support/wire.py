"""What a packet capture says of echoes that one client sends one after the other.

From the packet with the last byte of the request that carries an echo to the packet with the first
byte that carries its answer: the server's time, whoever asked, and nothing of the client's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadtests.generator.bench_client.capture import Segment

#: What only an echo's POST, and only its answer, has in it over long-polling, which is plain text.
_ASKED, _ANSWERED = b'42/test,["my event"', b'42/test,["my response"'
#: A heartbeat's frame, compressed: to a client, and masked from one.
_PING, _PONG = 5, 9


@dataclass(frozen=True, slots=True)
class Turn:
    """When one of the clients had its turn, nanoseconds of the wall clock, end excluded."""

    client: str
    begin_ns: int
    end_ns: int


def server_times_ns(
    captured: Iterable[Segment], port: int, turns: Sequence[Turn], *, polling: bool
) -> dict[str, list[int]]:
    """Client -> the server's times for its echoes.

    Args:
        captured: segments from and to the server, in the order of capture.
        port: the server's.
        turns: only what went by in one counts.
        polling: whether echoes go by long-polling.
    """
    found: dict[str, list[int]] = {turn.client: [] for turn in turns}
    everything = list(captured)
    for turn in turns:
        own = [each for each in everything if turn.begin_ns <= each.stamp_ns < turn.end_ns]
        found[turn.client] += _polled(own, port) if polling else _framed(own, port)
    return found


def _polled(segments: Sequence[Segment], port: int) -> Iterator[int]:
    asked_ns = None
    for each in segments:
        if each.destination == port and _ASKED in each.payload:
            asked_ns = each.stamp_ns
        elif each.source == port and _ANSWERED in each.payload and asked_ns is not None:
            yield each.stamp_ns - asked_ns
            asked_ns = None


def _framed(segments: Sequence[Segment], port: int) -> Iterator[int]:
    asked_ns = None
    for each in segments:
        length = len(each.payload)
        if each.destination == port and length > _PONG:
            asked_ns = each.stamp_ns
        elif each.source == port and length > _PING and asked_ns is not None:
            yield each.stamp_ns - asked_ns
            asked_ns = None
