"""Messages of somebody's own application: templates, and how answers are known again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.client import packets
from loadtests.client.errors import ConnectionFailed
from loadtests.scenarios import own_messages
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.own_echo_client import OwnEchoClient, check_acknowledgements, unsure
from loadtests.scenarios.own_messages import (
    ACKNOWLEDGEMENT,
    First,
    MatchedBy,
    Messages,
    OwnExchange,
    Spoken,
)
from tests.support.simulation import MS, SECOND, FakeSession, World

SAY = OwnExchange("say", {"text": "{{payload}}", "room": 7}, answer="said")
SPOKEN = Spoken(SAY, "1f")


def made(exchange: OwnExchange, publisher: int, payload_bytes: int, namespace: str = "/") -> Any:
    return Spoken(exchange, "1f").maker(publisher, payload_bytes, namespace)


def data_of(packet: bytes) -> Any:
    return packets.decode(packet).data


def test_payload_takes_its_place_in_the_template_in_its_stated_length() -> None:
    [event, data] = data_of(made(SAY, 3, 32, "/chat").make(12))
    assert event == "say"
    assert data == {"text": "tb1f-3:12:".ljust(32, "x"), "room": 7}


def test_text_around_the_payload_stays() -> None:
    exchange = OwnExchange("say", ["to all: {{payload}}!", '"quoted"'], answer="said")
    [_, data] = data_of(made(exchange, 0, 12).make(5))
    assert data == ["to all: tb1f-0:5:xxx!", '"quoted"']


def test_payload_that_is_shorter_than_its_identity_is_longer() -> None:
    [_, data] = data_of(made(SAY, 123, 4).make(45678))
    assert data["text"] == "tb1f-123:45678:"


@pytest.mark.parametrize("namespace", ["/", "/chat"])
def test_packet_that_wants_an_acknowledgement_has_its_number(namespace: str) -> None:
    maker = made(OwnExchange("store", {"text": "{{payload}}"}), 1, 20, namespace)
    found = packets.decode(maker.make_acknowledged(4, 99))
    assert (found.id, found.namespace, found.data[0]) == (99, namespace, "store")
    assert packets.decode(maker.make(4)).id is None


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "tb1f-3:12:xxx"},
        [{"deep": [1, None, {"er": "you said: tb1f-3:12:xx, did you not"}]}],
        "tb1f-3:12:",
        {"at": "12:30:45", "text": "tb1f-3:12:x"},
    ],
)
def test_payload_is_known_wherever_it_comes_back(answer: Any) -> None:
    packet = packets.encode_event("/chat", "said", answer)
    assert SPOKEN.identity(data_of(packet)[1:]) == SPOKEN.identity_of(packet) == (3, 12)


@pytest.mark.parametrize("answer", [{"at": "12:30:45"}, [], 7, None, "tb2e-3:12:xx"])
def test_answer_without_the_trials_payload_is_nobodys(answer: Any) -> None:
    """One to another trial's message is none of this one's, either."""
    packet = packets.encode_event("/chat", "said", answer)
    assert SPOKEN.identity([answer]) is SPOKEN.identity_of(packet) is None


@pytest.mark.parametrize(
    ("arguments", "sent"), [([], []), (["room", {"n": 1}], ["room", {"n": 1}])]
)
def test_event_has_as_many_arguments_as_are_said(arguments: list[Any], sent: list[Any]) -> None:
    exchange = OwnExchange("tick", arguments=arguments)
    assert data_of(made(exchange, 0, 20).make(0)) == ["tick", *sent]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"event": ""}, "no name"),
        ({"event": "a", "data": "{{payload}} {{payload}}"}, "2 times"),
        ({"event": "a", "data": {"b": 1}, "answer": "c"}, "no {{payload}}"),
        ({"event": "a", "data": float("nan")}, "not finite"),
        ({"event": "a", "data": 1, "arguments": [2]}, "in place of data"),
        ({"event": "a", "matched_by": "luck"}, "luck"),
        ({"event": "a", "anwser": "b"}, "anwser"),
    ],
)
def test_exchange_that_makes_no_sense_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)) as caught:
        msgspec.convert(fields, OwnExchange)
    assert words in str(caught.value)


def test_broadcast_must_bring_its_payload_to_everybody() -> None:
    with pytest.raises(ValueError, match="known by their payload"):
        Messages(broadcast=OwnExchange("post"))
    with pytest.raises(ValueError, match="neither"):
        Messages(first=[First("join")])


def test_what_is_said_first_is_in_no_file() -> None:
    told = Messages(echo=SAY, first=[First("login", {"password": "secret"})]).unsaid()
    assert "secret" not in str(msgspec.to_builtins(told))
    assert told.first[0].event == "login"


# --- clients

COUNT = OwnExchange("count", {"n": 1}, answer="counted", matched_by=MatchedBy.ORDER)


def client(world: World, session: FakeSession, exchange: OwnExchange) -> OwnEchoClient:
    return OwnEchoClient(
        session,  # type: ignore[arg-type]
        world,  # type: ignore[arg-type]
        32,
        Spoken(exchange, "1f"),
        publisher=2,
        now_ns=world.time_ns,
    )


def test_answer_to_somebody_else_is_no_answer() -> None:
    world, session = World(), FakeSession()
    one = client(world, session, SAY)
    one.closed_loop(world.now_ns + SECOND)
    one._received([{"text": "tb1f-1:0:"}], world.now_ns, world.now_ns)
    assert one.unanswered == {0}
    one._received([{"text": "tb1f-2:0:"}], world.now_ns, world.now_ns)
    assert one.unanswered == {1}  # the next one is under way
    assert list(one.numbers) == [0]


def test_answers_in_order_are_to_the_messages_in_order() -> None:
    world, session = World(), FakeSession()
    one = client(world, session, COUNT)
    one.closed_loop(world.now_ns + SECOND)
    for _ in range(3):
        one._received([{"ok": True}], world.now_ns, world.now_ns)
    assert list(one.numbers) == [0, 1, 2]


def test_lost_answer_in_order_costs_one_message_and_not_all() -> None:
    """Who has waited long enough sends again, and the next answer is to that."""
    world, session = World(), FakeSession()
    one = client(world, session, COUNT)
    one.closed_loop(world.now_ns + SECOND)
    world.now_ns += 100 * MS
    one.go_on(50 * MS)  # 0 is lost
    one._received([{"ok": True}], world.now_ns, world.now_ns)
    assert list(one.numbers) == [1]
    assert one.unanswered == {0, 2}


def test_acknowledgement_is_of_its_message() -> None:
    world, session = World(), FakeSession()
    one = client(
        world, session, OwnExchange("store", {"text": "{{payload}}"}, answer=ACKNOWLEDGEMENT)
    )
    one.closed_loop(world.now_ns + SECOND)
    [handler] = session.expected.values()
    handler([{"stored": True}], world.now_ns, world.now_ns)
    assert list(one.numbers) == [0]
    assert len(session.expected) == 2


def test_answer_that_nobody_asked_for_is_to_no_later_message() -> None:
    """A welcome of the same name, before anything was said."""
    world, session = World(), FakeSession()
    one = client(world, session, COUNT)
    one._received([{"ok": True}], world.now_ns, world.now_ns)
    one.closed_loop(world.now_ns + SECOND)
    one._received([{"ok": True}], world.now_ns, world.now_ns)
    assert list(one.numbers) == [0]
    assert one.surplus == 1


def test_order_that_broke_is_told() -> None:
    world = World()
    by_order, by_payload = (client(world, FakeSession(), each) for each in (COUNT, SAY))
    assert unsure([by_order], lost=0) == unsure([by_payload], lost=3) == ""
    assert "3 were missing and 0 too many" in unsure([by_order], lost=3)
    by_order._received([{}], world.now_ns, world.now_ns)
    assert "0 were missing and 1 too many" in unsure([by_order], lost=0)


# --- what is said first


class Talking:
    """A session that answers at once, or never."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers
        self.ended: str | None = None
        self.sid = "sid-0"
        self.said: list[tuple[Any, ...]] = []
        self.handlers: dict[str, Any] = {}

    def on(self, event: str, handler: Any) -> None:
        self.handlers[event] = handler

    def emit(self, *words: Any) -> None:
        self.said.append(words)
        if self.answers:
            for handler in self.handlers.values():
                handler([], 0, 0)


def test_first_word_waits_for_its_answer() -> None:
    session: Any = Talking(answers=True)
    First("enter", "lobby", answer="entered").say(session)
    First("look").say(session)
    assert session.said == [("enter", "lobby"), ("look",)]


def test_first_word_without_an_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_messages, "_FIRST_S", 0.01)
    session: Any = Talking(answers=False)
    with pytest.raises(ConnectionFailed, match="'enter' was not answered: no 'entered' within"):
        First("enter", answer="entered").say(session)
    session.ended = "closed by the server"
    with pytest.raises(ConnectionFailed, match="closed by the server"):
        First("enter", answer="entered").say(session)


def test_client_has_its_own_session_id_in_what_it_says() -> None:
    exchange = OwnExchange("draw", {"board": "b-{{client}}", "text": "{{payload}}"}, answer="drawn")
    maker = Spoken(exchange, "1f").maker(0, 12, "/", "sid-7")
    assert data_of(maker.make(1))[1]["board"] == "b-sid-7"
    session: Any = Talking(answers=True)
    session.sid = "sid-7"
    First("enter", {"room": "{{client}}"}).say(session)
    assert session.said == [("enter", {"room": "sid-7"})]


def test_payload_in_what_is_said_once_is_refused() -> None:
    with pytest.raises(ValueError, match="is said once"):
        First("enter", {"room": "{{payload}}"})


def test_acknowledgements_that_are_all_empty_are_no_answers() -> None:
    """As those are of an event that a class-based namespace has no handler for."""
    world, session = World(), FakeSession()
    one = client(world, session, OwnExchange("store", {"text": "{{payload}}"}))
    check_acknowledgements([one])  # nothing came yet, which is told elsewhere
    one.closed_loop(world.now_ns + SECOND)
    session.expected[0]([], world.now_ns, world.now_ns)
    with pytest.raises(TrialFailed, match="every acknowledgement was empty"):
        check_acknowledgements([one])
    session.expected[1]([{"stored": True}], world.now_ns, world.now_ns)
    check_acknowledgements([one])
