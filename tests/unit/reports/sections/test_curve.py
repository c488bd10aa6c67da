"""What is said about latency under load: where a line bends, and where it ends."""

from __future__ import annotations

import pytest

from loadtests.record.results import Measurement, PlannedTrial, Result, Trial
from loadtests.record.words import Transport
from loadtests.scenarios.registry import metrics_of
from reports.charts.gallery import draw
from reports.facts.run import Facts, facts_of
from reports.sections.curve import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result

RATES = (100, 200, 400, 800)
WHY = (
    "beyond what the server keeps up with: its queue grew at 400/s (0 lost; 99 % of its core used)"
)


def run(p99: dict[str, tuple[float | None, ...]]) -> Result:
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for mode, values in p99.items():
        for rate_hz, value in zip(RATES, values, strict=True):
            row = f"curve:{rate_hz}"
            number = len(plan)
            plan.append(planned(number, row, mode=mode, transport=Transport.WEBSOCKET, block=0))
            if value is None:
                names = metrics_of(row)
                taken = Measurement(
                    row=row, metrics=dict.fromkeys(names), unavailable=dict.fromkeys(names, WHY)
                )
            else:
                taken = measurement(row, latency_p50=value / 2, latency_p99=value)
            trials.append(ran(number, taken))
    return result(plan, trials)


def told(p99: dict[str, tuple[float | None, ...]]) -> dict[str, str]:
    facts = facts_of(run(p99))
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


def test_line_that_stays_flat_bends_nowhere() -> None:
    assert told({"gevent": (3, 3.5, 4, 8.9)}) == {}


def test_bend_is_where_the_slow_hundredth_takes_several_times_as_long() -> None:
    assert told({"gevent": (3, 4, 12, 400), "eventlet": (2, 2.1, 2.2, 2.3)}) == {
        "curve-bends": "The slow 1 % take more than 3 times as long as under light load: "
        "gevent × websocket from 400/s (12 ms)."
    }


def test_rates_that_were_not_offered_bend_nothing() -> None:
    assert told({"gevent": (3, 4, None, None)}) == {}


def test_cell_without_a_number_is_passed_over() -> None:
    assert told({"gevent": (None, None, None, None)}) == {}


@pytest.fixture(scope="module")
def facts() -> Facts:
    return facts_of(run({"gevent": (3, 4, 90, None), "eventlet": (2, 2.1, 2.2, 2.3)}))


def test_tables_have_a_line_per_rate_and_a_column_per_cell(facts: Facts) -> None:
    assert SECTION.tables is not None
    p50, p99 = SECTION.tables(facts)
    assert p99.head == ("messages/s", "eventlet × websocket", "gevent × websocket")
    assert [line[0].text for line in p99.lines] == ["100", "200", "400", "800"]
    assert [line[2].text for line in p99.lines] == ["3", "4", "90", "not available"]
    assert p50.caption == "Latency p50 by load, ms"


def test_chart_has_a_line_per_mode(facts: Facts) -> None:
    (kind,) = SECTION.charts
    assert kind.wanted(facts)
    svg = draw(kind, facts).svg
    assert "eventlet" in svg
    assert "offered load" in svg
