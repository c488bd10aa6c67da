"""Messages with an identity: who sent it, which of his it is, and padding to a stated length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from loadtests.client import packets
from loadtests.record.application import (
    BROADCAST_EVENT,
    ECHO_EVENT,
    NAMESPACE,
    RESPONSE_EVENT,
)


class Maker(Protocol):
    """Makes the packets of a publisher."""

    def make(self, number: int) -> bytes:
        """The packet of message ``number``."""


class Exchange(Protocol):
    """What is sent, and what answers it.

    Attributes:
        event: that is sent.
        answer: the event that answers.
    """

    @property
    def event(self) -> str: ...  # noqa: D102  # above

    @property
    def answer(self) -> str: ...  # noqa: D102  # above

    def maker(self, publisher: int, payload_bytes: int, namespace: str, client: str = "") -> Maker:
        """What makes a publisher's packets; ``client`` is its session's id."""

    def identity(self, arguments: list[Any]) -> tuple[int, int] | None:
        """Publisher and number of an answer; None for a message that is not one of ours."""

    def identity_of(self, packet: bytes) -> tuple[int, int] | None:
        """The same of a packet as it came.

        Raises:
            ProtocolError: it is no packet.
        """


class MessageMaker:
    """Makes the packets of one event, ``{"data": "PUBLISHER:NUMBER:xxx"}``, at little cost.

    Args:
        event: its name.
        publisher: whose messages they are.
        payload_bytes: of the ``data``.
        namespace: of the event.
        room: that a message names in front of its ``data``; none if empty.
    """

    def __init__(
        self,
        event: str,
        publisher: int,
        payload_bytes: int,
        namespace: str = NAMESPACE,
        room: str = "",
    ) -> None:
        # What is in front may have an @ of its own.
        beside = {"room": room} if room else {}
        whole = packets.encode_event(namespace, event, {**beside, "data": "@"})
        self._head, _, self._tail = whole.rpartition(b"@")
        self._publisher = b"%d:" % publisher
        self._payload_bytes = payload_bytes

    def make(self, number: int) -> bytes:
        """The packet of message ``number``; its ``data`` has exactly the stated length."""
        identity = b"%s%d:" % (self._publisher, number)
        return self._head + identity.ljust(self._payload_bytes, b"x") + self._tail


class TextMaker(MessageMaker):
    """The same with a text as padding: one after the other, and not all publishers the same.

    Args:
        event, publisher, namespace, room: see MessageMaker.
        texts: of ASCII, equally long, which is the length of the ``data``.
    """

    def __init__(
        self,
        event: str,
        publisher: int,
        texts: Sequence[str],
        namespace: str = NAMESPACE,
        room: str = "",
    ) -> None:
        super().__init__(event, publisher, len(texts[0]), namespace, room)
        self._texts = [text.encode() for text in texts]
        self._first = 7 * publisher

    def make(self, number: int) -> bytes:
        """See MessageMaker."""
        identity = b"%s%d:" % (self._publisher, number)
        text = self._texts[(number + self._first) % len(self._texts)]
        return self._head + identity + text[len(identity) :] + self._tail


def identity(arguments: list[Any]) -> tuple[int, int] | None:
    """Publisher and number of a response; None for a message that is not one of ours."""
    try:
        publisher, number, _padding = arguments[0]["data"].split(":", 2)
        return int(publisher), int(number)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None


class _OfTheApplication:
    """An exchange with the application under test."""

    def __init__(self, event: str) -> None:
        self.event = event
        self.answer = RESPONSE_EVENT
        self.identity = identity
        self.identity_of = identity_of

    def maker(
        self,
        publisher: int,
        payload_bytes: int,
        namespace: str,
        client: str = "",  # noqa: ARG002  # all clients send the same
    ) -> Maker:
        """See Exchange."""
        return MessageMaker(self.event, publisher, payload_bytes, namespace)


_HEAD, _TAIL = packets.encode_event("/", RESPONSE_EVENT, {"data": "@"}).split(b"@")
_usual = re.compile(
    # Engine.IO's and Socket.IO's digits, and whatever namespace the session has joined.
    re.escape(_HEAD[:2])
    + rb"(?:/[^,]*,)?"
    + re.escape(_HEAD[2:])
    + rb"(\d{1,18}):(\d{1,18}):x*"
    + re.escape(_TAIL)
).fullmatch


def identity_of(packet: bytes) -> tuple[int, int] | None:
    """The same of a response as it came.

    Raises:
        ProtocolError: it is no packet.
    """
    # JSON is written this way by all servers that write it compactly, and this is a fifth of what
    # decoding it costs.
    usual = _usual(packet)
    if usual is not None:
        publisher, number = usual.groups()
        return int(publisher), int(number)
    return identity(packets.decode(packet).data[1:])


ECHO: Exchange = _OfTheApplication(ECHO_EVENT)
BROADCAST: Exchange = _OfTheApplication(BROADCAST_EVENT)
