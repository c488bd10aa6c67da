"""What is said about compression: ratios within trials, what it costs most, and who does not."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import msgspec
import pytest

from loadtests.record.results import Measurement, PlannedTrial, Trial
from loadtests.scenarios.packed import DOES_NOT, METRICS
from reports.charts.gallery import draw
from reports.facts.run import Facts, facts_of
from reports.sections.compression import SECTION
from reports.sections.compression_chart import pairs
from tests.unit.reports.builder import measurement, planned, ran, result

#: Of each mode, by size and block: µs per copy without compression and with it; None: it does not.
Costs = dict[str, dict[int, Sequence[tuple[float, float | None]]]]

GEVENT: Costs = {
    # A machine that is half as fast in the second block: the ratio is the same.
    "gevent": {64: [(50, 60), (100, 120), (50, 60)], 1024: [(50, 100), (100, 200), (50, 100)]}
}
NOT: Costs = {"gevent-websocket": {64: [(40, None), (41, None), (42, None)]}}


def found(costs: Costs) -> Facts:
    plans: list[PlannedTrial] = []
    trials: list[Trial] = []
    for mode, sizes in costs.items():
        for block in range(3):
            number = len(plans)
            rows, taken = [], []
            for size, blocks in sizes.items():
                without, packed = blocks[block]
                for row, cost in (
                    (f"compression:{size}", packed),
                    (f"compression:{size}:without", without),
                ):
                    rows.append(row)
                    if cost is None:
                        why = dict.fromkeys(METRICS, DOES_NOT)
                        taken.append(
                            Measurement(row=row, metrics=dict.fromkeys(METRICS), unavailable=why)
                        )
                    else:
                        taken.append(measurement(row, copy_cpu=cost, connection_rss=2 * cost))
            plan = planned(number, "compression", mode=mode, block=block)
            plans.append(msgspec.structs.replace(plan, rows=rows))
            trials.append(ran(number, *taken))
    return facts_of(result(plans, trials))


def test_ratio_is_formed_within_trials() -> None:
    (small, large) = pairs(found(GEVENT), "copy_cpu")
    assert (small.size, large.size) == (64, 1024)
    assert small.ratio is not None
    assert small.ratio.value == pytest.approx(1.2)
    assert small.ratio.low == pytest.approx(1.2)
    assert large.ratio is not None
    assert large.ratio.value == pytest.approx(2)


def test_finding_names_what_it_costs_most() -> None:
    kinds = {each.kind: each for check in SECTION.checks for each in check(found(GEVENT))}
    text = kinds["compression-costs"].text
    assert "CPU time per copy of a broadcast is 1.20 to 2 times as much" in text
    assert "gevent × websocket, 1 KiB" in text
    assert "does-not-compress" not in kinds


def test_who_does_not_is_said_once_and_is_no_gap() -> None:
    facts = found(GEVENT | NOT)
    kinds = [each for check in SECTION.checks for each in check(facts)]
    (lacks,) = [each for each in kinds if each.kind == "does-not-compress"]
    assert lacks.cells == ("gevent-websocket × websocket",)
    assert SECTION.tables is not None
    table = next(
        each for each in SECTION.tables(facts) if each.caption.startswith("Server CPU per c")
    )
    lines = {str(line[0]): [str(entry) for entry in line[1:]] for line in table.lines}
    assert lines["gevent-websocket × websocket"] == ["does not compress", "–"]
    assert lines["gevent × websocket"][0].startswith("66.7 → 80 1.20 ×")


def test_chart_has_a_mark_for_every_ratio() -> None:
    (kind,) = SECTION.charts
    facts = found(GEVENT | NOT)
    assert kind.wanted(facts)
    chart = draw(kind, facts)
    root = ElementTree.fromstring(chart.svg)
    text = "".join(root.itertext())
    assert "server memory per connection" in text
    assert "gevent" in text
    assert "gevent-websocket" not in text


def test_there_is_no_chart_of_nothing() -> None:
    (kind,) = SECTION.charts
    assert not kind.wanted(found(NOT))
