"""What a run knows of loads: points with their intervals, and nothing that is not to be trusted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.record.results import Measurement, Result, read
from reports.facts.advise import advise
from reports.facts.loads import Advice, CellKnown, Decision, Grounds, Known, Need, Needs
from reports.facts.run import facts_of
from reports.sections.advising import known_of, settings
from tests.support import ROOT
from tests.unit.reports.builder import measurement, planned, ran, result

OPTIONS: dict[str, Any] = {
    "name": "test",
    "echo": {"clients": 40, "rate_hz": 300},
    "broadcast": {"recipients": 40, "rate_hz": 15},
    "curve": {"clients": 40},
    "capacity": {
        "clients": 40,
        "websocket_limit_ms": 50,
        "polling_limit_ms": 200,
        "broadcast_hz": 10,
    },
}


def run(*measurements: Measurement, transport: str = "websocket", options: Any = OPTIONS) -> Result:
    """One trial for each measurement, all of one cell and row."""
    return result(
        [
            planned(number, each.row, transport=transport)
            for number, each in enumerate(measurements)
        ],
        [ran(number, each) for number, each in enumerate(measurements)],
        experiment=options,
    )


def cell_of(base: Result) -> CellKnown:
    [found] = known_of(facts_of(base))
    return found


def known(base: Result, need: Need) -> list[Known]:
    return list(cell_of(base).known[need])


def measured(row: str, metric: str, *values: float, **more: float | None) -> list[Measurement]:
    return [measurement(row, **({metric: value, "lost": 0} | more)) for value in values]


def doubted(one: Measurement, metric: str, why: str) -> Measurement:
    return msgspec.structs.replace(one, invalid={metric: why})


def test_an_echo_is_a_point_with_its_interval() -> None:
    [point] = known(run(*measured("echo", "latency_p99", 9, 10, 11)), Need.ECHO)
    assert (point.clients, point.rate_hz, point.value_ms) == (40, 300, 10)
    assert point.at_least_ms == pytest.approx(7.52, abs=0.01)
    assert point.at_most_ms == pytest.approx(12.48, abs=0.01)
    expected = "its p99 is 10 ms [7.52, 12.5] (3 trials) at 300 echoes a second from 40 clients"
    assert point.told == expected


def test_a_single_trial_has_no_interval_and_decides_nothing() -> None:
    base = run(*measured("echo", "latency_p99", 9))
    needs = Needs(clients=40, echo_hz=1, p99_ms=100)
    [answer] = advise(needs, known_of(facts_of(base)))
    found = answer.advice[1]
    assert (found.decision, found.grounds) == (Decision.NOT_MEASURED, Grounds.UNDECIDED)
    assert "(1 trial)" in found.text


def test_an_invalid_number_is_told_and_not_used() -> None:
    wrong = [
        doubted(each, "latency_p99", "sends went out late")
        for each in measured("echo", "latency_p99", 9, 10)
    ]
    [point] = known(run(*wrong), Need.ECHO)
    assert (point.value_ms, point.at_most_ms, point.overloaded) == (None, None, False)
    assert "invalid" in point.told
    assert "sends went out late" in point.told


@pytest.mark.parametrize("metric", ["latency_p99", "server_cpu"])
def test_numbers_that_nobody_can_have_measured_are_told_all_the_same(metric: str) -> None:
    base = run(*measured("echo", metric, 1e300, 1e300))
    [answer] = advise(Needs(clients=40, echo_hz=1, p99_ms=100), known_of(facts_of(base)))
    assert answer.advice[1].text


def test_lost_messages_are_no_answer_in_time() -> None:
    [point] = known(run(*measured("echo", "latency_p99", 9, 10, lost=1)), Need.ECHO)
    assert point.at_most_ms is None
    assert "some were lost" in point.told


def test_a_result_that_does_not_tell_its_load_says_nothing() -> None:
    base = run(*measured("echo", "latency_p99", 9, 10), options={"name": "old"})
    assert known(base, Need.ECHO) == []


def test_a_broadcast_tells_its_last_recipient_too() -> None:
    base = run(*measured("broadcast", "delivery_p99", 5, 5, missing=0, last_recipient_p99=6))
    [point] = known(base, Need.BROADCAST)
    assert (point.clients, point.rate_hz, point.at_most_ms) == (40, 15, 5)
    assert "15 broadcasts a second to 40 clients, the last copy within 6 ms" in point.told


@pytest.mark.parametrize(("transport", "limit_ms"), [("websocket", 50), ("polling", 200)])
def test_a_search_is_held_below_its_interval_and_missed_above(
    transport: str, limit_ms: float
) -> None:
    base = run(*measured("capacity:echo", "capacity", 990, 1010), transport=transport)
    middle, held, missed = known(base, Need.ECHO)
    assert middle.at_most_ms is None
    assert middle.at_least_ms is None
    assert held.rate_hz == pytest.approx(872.9, abs=0.1)
    assert (held.at_most_ms, held.clients) == (limit_ms, 40)
    assert missed.rate_hz > 1127
    assert missed.exceeds(limit_ms)
    assert not missed.exceeds(limit_ms + 1)


def test_so_many_recipients_as_were_borne_are_not_too_many() -> None:
    base = run(*measured("capacity:broadcast", "capacity", 494, 494))
    needs = {clients: Needs(clients=clients, broadcast_hz=10, p99_ms=50) for clients in (494, 495)}
    cells = known_of(facts_of(base))
    said = {many: advise(need, cells)[0].advice[1].decision for many, need in needs.items()}
    assert said == {494: Decision.MET, 495: Decision.NOT_MET}


def test_a_search_that_could_have_gone_on_says_no_to_nothing() -> None:
    why = "at least this: no more was offered (at most 50000)"
    base = run(
        *(
            doubted(each, "capacity", why)
            for each in measured("capacity:echo", "capacity", 50_000, 50_000)
        )
    )
    points = known(base, Need.ECHO)
    assert any(point.holds(50) for point in points)
    assert not any(point.exceeds(50) for point in points)
    assert "more was not offered" in points[0].told


def test_a_search_with_another_doubt_says_nothing_at_all() -> None:
    why = "no load passes for sure: its queue grew"
    base = run(
        *(doubted(one, "capacity", why) for one in measured("capacity:echo", "capacity", 5, 5))
    )
    [point] = known(base, Need.ECHO)
    assert point.value_ms is None


@pytest.mark.parametrize(
    ("why", "overloaded"),
    [
        ("its queue grew at 800/s (3 lost)", True),
        ("connections were lost at 800/s: reset", True),
        ("its core was full at 800/s (0 lost)", False),
    ],
)
def test_only_a_rate_that_was_not_kept_up_with_is_missed(why: str, overloaded: bool) -> None:
    reason = f"beyond what the server keeps up with: {why}"
    beyond = [
        Measurement(
            row="curve:1600",
            metrics=dict.fromkeys(each.metrics),
            unavailable=dict.fromkeys(each.metrics, reason),
        )
        for each in measured("curve:1600", "latency_p99", 1, 1)
    ]
    [point] = known(run(*beyond), Need.ECHO)
    assert point.overloaded is overloaded
    assert point.at_most_ms is None
    assert why in point.told


def connections(*counts: float, note: str = "") -> Result:
    notes = {"connected": note} if note else {}
    return run(
        *(
            msgspec.structs.replace(each, notes=notes)
            for each in measured("connections", "connected", *counts, connection_rss=70.0)
        )
    )


def clients_of(base: Result, clients: int) -> Advice:
    [answer] = advise(Needs(clients=clients), known_of(facts_of(base)))
    return answer.advice[0]


def test_clients_that_were_there_in_every_trial_are_borne_and_more_were_not_tried() -> None:
    base = connections(500, 510)
    assert clients_of(base, 500).decision is Decision.MET
    more = clients_of(base, 501)
    assert (more.decision, more.grounds) == (Decision.NOT_MEASURED, Grounds.FEWER)
    assert "500 clients were connected at the same time (2 trials); more were not tried" in (
        more.text
    )


def test_clients_beyond_what_was_refused_are_not_met() -> None:
    base = connections(494, 496, note="no more could connect: refused")
    assert clients_of(base, 494).decision is Decision.MET
    assert clients_of(base, 496).decision is Decision.NOT_MEASURED
    refused = clients_of(base, 497)
    assert (refused.decision, refused.grounds) == (Decision.NOT_MET, Grounds.OVERLOADED)
    assert "refused" in refused.text


def test_recipients_of_broadcasts_were_connected_too() -> None:
    base = run(*measured("capacity:broadcast", "capacity", 700, 800))
    assert clients_of(base, 700).decision is Decision.MET
    assert "700 clients had broadcasts at the same time (2 trials)" in clients_of(base, 700).text
    assert clients_of(base, 701).grounds is Grounds.FEWER


def test_the_least_cost_that_was_measured_is_the_one_that_is_reckoned_with() -> None:
    plan = [planned(0, "echo"), planned(1, "curve:50"), planned(2, "capacity:broadcast")]
    costs = {"echo": 100.0, "curve:50": 400.0, "capacity:broadcast": 40.0}
    trials = [
        ran(number, measurement(row, server_cpu=cost))
        for number, (row, cost) in enumerate(costs.items())
    ]
    found = cell_of(result(plan, trials, experiment=OPTIONS))
    assert found.cost_us == {Need.ECHO: 100.0, Need.BROADCAST: 40.0}


def test_heartbeats_are_known_for_every_whole_second_and_none_is_missing_between() -> None:
    limits = [each.limit_s for each in settings()]
    assert limits == list(range(limits[0], 121))
    assert limits[0] == 3  # a second and a thousand clients' waits leave no less
    assert all(
        each.interval_s + 3 * each.timeout_s + 1 <= each.limit_s + 1e-9 for each in settings()
    )


def stored(name: str, needs: Needs) -> dict[str, dict[Need, Decision]]:
    cells = known_of(facts_of(read(ROOT / name)))
    return {
        str(each.cell): {one.need: one.decision for one in each.advice}
        for each in advise(needs, cells, settings())
    }


def test_a_stored_run_has_all_three_answers() -> None:
    needs = Needs(clients=500, echo_hz=2, broadcast_hz=5, p99_ms=100, detect_ms=10_000)
    said = stored("docs/results/default.json", needs)
    decisions = {decision for each in said.values() for decision in each.values()}
    assert decisions == set(Decision)
    assert {each[Need.SILENT] for each in said.values()} == {Decision.MET}


def test_a_silent_client_is_noticed_in_time_at_one_of_the_heartbeats_that_were_measured() -> None:
    within = {
        ms: stored("docs/results/25-20.json", Needs(clients=20, detect_ms=ms)) for ms in (5e3, 8e3)
    }
    assert {each[Need.SILENT] for each in within[8e3].values()} == {Decision.MET}
    decisions = {name: each[Need.SILENT] for name, each in within[5e3].items()}
    assert decisions.pop("eventlet × websocket") is Decision.MET  # 2/2 by its read timeout
    assert set(decisions.values()) == {Decision.NOT_MET}


def test_a_run_of_an_old_version_can_be_asked() -> None:
    needs = Needs(clients=30, echo_hz=10, p99_ms=100)
    said = stored("tests/data/result-quick.json", needs)
    assert {each[Need.ECHO] for each in said.values()} == {Decision.NOT_MEASURED}
