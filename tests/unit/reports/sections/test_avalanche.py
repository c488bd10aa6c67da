"""What is said about a restart: who is not back, who is refused, who waits for those who come."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import Measurement, Reconnection, Result
from loadtests.record.words import Transport
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections.avalanche import SECTION
from reports.sections.avalanche_chart import returns_of
from tests.unit.reports.builder import measurement, planned, ran, result

#: All is well: the last one is back with its own delay, and nobody waits.
WELL: dict[str, float | None] = {"not_back": 0, "refused": 0, "answer_max": 80, "back_max": 4.9}


def measured(note: str = "", invalid: str = "", **numbers: float | None) -> Measurement:
    back_s: list[float | None] = [0.5, 1.0, 4.9]
    back_s += [None] * int(numbers.get("not_back") or 0)
    return msgspec.structs.replace(
        measurement("avalanche", **(WELL | numbers)),
        notes={"refused": note} if note else {},
        invalid={name: "busy" for name in (invalid,) if name},
        reconnections=[Reconnection(0.0, "transport close", each) for each in back_s],
    )


def run(*trials: Measurement, later: float | None = 0) -> Result:
    told = {} if later is None else {"reconnected_later": later, "reconnected_latest_s": 5.0}
    facts = GeneratorFacts(arrival_clock="user", connections=500, numbers=told)
    plan = [
        planned(number, "avalanche", transport=Transport.WEBSOCKET, block=number)
        for number in range(len(trials))
    ]
    return result(plan, [ran(number, each, generator=facts) for number, each in enumerate(trials)])


def told(*trials: Measurement, later: float | None = 0) -> dict[str, str]:
    facts = facts_of(run(*trials, later=later))
    return {str(each.kind): each.text for check in SECTION.checks for each in check(facts)}


def test_clients_that_are_not_back_are_told_of_how_many() -> None:
    assert told(measured(not_back=12))["not-back"] == (
        "After a restart some clients were not connected again as long as they were waited for: "
        "gevent × websocket 12 of 500."
    )


def test_refused_attempts_are_told_with_their_reason() -> None:
    note = "most often: websocket error: connect ECONNRESET (7 of 9)"
    assert told(measured(note, refused=9))["refused-returns"] == (
        "Attempts to come back failed although a server answered again: gevent × websocket 9, "
        f"{note}."
    )


def test_clients_that_are_back_and_wait_longer_than_a_second_are_told() -> None:
    assert told(measured(answer_max=1800))["returns-hold-up"] == (
        "While others come back, clients that are back wait for an answer: gevent × websocket up "
        "to 1.80 s."
    )


@pytest.mark.parametrize(
    "trial", [measured(answer_max=990), measured(invalid="answer_max", answer_max=1800)]
)
def test_short_or_doubtful_waiting_is_no_finding(trial: Measurement) -> None:
    assert "returns-hold-up" not in told(trial)


def test_where_all_is_well_only_the_clients_own_delays_are_told() -> None:
    assert told(measured(), measured()).keys() == {"own-delays"}


def test_clients_that_were_later_than_their_delays_waited_for_the_server() -> None:
    assert told(measured(back_max=6.1), later=78) == {
        "later-than-their-delays": "After a restart clients were back later than their own delays "
        "have them try: gevent × websocket 78 of 500."
    }


def test_run_that_does_not_say_who_was_late_calls_nobody_prompt() -> None:
    assert told(measured(), later=None) == {}


def test_row_without_numbers_finds_nothing_and_draws_nothing() -> None:
    names = measured().metrics
    nothing = Measurement(
        row="avalanche",
        metrics=dict.fromkeys(names),
        unavailable=dict.fromkeys(names, "run: make node"),
    )
    assert told(nothing, later=None) == {}
    (kind,) = SECTION.charts
    assert not kind.wanted(facts_of(run(nothing, later=None)))


def test_chart_has_every_client_of_every_trial_and_those_that_never_came() -> None:
    facts = facts_of(run(measured(), measured(not_back=1)))
    (found,) = returns_of(facts).values()
    assert [len(trial) for trial in found.trials_s] == [3, 4]
    assert list(found.all_s) == [0.5, 0.5, 1.0, 1.0, 4.9, 4.9, float("inf")]
    assert found.latest_s == 5


@pytest.mark.parametrize("later", [None, 0])
def test_chart_is_drawn(later: float | None) -> None:
    facts = facts_of(run(measured(), measured(not_back=1, invalid="back_max"), later=later))
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    assert "higher is better" in kind.reading
    assert "clients that are back" in draw(kind, facts).svg
