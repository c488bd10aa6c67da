"""What is said about sizes: where another transport wins, what waits, and who does not keep up."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from loadtests.record.results import Measurement, PlannedTrial, Result, Trial
from loadtests.record.words import Status, Transport
from loadtests.scenarios.registry import metrics_of
from reports.charts.gallery import draw
from reports.facts.run import Facts, facts_of
from reports.pages.html import to_html
from reports.pages.terminal import show
from reports.sections.drawn import draw_all
from reports.sections.payload import SECTION
from reports.sections.payload_chart import points, sentence, size_labels, size_name
from reports.summary import summarise
from tests.unit.reports.builder import failed, measurement, planned, ran, result

WS, POLLING = Transport.WEBSOCKET, Transport.POLLING
SIZES = (32, 1024, 65_536, 1_048_576)

#: p50 by size, ms, of one trial or of several; None: the server does not read it.
Values = Sequence[float | Sequence[float] | None]
#: By mode, transport and form.
Medians = dict[tuple[str, Transport, str], Values]
WHY = "beyond the server's limit of 1,000,000 bytes (maxPayload): closed"

PLAIN: Medians = {
    ("gevent", WS, ""): (1, 1, 3, None),
    ("gevent", POLLING, ""): (44, 44, 46, None),
    ("eventlet", WS, ""): (1, 1.2, 60, None),
    ("eventlet", POLLING, ""): (1.5, 1.6, 2.2, None),
}


def measured(medians: Medians, why: str = WHY) -> Result:
    plans: list[PlannedTrial] = []
    trials: list[Trial] = []
    for (mode, transport, form), values in medians.items():
        for size, value in zip(SIZES, values, strict=False):
            row = f"payload:{size}{form}"
            names = metrics_of(row)
            for block, each in enumerate(value if isinstance(value, Sequence) else (value,)):
                number = len(plans)
                plans.append(planned(number, row, mode=mode, transport=transport, block=block))
                if each is None:
                    unavailable = dict.fromkeys(names, why)
                    taken = Measurement(
                        row=row, metrics=dict.fromkeys(names), unavailable=unavailable
                    )
                else:
                    taken = measurement(row, latency_p50=each)
                trials.append(ran(number, taken))
    return result(plans, trials)


def found(medians: Medians) -> Facts:
    return facts_of(measured(medians))


def kinds(medians: Medians) -> dict[str, str]:
    facts = found(medians)
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


def headline(websocket: Values, polling: Values) -> str:
    """What a panel says of two transports."""
    rows = {
        transport: {
            point.size: point.row
            for point in points(found({("gevent", transport, ""): values}), "latency_p50")
        }
        for transport, values in ((WS, websocket), (POLLING, polling))
    }
    return sentence(rows[WS], rows[POLLING])


def twice(*values: float) -> tuple[tuple[float, ...], ...]:
    """Each from two trials that agree."""
    return tuple((value, value * 1.01) for value in values)


@pytest.mark.parametrize(
    ("websocket", "polling", "expected"),
    [
        (twice(1, 1, 1, 1), twice(2, 2, 2, 2), "WebSocket is quicker at every size"),
        (twice(2, 2, 2, 2), twice(1, 1, 1, 1), "long-polling is quicker at every size"),
        (twice(1, 1, 9, 9), twice(2, 2, 2, 2), "long-polling is quicker from 64 KiB on"),
        # Ahead, behind and ahead again: only the last stretch counts.
        (twice(1, 3, 3, 1), twice(2, 2, 2, 2), "WebSocket is quicker from 1 MiB on"),
        (twice(1, 1, 2, 2), twice(2, 2, 2, 2), "alike from 64 KiB on"),
        (twice(2, 2, 2, 2), twice(2, 2, 2, 2), "alike at every size"),
        # A third less on average, and trials that differ by more than that.
        (((1.0, 3.0),), ((4.0, 2.0),), "alike at every size"),
        ((1, 1, 1, 1), (2, 2, 2, 2), "WebSocket is quicker at every size (single trial)"),
        ((1, 1, 9, 9), (2, 2, 2, 2), "long-polling is quicker from 64 KiB on (single trial)"),
        # Long-polling has no number for the largest.
        (twice(1, 1, 1, 1), twice(2, 2, 2), "WebSocket is quicker from 32 B to 64 KiB"),
        (twice(1, 1, 1, 1), twice(2), "WebSocket is quicker at 32 B"),
        (twice(1, 3, 1, 1), twice(2, 2), "long-polling is quicker at 1 KiB"),
    ],
)
def test_a_panel_says_which_transport_is_quicker_as_far_as_trials_bear_it_out(
    websocket: Values, polling: Values, expected: str
) -> None:
    assert headline(websocket, polling) == expected


def test_a_panel_of_one_transport_says_nothing() -> None:
    assert sentence({}, {}) == ""


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (32, "32 B"),
        (1024, "1 KiB"),
        (1_024_000, "1,000 KiB"),
        (750_000, "750,000 B"),
        (1_048_576, "1 MiB"),
    ],
)
def test_sizes_are_named_as_people_say_them(size: int, name: str) -> None:
    assert size_name(size) == name


@pytest.mark.parametrize(
    ("sizes", "labels"),
    [
        ([64], ["64 B"]),
        ([32, 1024, 65536, 1_048_576], ["32 B", "1 KiB", "64 KiB", "1 MiB"]),
        ([64, 999_990, 1_048_576], ["64 B", "", "1 MiB"]),
        ([32, 33, 1000, 1024], ["", "33 B", "", "1 KiB"]),
    ],
)
def test_no_two_labels_of_the_axis_lie_on_each_other(sizes: list[int], labels: list[str]) -> None:
    assert size_labels(sizes, 55) == labels


def test_a_row_of_another_shape_is_no_point() -> None:
    facts = found(PLAIN)
    assert {point.size for point in points(facts, "latency_p50")} == set(SIZES)
    assert points(facts, "no such metric") == []


def test_a_mode_that_takes_many_times_as_long_for_large_messages_is_a_finding() -> None:
    text = kinds(PLAIN)["slow-at-large"]
    assert "eventlet × websocket 60 ms for 64 KiB (gevent 3)" in text
    assert "gevent × polling 46 ms for 64 KiB (eventlet 2.20)" in text


def advice(medians: Medians) -> str:
    (finding,) = (
        each
        for check in SECTION.checks
        for each in check(found(medians))
        if each.kind == "slow-at-large"
    )
    return finding.advice


def test_the_advice_is_about_what_was_slow() -> None:
    both = advice(PLAIN)
    assert "unmasks" in both
    assert "pywsgi" in both
    assert "no cause is known" not in both
    assert advice({("gevent", WS, ""): (1, 1, 3), ("eventlet", WS, ""): (1, 1, 60)}).startswith(
        "Send large messages in another mode or over long-polling: eventlet's WebSocket unmasks"
    )
    assert advice({("gevent", WS, ""): (1, 1, 3), ("threading", WS, ""): (1, 1, 60)}) == (
        "Look at the server's CPU per echo and at its log in threading × websocket: no cause is "
        "known."
    )


def test_a_number_that_is_not_to_be_trusted_is_no_finding() -> None:
    run = measured({("gevent", WS, ""): (1, 1, 3), ("eventlet", WS, ""): (1, 1, 60)})
    run.trials[-1].measurements[0].invalid["latency_p50"] = "sends went out late"
    kinds = [each.kind for check in SECTION.checks for each in check(facts_of(run))]
    assert "slow-at-large" not in kinds


def test_modes_that_are_alike_for_large_messages_are_none() -> None:
    alike: Medians = {
        ("gevent", WS, ""): (1, 1, 3, None),
        ("eventlet", WS, ""): (9, 9, 12, None),
    }
    assert "slow-at-large" not in kinds(alike)


def closed_loops(text: float, binary: float, invalid: str = "") -> dict[str, str]:
    """What is found where 4 clients have so many echoes a second, as text and as bytes."""
    plans, trials = [], []
    for number, (row, rate) in enumerate(
        {"payload:1024": text, "payload:1024:binary": binary}.items()
    ):
        plans.append(planned(number, row))
        metrics: dict[str, float | None] = dict.fromkeys(metrics_of(row), 1.0)
        metrics["throughput"] = rate
        doubts = {"throughput": invalid} if invalid else {}
        trials.append(ran(number, Measurement(row=row, metrics=metrics, invalid=doubts)))
    facts = facts_of(result(plans, trials, experiment={"payload": {"clients": 4}}))
    return {each.kind: each.text for check in SECTION.checks for each in check(facts)}


def test_bytes_that_wait_for_an_acknowledgement_are_a_finding() -> None:
    text = closed_loops(text=2000, binary=92)["binary-waits"]
    assert "43.5 ms instead of 2 in gevent × websocket (1 KiB)" in text


def test_rates_that_are_not_to_be_trusted_say_nothing_of_acknowledgements() -> None:
    assert "binary-waits" not in closed_loops(2000, 92, "the load generator may be what limits")


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


def chart(run: Result) -> str:
    (kind,) = SECTION.charts
    drawn = draw(kind, facts_of(run))
    assert io.BytesIO(drawn.png).read(4) == b"\x89PNG"
    return drawn.svg


def test_the_chart_has_a_panel_for_each_mode_and_marks_what_is_beyond_the_limit() -> None:
    svg = chart(measured(PLAIN))
    assert "eventlet, text" in svg
    for words in ("long-polling is quicker from 64 KiB on (single trial)", "1 MiB"):
        assert words in svg
    assert "beyond the server's limit" in html.unescape(svg)
    assert "invalid" not in svg


def test_a_size_that_is_missing_for_another_reason_is_not_beyond_the_limit() -> None:
    svg = html.unescape(chart(measured(PLAIN, why="the server has no WebSocket")))
    assert "beyond the server's limit" not in svg


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (failed(0), "failed: no measurement"),
        (
            Trial(number=0, status=Status.UNAVAILABLE, reason="no eventlet"),
            "not available here",
        ),
    ],
)
def test_a_panel_without_a_number_says_why(trial: Trial, words: str) -> None:
    svg = html.unescape(chart(result([planned(0, "payload:1024")], [trial])))
    assert words in svg
    assert "beyond the server's limit" not in svg


@pytest.mark.parametrize("row", ["payload:x", "payload", "payload:32:purple", "payload:0"])
def test_rows_of_another_shape_have_a_plain_table_and_no_chart(row: str) -> None:
    summary = summarise(result([planned(0, row)], [ran(0, measurement(row))]))
    assert SECTION.tables is not None
    assert SECTION.tables(summary) == []
    assert draw_all(summary) == []
    out = Console(file=io.StringIO(), width=100)
    show(summary, out)
    assert row in out.file.getvalue()  # type: ignore[attr-defined]


def test_the_terminal_has_the_tables_of_the_page() -> None:
    out = Console(file=io.StringIO(), width=160)
    show(summarise(measured(PLAIN)), out)
    assert "Latency p50 by size, ms" in out.file.getvalue()  # type: ignore[attr-defined]


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
    assert WHY in html.unescape(page)
