"""What is said about connections: memory that is kept, and a server without room."""

from __future__ import annotations

import msgspec

from loadtests.record.results import Result
from loadtests.record.words import Transport
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections.connections import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result


def run(left_behind: tuple[float, ...], note: str = "") -> Result:
    numbers = range(len(left_behind))
    plan = [
        planned(number, "connections", transport=Transport.WEBSOCKET, block=number)
        for number in numbers
    ]
    notes = {"connected": note} if note else {}
    trials = [
        ran(
            number,
            msgspec.structs.replace(
                measurement("connections", left_behind=left_behind[number]), notes=notes
            ),
        )
        for number in numbers
    ]
    return result(plan, trials)


def told(left_behind: tuple[float, ...], note: str = "") -> dict[str, str]:
    facts = facts_of(run(left_behind, note))
    return {str(each.kind): each.text for check in SECTION.checks for each in check(facts)}


def test_memory_that_every_trial_sees_kept_is_a_warning() -> None:
    assert told((62, 64, 66)) == {
        "keeps-memory": "Memory is not given back for each client that came and went: "
        "gevent × websocket 64 KiB."
    }


def test_memory_that_trials_do_not_agree_on_is_chance() -> None:
    assert told((-20, 3, 30)) == {}
    assert told((0.5, 0.6, 0.7)) == {}
    assert told((64,)) == {}, "one trial cannot tell"


def test_server_without_room_is_told_in_its_words() -> None:
    found = told((0,), "no more could connect: no answer (300 of 500 are connected)")
    assert found["no-room"] == (
        "A server had no room for all clients: gevent × websocket: no more could connect: no "
        "answer (300 of 500 are connected)."
    )


def test_chart_is_drawn() -> None:
    facts = facts_of(run((1, 2)))
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    assert "further left is better" in draw(kind, facts).svg
