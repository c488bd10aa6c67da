"""Sections: what they name exists, and a scenario that has none is reported all the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from rich.console import Console

from loadtests.record.results import Result
from loadtests.record.words import Better, Metric, Status, Unit
from loadtests.scenarios.registry import SCENARIOS, metrics_of
from loadtests.scenarios.scenario import EVERY_TRIAL, Scenario, table
from reports.facts.rows import Row
from reports.pages.exports import to_csv, to_json, to_markdown
from reports.pages.html import to_html
from reports.pages.terminal import show
from reports.sections import drawn, registry
from reports.sections.registry import SECTIONS
from reports.sections.section import Section
from reports.summary import summarise
from tests.unit.reports.builder import measurement, planned, ran, result

TELEPORT: Scenario[Any] = Scenario(
    name="teleport",
    rank=99,
    options=msgspec.Struct,
    metrics=table(
        Metric("hops", Unit.MESSAGES, Better.LOWER, "hops", "how many there were"),
        Metric("regrets", Unit.CLIENTS, Better.LOWER, "regrets", "counted since", later=True),
        *EVERY_TRIAL.values(),
    ),
    clients=lambda _: 1,
    expected_s=lambda _: 1.0,
)


def named_by(section: Section) -> Iterator[str]:
    """The metrics of its scenario's own row that a section names."""
    yield from section.headlines
    if section.compared is not None:
        yield from (*section.compared.judged, *section.compared.told)
        yield from () if section.compared.median is None else section.compared.median[:1]


@pytest.mark.parametrize("scenario", SECTIONS)
def test_every_metric_that_a_section_names_is_its_scenarios(scenario: str) -> None:
    section = SECTIONS[scenario]
    assert scenario == section.scenario
    assert set(named_by(section)) <= SCENARIOS[scenario].metrics.keys()


@pytest.mark.parametrize("scenario", SECTIONS)
def test_every_question_is_of_its_scenario_and_has_a_better_side(scenario: str) -> None:
    for question in SECTIONS[scenario].questions:
        assert question.row.partition(":")[0] == scenario
        assert metrics_of(question.row)[question.metric].better is not Better.NEITHER


def test_every_scenario_has_a_section_in_the_order_of_scenarios() -> None:
    assert list(SCENARIOS) == list(SECTIONS)


def test_every_chart_has_a_name_of_its_own() -> None:
    kinds = [kind for section in SECTIONS.values() for kind in section.charts]
    names = [kind.name for kind in (*kinds, drawn._CPU, drawn._MEDIANS)]
    assert len(names) == len(set(names))


def test_every_chart_says_what_it_is_and_how_to_read_it() -> None:
    for section in SECTIONS.values():
        for kind in section.charts:
            assert kind.title
            assert kind.reading.endswith(".")


@pytest.fixture
def teleport(monkeypatch: pytest.MonkeyPatch) -> Result:
    """A run of a scenario that is new, and of which nobody has written a section yet."""
    monkeypatch.setitem(SCENARIOS, "teleport", TELEPORT)
    monkeypatch.setitem(SECTIONS, "teleport", registry._section("teleport"))
    metrics: dict[str, float | None] = dict.fromkeys(EVERY_TRIAL, 1.0)
    found = msgspec.structs.replace(
        measurement("teleport"), metrics=metrics | {"hops": 7.0, "regrets": 3.0}
    )
    return result([planned(0, "teleport")], [ran(0, found)])


def test_a_scenario_without_a_section_has_its_rows_in_every_file(teleport: Result) -> None:
    summary = summarise(teleport)
    lines = list(csv.DictReader(io.StringIO(to_csv(summary))))
    assert [line["metric"] for line in lines] == list(TELEPORT.metrics)
    assert {line["scenario"] for line in lines} == {"teleport"}
    assert len(json.loads(to_json(summary))["rows"]) == len(TELEPORT.metrics)
    markdown = to_markdown(summary).partition("## teleport\n")[2]
    assert "| hops, messages | 7 |" in markdown


def test_a_scenario_without_a_section_has_a_plain_table_on_the_page_and_no_chart(
    teleport: Result,
) -> None:
    summary = summarise(teleport)
    charts = drawn.draw_all(summary)
    assert charts == []
    part = (
        to_html(summary, charts).partition('<section id="teleport"')[2].partition("</section>")[0]
    )
    assert ">Teleport</h2>" in part
    assert "hops, messages" in part
    assert part.count("<table") == 1
    out = io.StringIO()
    show(summary, Console(file=out, width=100))
    assert "hops, messages" in out.getvalue()


def without(run: Result, metric: str) -> dict[str, Row]:
    """The rows of the same run, whose measurements never heard of a metric."""
    (trial,) = run.trials
    (found,) = trial.measurements
    fewer = {name: value for name, value in found.metrics.items() if name != metric}
    older = ran(0, msgspec.structs.replace(found, metrics=fewer))
    rows = summarise(msgspec.structs.replace(run, trials=[older])).rows
    return {row.metric.name: row for row in rows}


def test_a_metric_that_came_later_is_unavailable_in_an_old_result(teleport: Result) -> None:
    row = without(teleport, "regrets")["regrets"]
    assert row.status is Status.UNAVAILABLE
    assert row.reasons == ("the version that measured this did not count it",)


def test_a_metric_that_was_always_there_is_failed_where_it_is_not(teleport: Result) -> None:
    row = without(teleport, "hops")["hops"]
    assert row.status is Status.FAILED
    assert row.reasons == ("the trial brought no number for this metric and no reason",)
