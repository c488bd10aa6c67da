"""Clients that echo: with the application under test, or in the words of somebody else's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from loadtests.scenarios.echo_client import EchoClient
from loadtests.scenarios.echoed import Echoed
from loadtests.scenarios.echoes import Echoes, LocalEchoes
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.own_messages import Spoken

if TYPE_CHECKING:
    from loadtests.client.alarm import Alarm
    from loadtests.client.session import Session
    from loadtests.scenarios.bench import Bench


def echo_clients(
    bench: Bench, payload_bytes: int, publishers: Sequence[int] | None = None
) -> Echoes:
    """One for each session of a trial, which sends what its place says.

    Args:
        bench: of the trial.
        payload_bytes: of each message.
        publishers: the clients' numbers; None for those from 0 on.
    """
    if bench.crew is not None:
        return bench.crew.echoes(payload_bytes)
    own = bench.place.echo
    if not isinstance(own, Spoken):
        return LocalEchoes(
            EchoClient(session, bench.alarm, payload_bytes, now_ns=bench.now_ns)
            for session in bench.sessions
        )
    return LocalEchoes(
        OwnEchoClient(
            session, bench.alarm, payload_bytes, own, publisher=number, now_ns=bench.now_ns
        )
        for number, session in zip(publishers or count(), bench.sessions, strict=False)
    )


class OwnEchoClient(EchoClient):
    """Sends what an exchange says, and knows its answers as that says.

    Args:
        session, alarm, payload_bytes, now_ns: see EchoClient.
        spoken: what is sent.
        publisher: by whose number its answers are known from those to others.
    """

    def __init__(
        self,
        session: Session,
        alarm: Alarm,
        payload_bytes: int,
        spoken: Spoken,
        *,
        publisher: int,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(
            session, alarm, payload_bytes, publisher=publisher, now_ns=now_ns, exchange=spoken
        )
        self._exchange = spoken.exchange
        self._publisher = publisher
        self._made = spoken.maker(publisher, payload_bytes, session.namespace, session.sid)
        #: The message that the next answer is to, where their order tells.
        self._next_answered = 0
        self.is_acknowledged = spoken.exchange.is_acknowledged
        self.goes_by_order = spoken.exchange.is_known_by_order

    def go_on(self, waited_ns: int) -> None:
        """See EchoClient; an answer that comes from now on is to what is sent now."""
        before = len(self.due_ns)
        super().go_on(waited_ns)
        if len(self.due_ns) > before:
            self._next_answered = before

    def _packets(self, number: int) -> Sequence[bytes]:
        if not self.is_acknowledged:
            return (self._made.make(number),)
        expected = self._session.expect(partial(self._acknowledged, number))
        return (self._made.make_acknowledged(number, expected),)

    def _acknowledged(
        self, number: int, arguments: list[Any], kernel_ns: int, user_ns: int
    ) -> None:
        self.says_something = self.says_something or any(each is not None for each in arguments)
        self._answered(number, kernel_ns, user_ns)

    def _identity(self, arguments: list[Any]) -> tuple[int, int] | None:
        if not self.goes_by_order:
            found = self._identify(arguments)
            return found if found is not None and found[0] == self._publisher else None
        number = max(self._next_answered, self.first)
        while number < len(self.due_ns) and number not in self.unanswered:
            number += 1
        if number == len(self.due_ns):
            self.surplus += 1
            return None
        self._next_answered = number + 1
        return self._publisher, number


def check_acknowledgements(clients: Iterable[Echoed]) -> None:
    """See that somebody handles what is sent.

    python-socketio (5.18) acknowledges an event of a class-based namespace that has no handler for
    it as one whose handler returns nothing.

    Args:
        clients: of a trial that had answers.

    Raises:
        TrialFailed: not one acknowledgement had anything in it.
    """
    own = [each for each in clients if each.is_acknowledged]
    if own and any(len(each.numbers) for each in own) and not any(e.says_something for e in own):
        raise TrialFailed(
            "every acknowledgement was empty, as those of an event that nobody handles are; have "
            "the handler return something"
        )


def unsure(clients: Iterable[Echoed], lost: int) -> str:
    """Why nobody knows which answers were to which messages; nothing where that is known.

    Args:
        clients: of a trial.
        lost: messages without an answer in it.
    """
    own = [each for each in clients if each.goes_by_order]
    surplus = sum(each.surplus for each in own)
    if not own or not (lost or surplus):
        return ""
    return (
        f"answers are known by their order alone, and {lost} were missing and {surplus} too many: "
        "which were late and which to others is not known"
    )
