"""What is said about rooms and bursts: strays, what emitting costs, and messages that vanish."""

from __future__ import annotations

from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Transport
from reports.charts.gallery import draw
from reports.facts.run import facts_of
from reports.sections import burst, rooms
from reports.sections.section import Section
from tests.unit.reports.builder import measurement, planned, ran, result

#: Row -> numbers.
Numbers = dict[str, dict[str, float | None]]


def run(numbers: Numbers, transport: Transport = Transport.POLLING) -> Result:
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for number, (row, values) in enumerate(numbers.items()):
        plan.append(planned(number, row, transport=transport, block=0))
        trials.append(ran(number, measurement(row, **values)))
    return result(plan, trials)


def told(section: Section, numbers: Numbers, **more: Transport) -> dict[str, tuple[str, str]]:
    facts = facts_of(run(numbers, **more))
    found = (each for check in section.checks for each in check(facts))
    return {str(each.kind): (each.text, each.advice) for each in found}


BURSTS: Numbers = {
    "burst:17": {"answered": 100, "lost": 0, "last_p50": 9},
    "burst:18": {"answered": 5.6, "lost": 85, "last_p50": None},
    "burst:64": {"answered": 1.6, "lost": 315, "last_p50": None},
}


def test_smallest_burst_that_vanishes_is_named_with_its_cause_and_its_cure() -> None:
    text, advice = told(burst.SECTION, BURSTS)["bursts-vanish"]
    assert text == (
        "Messages that a client sends at once are lost: gevent × polling answers 5.60 % of 18 "
        "at once. python-engineio reads no POST of more than 16 packets, and answers 200 OK all "
        "the same."
    )
    assert "max_decode_packets" in advice


def test_what_vanishes_over_websocket_has_another_cause() -> None:
    text, advice = told(burst.SECTION, BURSTS, transport=Transport.WEBSOCKET)["bursts-vanish"]
    assert "POST" not in text
    assert "log" in advice


def test_bursts_that_are_answered_are_not_told() -> None:
    assert told(burst.SECTION, {"burst:17": BURSTS["burst:17"]}) == {}


ROOMS: Numbers = {
    "rooms:1": {"server_cpu": 400, "stray": 0},
    "rooms:100": {"server_cpu": 60, "stray": 0},
    "rooms:join": {"moves": 900},
}


def test_what_a_message_costs_beside_its_copies_is_told() -> None:
    text, _ = told(rooms.SECTION, ROOMS)["emitting-costs"]
    assert text == (
        "A message costs more than its copies: gevent × polling 400 µs for a copy in a room of 1 "
        "and 60 in one of 100."
    )


def test_copies_that_cost_alike_are_not_told() -> None:
    assert told(rooms.SECTION, ROOMS | {"rooms:1": {"server_cpu": 100, "stray": 0}}) == {}


def test_copy_that_strays_is_a_warning() -> None:
    strayed = told(rooms.SECTION, ROOMS | {"rooms:1": {"server_cpu": 100, "stray": 3}})
    assert strayed["stray-copies"][0] == (
        "Copies came to clients that were not in the room: gevent × polling 3."
    )


def test_tables_and_charts_are_made_of_both() -> None:
    for section, numbers, lines in ((rooms.SECTION, ROOMS, 5), (burst.SECTION, BURSTS, 6)):
        facts = facts_of(run(numbers))
        assert section.tables is not None
        assert sum(len(table.lines) for table in section.tables(facts)) == lines
        for kind in section.charts:
            assert kind.wanted(facts)
            assert "gevent" in draw(kind, facts).svg
