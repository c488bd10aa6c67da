"""What clients did when their server came back, other than the rules say: told, with where."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.generator_facts import GeneratorFacts, OutageFacts, ReturnFacts
from loadtests.record.results import Result
from loadtests.scenarios.disconnect.rows import Outage
from reports.facts.findings import Finding, Kind, Severity
from reports.summary import summarise
from tests.unit.reports.builder import planned, ran, result

AS_IT_SHOULD = ReturnFacts()


def outages(otherwise: ReturnFacts = AS_IT_SHOULD, crashes: tuple[str, ...] = ()) -> Result:
    """One trial, in which Python clients of a restarted server did so many other things."""
    sound = OutageFacts(away_s=1.0, python=AS_IT_SHOULD, javascript=AS_IT_SHOULD)
    facts = {str(outage): sound for outage in Outage}
    facts[Outage.RESTART] = msgspec.structs.replace(sound, python=otherwise)
    generator = GeneratorFacts(outages=facts, crashes=list(crashes))
    return result([planned(0, "disconnect", "gevent")], [ran(0, generator=generator)])


def found(run: Result) -> list[Finding]:
    return [one for one in summarise(run).findings if one.kind is Kind.CAME_BACK_OTHERWISE]


def test_clients_that_keep_to_their_rules_are_no_finding() -> None:
    assert found(outages()) == []


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("left_out", "2 not connected when the server went"),
        ("reconnected_later", "2 connected again later than their own delays explain"),
        ("connected_twice", "2 connected again more than once"),
    ],
)
def test_what_clients_did_otherwise_is_told_with_where_and_how_many(fact: str, told: str) -> None:
    (finding,) = found(outages(msgspec.structs.replace(AS_IT_SHOULD, **{fact: 2})))
    assert f"gevent × websocket: server-restart, python-socketio: {told}." in finding.text
    assert finding.cells == ("gevent × websocket",)
    assert finding.severity is Severity.WARNING


def test_client_thread_that_ended_in_an_exception_is_told_in_its_words() -> None:
    (finding,) = found(outages(crashes=("KeyError: 'sid'", "another")))
    assert "2 exceptions ended threads of clients (KeyError: 'sid')" in finding.text


def test_trial_that_failed_before_any_outage_is_no_reason_to_fall_over() -> None:
    assert found(result([planned(0, "disconnect")], [ran(0)])) == []
