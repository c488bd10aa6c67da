"""In whose words a trial speaks: what a command line says, and what that means for a subject."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.client.target import Target
from loadtests.record.application import BESIDE_NAMESPACE
from loadtests.run.dialogue import messages_of, target_of, unspoken
from loadtests.run.experiment import Experiment, experiment_of
from loadtests.run.said import said
from loadtests.run.subjects import Subject, running
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.own_messages import First, MatchedBy, Messages, OwnExchange
from loadtests.scenarios.registry import SCENARIOS
from loadtests.scenarios.scenario import Speaks

OWN = Messages(echo=OwnExchange("say", {"text": "{{payload}}"}, answer="said"))
ECHO = Echo(clients=1, rate_hz=10, latency_s=1, throughput_s=1)
APP, URL = Subject(mode="gevent", app="chat:app"), running("http://127.0.0.1:5000")


def experiment(messages: Messages | None = OWN, **target: Any) -> Experiment:
    return experiment_of("own", {"echo": ECHO}, messages=messages, target=Target(**target))


def test_options_say_an_exchange_as_an_experiment_does() -> None:
    given = {"echo_event": "say", "echo_data": '{"text": "{{payload}}"}', "echo_answer": "said"}
    assert said(given, None) == OWN


def test_option_goes_before_the_experiment_by_kind() -> None:
    below = Messages(
        echo=OWN.echo, broadcast=OwnExchange("post", answer="posted"), first=[First("enter")]
    )
    found = said({"echo_event": "store"}, below)
    assert found is not None
    assert found.echo == OwnExchange("store")
    assert (found.broadcast, found.first) == (below.broadcast, below.first)
    assert said({}, below) == below


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"echo_data": "1"}, "are about --echo-event"),
        ({"broadcast_answer": "a"}, "are about --broadcast-event"),
        ({"echo_event": "a", "echo_data": "{text}"}, "--echo-data: no JSON"),
        ({"echo_event": "a", "echo_data": "1", "echo_answer": "b"}, "--echo-event a: data has no"),
        ({"broadcast_event": "a"}, "copies are known by their payload"),
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        said(given, None)


def test_own_messages_are_said_in_the_applications_own_namespace() -> None:
    assert target_of(experiment(), APP, Speaks.ECHO, None).namespace == "/"
    assert target_of(experiment(namespace="/chat"), URL, Speaks.ECHO, None).namespace == "/chat"


def test_application_that_is_served_has_the_usual_events_for_the_rest() -> None:
    assert messages_of(experiment(), APP, Speaks.BROADCAST) is None
    assert target_of(experiment(), APP, Speaks.BROADCAST, None).namespace == BESIDE_NAMESPACE
    assert target_of(experiment(None), APP, Speaks.ECHO, None).namespace == BESIDE_NAMESPACE


def test_running_server_is_not_asked_what_it_has_no_words_for() -> None:
    assert unspoken(experiment(), URL, SCENARIOS["echo"]) == ""
    assert unspoken(experiment(), URL, SCENARIOS["pages"]) == ""
    assert (
        unspoken(experiment(), URL, SCENARIOS["broadcast"])
        == "nothing is said of broadcast ([messages], or --broadcast-event)"
    )
    assert unspoken(experiment(), APP, SCENARIOS["broadcast"]) == ""
    assert "application under test" in unspoken(experiment(), URL, SCENARIOS["rooms"])
    assert unspoken(experiment(None), URL, SCENARIOS["rooms"]) == ""


def test_order_tells_nothing_where_answers_come_late() -> None:
    by_order = Messages(OwnExchange("count", 1, answer="counted", matched_by=MatchedBy.ORDER))
    for scenario in ("curve", "echo"):
        told = unspoken(experiment(by_order), APP, SCENARIOS[scenario])
        assert bool(told) is (scenario == "curve")


def test_who_says_nothing_says_nothing_first() -> None:
    own = Messages(echo=OWN.echo, first=[First("enter")])
    found = messages_of(experiment(own), URL, Speaks.NOTHING)
    assert found is not None
    assert found.first == []


def test_first_is_an_option_that_repeats_no_secret() -> None:
    given = {"first": ['{"event": "enter", "data": "lobby"}'], "echo_event": "store"}
    found = said(given, None)
    assert found is not None
    assert found.first == [First("enter", "lobby")]
    with pytest.raises(ValueError, match="--first") as caught:
        said({"first": ['{"event": "login", "password": "hunter2"}']}, None)
    assert "hunter2" not in str(caught.value)
