"""What is said about sizes: where another transport wins, what waits, and who does not keep up."""

from __future__ import annotations

import io

import pytest

from loadtests.record.results import Measurement, Result
from loadtests.record.words import Transport
from loadtests.scenarios.registry import metrics_of
from reports.charts.gallery import draw
from reports.facts.run import Facts, facts_of
from reports.pages.html import to_html
from reports.sections.drawn import draw_all
from reports.sections.payload import SECTION, ahead_from, points, sentence, size_name
from reports.summary import summarise
from tests.unit.reports.builder import planned, ran, result

WS, POLLING = Transport.WEBSOCKET, Transport.POLLING
SIZES = (32, 1024, 65_536, 1_048_576)

#: mode, transport, form -> p50 by size, ms; None: the server does not take it.
Medians = dict[tuple[str, Transport, str], tuple[float | None, ...]]

PLAIN: Medians = {
    ("gevent", WS, ""): (1, 1, 3, None),
    ("gevent", POLLING, ""): (44, 44, 46, None),
    ("eventlet", WS, ""): (1, 1.2, 60, None),
    ("eventlet", POLLING, ""): (1.5, 1.6, 2.2, None),
}


def measured(medians: Medians) -> Result:
    plans, trials = [], []
    for (mode, transport, form), values in medians.items():
        for size, value in zip(SIZES, values, strict=True):
            row = f"payload:{size}{form}"
            names = metrics_of(row)
            number = len(plans)
            plans.append(planned(number, row, mode=mode, transport=transport))
            if value is None:
                why = "more than the 1,000,000 bytes that the server reads: closed"
                found = Measurement(
                    row=row, metrics=dict.fromkeys(names), unavailable=dict.fromkeys(names, why)
                )
            else:
                found = Measurement(
                    row=row, metrics=dict.fromkeys(names, 1.0) | {"latency_p50": value}
                )
            trials.append(ran(number, found))
    return result(plans, trials)


def found(medians: Medians) -> Facts:
    return facts_of(measured(medians))


def kinds(medians: Medians) -> dict[str, str]:
    facts = found(medians)
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


@pytest.mark.parametrize(
    ("winner", "other", "expected", "reason"),
    [
        ({1: 1, 2: 1}, {1: 2, 2: 2}, 1, "ahead at every size"),
        ({1: 3, 2: 1, 4: 1}, {1: 2, 2: 2, 4: 2}, 2, "from the second on"),
        ({1: 1, 2: 3, 4: 1}, {1: 2, 2: 2, 4: 2}, 4, "ahead again: only the last stretch counts"),
        ({1: 1, 2: 3}, {1: 2, 2: 2}, None, "overtaken at the end"),
        ({1: 2, 2: 2}, {1: 2, 2: 2}, None, "alike is not ahead"),
        ({1: 1}, {2: 2}, None, "no size in common"),
    ],
)
def test_the_size_from_which_one_is_ahead(
    winner: dict[int, float], other: dict[int, float], expected: int | None, reason: str
) -> None:
    assert ahead_from(winner, other) == expected, reason


def test_the_chart_says_from_which_size_on_a_transport_wins() -> None:
    polling = {32: 1.5, 65_536: 2.0}
    assert sentence({WS: {32: 1.0, 65_536: 60.0}, POLLING: polling}) == (
        "long-polling is quicker from 64 KiB on"
    )
    assert sentence({WS: {32: 1.0, 65_536: 1.0}, POLLING: polling}) == (
        "WebSocket is quicker at every size"
    )
    assert sentence({WS: {32: 1.0}}) == ""


@pytest.mark.parametrize(
    ("size", "name"), [(32, "32 B"), (1024, "1 KiB"), (65_536, "64 KiB"), (1_048_576, "1 MiB")]
)
def test_sizes_are_named_as_people_say_them(size: int, name: str) -> None:
    assert size_name(size) == name


def test_a_row_of_another_shape_is_no_point() -> None:
    facts = found(PLAIN)
    assert {point.size for point in points(facts, "latency_p50")} == set(SIZES)
    assert points(facts, "no such metric") == []


def test_a_mode_that_takes_many_times_as_long_for_large_messages_is_a_finding() -> None:
    text = kinds(PLAIN)["slow-at-large"]
    assert "eventlet × websocket 60 ms for 64 KiB (gevent 3)" in text
    assert "gevent × polling 46 ms for 64 KiB (eventlet 2.20)" in text


def test_modes_that_are_alike_for_large_messages_are_none() -> None:
    alike: Medians = {
        ("gevent", WS, ""): (1, 1, 3, None),
        ("eventlet", WS, ""): (9, 9, 12, None),
    }
    assert "slow-at-large" not in kinds(alike)


def closed_loops(text: float, binary: float) -> dict[str, str]:
    """What is found where 4 clients have so many echoes a second, as text and as bytes."""
    plans, trials = [], []
    for number, (row, rate) in enumerate(
        {"payload:1024": text, "payload:1024:binary": binary}.items()
    ):
        plans.append(planned(number, row))
        metrics = dict.fromkeys(metrics_of(row), 1.0) | {"throughput": rate}
        trials.append(ran(number, Measurement(row=row, metrics=metrics)))
    facts = facts_of(result(plans, trials, experiment={"payload": {"clients": 4}}))
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


def test_bytes_that_wait_for_an_acknowledgement_are_a_finding() -> None:
    text = closed_loops(text=2000, binary=92)["binary-waits"]
    assert "43.5 ms instead of 2 in gevent × websocket (1 KiB)" in text


@pytest.mark.parametrize(
    ("text", "binary", "reason"),
    [
        (2000, 1900, "they do not wait"),
        (95, 92, "text waits as well: that is something else"),
        (2000, 40, "too long for a delayed acknowledgement"),
    ],
)
def test_bytes_that_take_what_text_takes_are_none(text: float, binary: float, reason: str) -> None:
    assert "binary-waits" not in closed_loops(text, binary), reason


def test_the_chart_has_a_panel_for_each_mode_and_marks_what_is_not_taken() -> None:
    (kind,) = SECTION.charts
    chart = draw(kind, found(PLAIN))
    for words in ("eventlet, text: long-polling is quicker from 64 KiB on", "1 MiB", "not taken"):
        assert words in chart.svg
    assert io.BytesIO(chart.png).read(4) == b"\x89PNG"


def test_tables_have_a_line_for_each_size_and_the_page_shows_them() -> None:
    summary = summarise(measured(PLAIN))
    assert SECTION.tables is not None
    latency, volume = SECTION.tables(summary)
    assert [line[0].text for line in latency.lines] == [
        "32 B, text",
        "1 KiB, text",
        "64 KiB, text",
        "1 MiB, text",
    ]
    assert {str(entry) for entry in latency.lines[-1][1:]} == {"not available"}
    assert len(volume.lines) == 4
    page = to_html(summary, draw_all(summary))
    assert "Echo latency by size of the message" in page
    assert "more than the 1,000,000 bytes that the server reads" in page
