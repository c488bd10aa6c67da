"""Messages of somebody else's application, in place of those of the one under test.

``[messages]`` of an experiment says what is sent, and how what comes back is known again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from loadtests.client import packets
from loadtests.client.errors import ConnectionFailed
from loadtests.client.target import HIDDEN, check_json

if TYPE_CHECKING:
    from loadtests.client.session import Session

#: Where a template has what tells a message from all others.
PAYLOAD = "{{payload}}"
#: Where a template has what tells a client from all others: its session id.
CLIENT = "{{client}}"
#: An answer that is no event.
ACKNOWLEDGEMENT = "acknowledgement"
#: What begins a payload, so that no time of day is taken for one. JSON escapes nothing of it.
_MARK = "tb"
#: In a template while it is cut in two: no text of somebody's has that.
_CUT = "\ufdd0"
#: For what is said first to be answered, seconds.
_FIRST_S = 10.0


class MatchedBy(StrEnum):
    """How an answer finds its message."""

    PAYLOAD = "payload"
    ORDER = "order"


class OwnExchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is sent, and what answers it.

    Attributes:
        event: its name.
        data: its argument, any JSON; ``{{payload}}`` in one of its texts stands for what tells
            messages apart, and is as long as the scenario's ``payload_bytes``.
        arguments: all of its arguments, in place of ``data``: none, or several.
        answer: name of the event that answers, or ``acknowledgement``.
        matched_by: ``payload``: it comes back, anywhere in the answer; ``order``: it does not, and
            the first answer is to the first message.
    """

    event: str
    data: Any = PAYLOAD
    arguments: list[Any] | None = None
    answer: str = ACKNOWLEDGEMENT
    matched_by: MatchedBy = MatchedBy.PAYLOAD

    def __post_init__(self) -> None:
        _check(self.event, self.data, self.arguments, usual=PAYLOAD)
        many = sum(text.count(PAYLOAD) for text in _texts(self.sent))
        if many > 1:
            raise ValueError(f"data has {PAYLOAD} {many} times; once is enough")
        if not many and self.is_known_by_payload:
            raise ValueError(
                f"data has no {PAYLOAD}, by which {self.answer!r} could be known to answer; put it "
                'into a text, or say matched_by = "order" (--echo-matched-by order)'
            )

    @property
    def sent(self) -> list[Any]:
        """All of its arguments."""
        return [self.data] if self.arguments is None else self.arguments

    @property
    def is_acknowledged(self) -> bool:
        """Whether no event answers it."""
        return self.answer == ACKNOWLEDGEMENT

    @property
    def is_known_by_payload(self) -> bool:
        """Whether the answer brings the payload back."""
        return not self.is_acknowledged and self.matched_by is MatchedBy.PAYLOAD

    @property
    def is_known_by_order(self) -> bool:
        """Whether nothing but its place tells which message an answer is to."""
        return not self.is_acknowledged and self.matched_by is MatchedBy.ORDER


class Spoken:
    """An exchange as one trial speaks it: its messages are known from those of all others.

    A server may have clients of several trials, answer to a whole room, and bring up what was said
    before.

    Args:
        exchange: what is said.
        trial: names the trial; of letters and digits.
    """

    def __init__(self, exchange: OwnExchange, trial: str) -> None:
        self.exchange = exchange
        self.event, self.answer = exchange.event, exchange.answer
        self.mark = f"{_MARK}{trial}-"
        self._identity = re.compile(self.mark + r"(\d{1,18}):(\d{1,18}):").search
        self._identity_of = re.compile(self.mark.encode() + rb"(\d{1,18}):(\d{1,18}):").search

    def maker(
        self, publisher: int, payload_bytes: int, namespace: str, client: str = ""
    ) -> OwnMaker:
        """See Exchange."""
        return OwnMaker(self, publisher, payload_bytes, namespace, client)

    def identity(self, arguments: list[Any]) -> tuple[int, int] | None:
        """See Exchange; wherever the payload is in it."""
        for text in _texts(arguments):
            if found := self._identity(text):
                return int(found[1]), int(found[2])
        return None

    def identity_of(self, packet: bytes) -> tuple[int, int] | None:
        """See Exchange."""
        found = self._identity_of(packet)
        return None if found is None else (int(found[1]), int(found[2]))


class OwnMaker:
    """Makes the packets of one event from its template.

    Args:
        spoken: the exchange that they are of.
        publisher: whose messages they are.
        payload_bytes: of the payload; it is longer where its identity does not fit.
        namespace: of the event.
        client: what stands for ``{{client}}``.
    """

    def __init__(
        self, spoken: Spoken, publisher: int, payload_bytes: int, namespace: str, client: str = ""
    ) -> None:
        arguments = _replaced(spoken.exchange.sent, {PAYLOAD: _CUT, CLIENT: client})
        whole = packets.encode_event(namespace, spoken.event, *arguments)
        self._head, _, self._tail = whole.partition(_CUT.encode())
        self._publisher = f"{spoken.mark}{publisher}:".encode()
        self._payload_bytes = payload_bytes
        self._has_payload = bool(self._tail)
        self._numbered_at = len(packets.encode_event(namespace, "")) - len(b'[""]')

    def make(self, number: int) -> bytes:
        """The packet of message ``number``."""
        if not self._has_payload:
            return self._head
        identity = b"%s%d:" % (self._publisher, number)
        return self._head + identity.ljust(self._payload_bytes, b"x") + self._tail

    def make_acknowledged(self, number: int, acknowledgement: int) -> bytes:
        """The same with the number that its acknowledgement bears."""
        packet, at = self.make(number), self._numbered_at
        return b"%s%d%s" % (packet[:at], acknowledgement, packet[at:])


class First(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every client says before it takes part, such as which room it joins.

    Attributes:
        event, data, arguments: see OwnExchange; without either there is no argument. There is no
            payload in them.
        answer: what it waits for then: an event, ``acknowledgement``, or nothing if empty.
    """

    event: str
    data: Any = None
    arguments: list[Any] | None = None
    answer: str = ""

    def __post_init__(self) -> None:
        _check(self.event, self.data, self.arguments, usual=None)
        if any(PAYLOAD in text for text in _texts([self.data, self.arguments])):
            raise ValueError(
                f"first: {self.event!r} is said once, and has no {PAYLOAD}; {CLIENT} tells clients "
                "apart"
            )

    def say(self, session: Session) -> None:
        """Say it, and wait cooperatively for the answer.

        Raises:
            ConnectionFailed: there is none.
        """
        told = self.arguments or ([] if self.data is None else [self.data])
        arguments = _replaced(told, {CLIENT: session.sid})
        if not self.answer:
            session.emit(self.event, *arguments)
        elif self.answer == ACKNOWLEDGEMENT:
            session.call(self.event, *arguments, timeout_s=_FIRST_S)
        else:
            self._say_and_wait(session, arguments)

    def _say_and_wait(self, session: Session, arguments: list[Any]) -> None:
        from gevent.event import Event

        heard = Event()
        session.on(self.answer, lambda *_: heard.set())
        session.emit(self.event, *arguments)
        if not heard.wait(_FIRST_S):
            why = session.ended or f"no {self.answer!r} within {_FIRST_S:g} s"
            raise ConnectionFailed(f"{self.event!r} was not answered: {why}")


class Messages(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``[messages]``: how an application of somebody's own is spoken to.

    Attributes:
        echo: what one client sends and is answered to.
        broadcast: what one client sends and all receive.
        first: what each client says before, in this order.
    """

    echo: OwnExchange | None = None
    broadcast: OwnExchange | None = None
    first: list[First] = []

    def __post_init__(self) -> None:
        if self.echo is None and self.broadcast is None:
            raise ValueError("messages: neither echo nor broadcast is said")
        if self.broadcast is not None and not self.broadcast.is_known_by_payload:
            raise ValueError(
                "broadcast: copies are known by their payload: answer is the event that brings "
                f"{PAYLOAD} to everybody"
            )

    def of(self, kind: str) -> OwnExchange | None:
        """The exchange of a kind: ``echo`` or ``broadcast``."""
        found: OwnExchange | None = getattr(self, kind, None)
        return found

    def unsaid(self) -> Messages:
        """The same for everybody's eyes: what is said first is often somebody's password."""
        first = [First(each.event, HIDDEN, answer=each.answer) for each in self.first]
        return msgspec.structs.replace(self, first=first)

    def begin(self, session: Session) -> None:
        """Say what is said first.

        Raises:
            ConnectionFailed: it is not answered.
        """
        for each in self.first:
            each.say(session)


def _check(event: str, data: Any, arguments: list[Any] | None, usual: Any) -> None:
    """See that an event can be sent.

    Raises:
        ValueError: it cannot, in one line.
    """
    if not event:
        raise ValueError("event: no name is given")
    if arguments is not None and data != usual:
        raise ValueError(f"{event}: arguments are given in place of data, not beside it")
    check_json("data", data)
    check_json("arguments", arguments)


def _texts(data: Any) -> Iterator[str]:
    """All texts in a value, names of fields among them."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        yield from data
        for each in data.values():
            yield from _texts(each)
    elif isinstance(data, list):
        for each in data:
            yield from _texts(each)


def _replaced(data: Any, words: Mapping[str, str]) -> Any:
    """The same with other words in its texts."""
    if isinstance(data, str):
        for word, other in words.items():
            data = data.replace(word, other)
        return data
    if isinstance(data, dict):
        return {name: _replaced(each, words) for name, each in data.items()}
    if isinstance(data, list):
        return [_replaced(each, words) for each in data]
    return data
