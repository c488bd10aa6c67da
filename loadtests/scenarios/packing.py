"""The clients of compression: parties with it and without, of one size each, on one server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from loadtests.client.errors import ConnectionFailed
from loadtests.record.application import ECHO_EVENT, JOIN_EVENT, ROOM_EVENT
from loadtests.record.generator_facts import DEFLATE
from loadtests.record.words import Transport
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.broadcasting import Publisher, Recipient
from loadtests.scenarios.broadcasts import LocalBroadcasts
from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echoes import LocalEchoes
from loadtests.scenarios.echoing import Pace
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.messages import TextMaker
from loadtests.scenarios.negotiated import verify_compression
from loadtests.scenarios.packed import Compression, PackedRow
from loadtests.scenarios.texts import texts

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session

#: Of the texts: the same ones everywhere, since how well they pack is part of every number.
_SEED = 1
#: For the server to have served what came last, before its memory is read.
_SETTLED_S = 0.3
#: So many echoes and copies for each client before its memory counts: its dictionaries are there.
_WARM_MESSAGES = 4
_CONNECT_S = 0.006
#: A publisher whose broadcasts are not accounted for.
_NOBODY = 1


class TextClient(EchoClient):
    """An EchoClient that sends texts."""

    def __init__(
        self,
        session: Session,
        alarm: Alarm,
        texts: Sequence[str],
        number: int,
        now_ns: Callable[[], int],
    ) -> None:
        super().__init__(session, alarm, len(texts[0]), now_ns=now_ns)
        self._made = TextMaker(ECHO_EVENT, number, texts, session.namespace)

    def _packets(self, number: int) -> Sequence[bytes]:
        return (self._made.make(number),)


@dataclass(slots=True)
class Party:
    """Clients of one size, with compression or without.

    Attributes:
        row: of its numbers.
        clients: that echo.
        casts: the broadcasts of one to the others.
        sessions: of all of them, those that echo first.
        compressed: whether their messages are.
        pace: of the echo clients.
        kib_each: see the metric connection_rss; None where the server's memory is not known.
    """

    row: PackedRow
    clients: LocalEchoes[TextClient]
    casts: LocalBroadcasts
    sessions: list[Session]
    compressed: bool
    pace: Pace = field(default_factory=Pace)
    kib_each: float | None = None


def assembling_s(options: Compression) -> float:
    """About how long it takes until all of a trial's parties are there."""
    connecting_s = (options.clients + options.recipients) * _CONNECT_S
    warming_s = _WARM_MESSAGES * _SETTLED_S
    return len(options.parties) * (connecting_s + warming_s) + 2 * warming_s  # and the first ones


def parties(bench: Bench, options: Compression) -> list[Party]:
    """Connect them, one party after the other, and see what each did to the server's memory."""
    # From little to much: memory that larger messages have given back would serve those that follow.
    order = sorted(options.parties, key=lambda row: (row.size, row.packed))
    made: dict[PackedRow, Party] = {}
    # What a server needs once, for its first connection of a kind, is nobody's.
    few = msgspec.structs.replace(options, clients=1, recipients=1)
    for packed in (True, False):
        _party(bench, few, PackedRow(options.sizes[0], packed), room="first")
    for row in order:
        before_mib = bench.meter.server_mib()
        party = made[row] = _party(bench, options, row, room=str(row))
        after_mib = bench.meter.server_mib()
        if before_mib is not None and after_mib is not None:
            party.kib_each = (after_mib - before_mib) * 1024 / len(party.sessions)
    return [made[row] for row in options.parties]


def _party(bench: Bench, options: Compression, row: PackedRow, room: str) -> Party:
    """Clients that have had a few messages each way, so that each has all it will ever have."""
    from loadtests.client.link import locate
    from loadtests.client.session import Session

    place = bench.place
    server = locate(place.url, place.target, compression=row.packed)
    words = texts(_SEED, row.size)
    sessions = [
        Session(server, (Transport.WEBSOCKET,), place.namespace)
        for _ in range(options.clients + options.recipients)
    ]
    try:
        for session in sessions:
            session.connect(place.target.auth)
    except ConnectionFailed as error:
        raise TrialFailed(f"a client could not connect: {error}") from error
    finally:
        bench.sessions += sessions  # which are ended with the trial, however far they came
    agreed = verify_compression([each.compressed for each in sessions], place, offered=row.packed)
    if row.packed:
        bench.compression = agreed
    echoing_ones, receiving = sessions[: options.clients], sessions[options.clients :]
    for session in receiving:
        session.emit(JOIN_EVENT, {"room": room})
    messages = TextMaker(ROOM_EVENT, 0, words, place.namespace, room)
    publisher = Publisher(receiving[0], bench.alarm, messages, now_ns=bench.now_ns)
    party = Party(
        row=row,
        clients=LocalEchoes(
            TextClient(session, bench.alarm, words, number, bench.now_ns)
            for number, session in enumerate(echoing_ones)
        ),
        casts=LocalBroadcasts([publisher], [Recipient(session) for session in receiving]),
        sessions=sessions,
        compressed=agreed == DEFLATE,
    )
    warming = TextMaker(ROOM_EVENT, _NOBODY, words, place.namespace, room)
    for number in range(_WARM_MESSAGES):
        receiving[0].send(warming.make(number))
        for client in party.clients:
            client.closed_loop(0)
        bench.sleep(_SETTLED_S)
    return party
