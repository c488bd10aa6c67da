"""Messages of somebody's own application: templates, and how answers are known again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.client import packets
from loadtests.scenarios.own_echo_client import OwnEchoClient
from loadtests.scenarios.own_messages import (
    ACKNOWLEDGEMENT,
    First,
    MatchedBy,
    Messages,
    OwnExchange,
    OwnMaker,
)
from tests.support.simulation import MS, SECOND, FakeSession, World

SAY = OwnExchange("say", {"text": "{{payload}}", "room": 7}, "said")


def data_of(packet: bytes) -> Any:
    return packets.decode(packet).data


def test_payload_takes_its_place_in_the_template_in_its_stated_length() -> None:
    [event, data] = data_of(OwnMaker(SAY, 3, 32, "/chat").make(12))
    assert event == "say"
    assert data == {"text": "tb-3:12:".ljust(32, "x"), "room": 7}


def test_text_around_the_payload_stays() -> None:
    exchange = OwnExchange("say", ["to all: {{payload}}!", '"quoted"'], "said")
    [_, data] = data_of(OwnMaker(exchange, 0, 12, "/").make(5))
    assert data == ["to all: tb-0:5:xxxxx!", '"quoted"']


def test_payload_that_is_shorter_than_its_identity_is_longer() -> None:
    [_, data] = data_of(OwnMaker(SAY, 123, 4, "/").make(45678))
    assert data["text"] == "tb-123:45678:"


@pytest.mark.parametrize("namespace", ["/", "/chat"])
def test_packet_that_wants_an_acknowledgement_has_its_number(namespace: str) -> None:
    made = OwnMaker(OwnExchange("store", {"text": "{{payload}}"}), 1, 20, namespace)
    found = packets.decode(made.make_acknowledged(4, 99))
    assert (found.id, found.namespace, found.data[0]) == (99, namespace, "store")
    assert packets.decode(made.make(4)).id is None


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "tb-3:12:xxx"},
        [{"deep": [1, None, {"er": "you said: tb-3:12:xx, did you not"}]}],
        "tb-3:12:",
        {"at": "12:30:45", "text": "tb-3:12:x"},
    ],
)
def test_payload_is_known_wherever_it_comes_back(answer: Any) -> None:
    packet = packets.encode_event("/chat", "said", answer)
    assert SAY.identity(data_of(packet)[1:]) == SAY.identity_of(packet) == (3, 12)


@pytest.mark.parametrize("answer", [{"at": "12:30:45"}, [], {"tb-3:12:": 1}, 7, None])
def test_answer_without_the_payload_is_nobodys(answer: Any) -> None:
    assert SAY.identity([answer]) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"event": ""}, "no name"),
        ({"event": "a", "data": "{{payload}} {{payload}}"}, "2 times"),
        ({"event": "a", "data": {"b": 1}, "answer": "c"}, "no {{payload}}"),
        ({"event": "a", "data": float("nan")}, "not finite"),
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


def client(world: World, session: FakeSession, exchange: OwnExchange) -> OwnEchoClient:
    return OwnEchoClient(
        session,  # type: ignore[arg-type]
        world,  # type: ignore[arg-type]
        32,
        exchange,
        publisher=2,
        now_ns=world.time_ns,
    )


def test_answer_to_somebody_else_is_no_answer() -> None:
    world, session = World(), FakeSession()
    one = client(world, session, SAY)
    one.closed_loop(world.now_ns + SECOND)
    one._received([{"text": "tb-1:0:"}], world.now_ns, world.now_ns)
    assert one.unanswered == {0}
    one._received([{"text": "tb-2:0:"}], world.now_ns, world.now_ns)
    assert one.unanswered == {1}  # the next one is under way
    assert list(one.numbers) == [0]


def test_answers_in_order_are_to_the_messages_in_order() -> None:
    world, session = World(), FakeSession()
    exchange = OwnExchange("count", {"n": 1}, "counted", MatchedBy.ORDER)
    one = client(world, session, exchange)
    one.closed_loop(world.now_ns + SECOND)
    for _ in range(3):
        one._received([{"ok": True}], world.now_ns, world.now_ns)
    assert list(one.numbers) == [0, 1, 2]


def test_lost_answer_in_order_costs_one_message_and_not_all() -> None:
    """Who has waited long enough sends again, and the next answer is to that."""
    world, session = World(), FakeSession()
    exchange = OwnExchange("count", {"n": 1}, "counted", MatchedBy.ORDER)
    one = client(world, session, exchange)
    one.closed_loop(world.now_ns + SECOND)
    world.now_ns += 100 * MS
    one.go_on(50 * MS)  # 0 is lost
    one._received([{"ok": True}], world.now_ns, world.now_ns)
    assert list(one.numbers) == [1]
    assert one.unanswered == {0, 2}


def test_acknowledgement_is_of_its_message() -> None:
    world, session = World(), FakeSession()
    one = client(world, session, OwnExchange("store", {"text": "{{payload}}"}, ACKNOWLEDGEMENT))
    one.closed_loop(world.now_ns + SECOND)
    [handler] = session.expected.values()
    handler([{"stored": True}], world.now_ns, world.now_ns)
    assert list(one.numbers) == [0]
    assert len(session.expected) == 2
