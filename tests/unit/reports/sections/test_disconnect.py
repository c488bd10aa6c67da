"""Disconnects: names and order of rows, and what their tables say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.record.results import Detection, Window
from loadtests.record.words import Cause, Status
from loadtests.scenarios.disconnect.rows import (
    DepartureRow,
    Official,
    Outage,
    OutageRow,
    numbers_of,
    order,
)
from reports.facts.rows import row_names
from reports.sections.disconnect import SECTION
from reports.sections.disconnect.names import CAUSES, CLIENTS, OUTAGES, title
from reports.sections.disconnect.tables import OUTAGES as OUTAGES_CAPTION
from reports.sections.disconnect.tables import quantiles, short_tables, tables
from reports.sections.disconnect.words import figure, window_text
from reports.summary import Summary, summarise
from tests.unit.reports.builder import planned, ran, result
from tests.unit.reports.disconnect_builder import NO_CHROMIUM, disconnects, gone
from tests.unit.reports.matrix import realistic

ONCE = Window(0.0, 0.0, ["transport close"])


@pytest.fixture(scope="module")
def full() -> Summary:
    return summarise(disconnects())


def test_every_cause_outage_and_client_has_words() -> None:
    assert set(CAUSES) == set(Cause)
    assert set(OUTAGES) == set(Outage)
    assert set(CLIENTS) == set(Official)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("disconnect:kill", "kill: its process is killed"),
        ("disconnect:kill:busy", "kill, while the server sends to it"),
        ("disconnect:freeze:10/5", "freeze: its process is stopped, heartbeat 10/5 s"),
        (
            "disconnect:freeze:10/5:1000",
            "freeze: its process is stopped, heartbeat 10/5 s, 1,000 connections",
        ),
        (
            "disconnect:server-kill:python",
            "server-kill: the server is killed and comes back; python-socketio notices",
        ),
        ("echo", "echo"),
        ("disconnect:earthquake", "disconnect:earthquake"),
    ],
)
def test_a_row_has_a_title_for_readers(row: str, expected: str) -> None:
    assert title(row) == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("10/5", (10, 5, None)),
        ("2.5/0.5:1000", (2.5, 0.5, 1000)),
        ("", None),
        ("busy", None),
        ("10/5:", None),
    ],
)
def test_a_setting_is_read_as_numbers(setting: str, expected: Any) -> None:
    assert numbers_of(setting) == expected


def test_rows_stand_main_causes_first_then_settings_by_number_then_outages() -> None:
    names = [
        *(str(DepartureRow(cause, busy)) for cause in Cause for busy in (False, True)),
        "disconnect:freeze:2/2",
        "disconnect:freeze:10/5",
        "disconnect:freeze:10/5:10",
        "disconnect:freeze:10/5:100",
        "disconnect:freeze:10/5:1000",
        "disconnect:freeze:25/20",
        *(str(OutageRow(outage, client)) for outage in Outage for client in Official),
        "disconnect:earthquake",
    ]
    shuffled = names[::-1]
    assert sorted(shuffled, key=order) == names


def test_rows_of_a_run_come_in_that_order_and_the_references_last(full: Summary) -> None:
    names = row_names(full.rows)
    assert names == sorted(names, key=order)
    plan = planned(0, "disconnect")
    rows = [*(f"{name}:reference" for name in plan.rows), *plan.rows]
    run = summarise(result([msgspec.structs.replace(plan, rows=rows)], [ran(0)]))
    assert [name.endswith(":reference") for name in row_names(run.rows)] == [False] * 3 + [True] * 3


def test_only_main_rows_of_idle_clients_take_part_in_best_at(full: Summary) -> None:
    asked = [one.row for one in SECTION.questions]
    assert asked == ["disconnect:kill"]
    assert [one.question.row for one in full.answers] == asked


def test_counts_that_an_earlier_version_did_not_make_are_unavailable() -> None:
    summary = summarise(realistic(blocks=1, scenarios=("disconnect",)))
    later = [row for row in summary.rows if row.metric.name in ("outside", "repeated")]
    assert {row.status for row in later} == {Status.UNAVAILABLE}
    assert not summary.failed


def test_tables_have_a_line_per_row_name_and_a_column_per_mode(full: Summary) -> None:
    first, *_ = tables(full)
    assert first.caption == "How long until disconnect fires: long-polling"
    assert first.head == (
        "",
        *(f"{mode} × polling" for mode in ("eventlet", "gevent", "threading")),
    )
    assert [line[0].text for line in first.lines] == [
        title(str(DepartureRow(cause, busy))) for cause in Cause for busy in (False, True)
    ]
    assert all(len(line) == len(first.head) for line in first.lines)


def test_an_entry_says_typical_worst_reason_window_and_what_is_wrong() -> None:
    clients = [
        *(Detection(0.0, 0.002, "transport close") for _ in range(2)),
        Detection(0.0, 1.5, "ping timeout"),
        Detection(0.0, None, None),
    ]
    first, *_ = tables(gone(*clients, window=ONCE))
    entry = first.lines[0][1]
    assert entry.text == "1 s, worst never"
    assert entry.detail == (
        "transport close (2), ping timeout (1); expected at once; 1 of 4 outside; 1 of 4 not "
        "noticed"
    )


def test_a_cause_that_cannot_be_made_here_is_not_available(full: Summary) -> None:
    first, *_ = tables(full)
    (line,) = [line for line in first.lines if line[0].text.startswith("tab:")]
    assert {(entry.text, entry.status) for entry in line[1:]} == {
        ("not available", Status.UNAVAILABLE)
    }
    assert {row.reasons for row in full.rows if row.row == "disconnect:tab"} == {(NO_CHROMIUM,)}


def test_outages_are_told_by_their_quantiles(full: Summary) -> None:
    table, _ = [each for each in tables(full) if each.caption.startswith(OUTAGES_CAPTION)]
    assert len(table.lines) == len(Outage) * len(Official)
    entry = next(line for line in table.lines if line[0].text.startswith("server-restart"))[1]
    assert entry.text.startswith("noticed ")
    assert entry.text.endswith(" ms")
    assert " / – s; " in entry.detail
    assert entry.detail.endswith("1 of 20 not connected again")


@pytest.mark.parametrize(
    ("times", "total", "expected"),
    [
        ([], 5, "never"),
        ([0.001, 0.002, 0.003], 3, "2 / 3 / 3 ms"),
        ([1.0] * 19, 20, "1 / 1 / – s"),
        ([1.0] * 18, 20, "1 / – / – s"),
        ([1.0] * 9, 20, "– / – / – s"),
    ],
)
def test_those_who_never_did_count_among_the_slowest(
    times: list[float], total: int, expected: str
) -> None:
    assert quantiles(times, total) == expected


def test_the_narrow_tables_have_times_alone_names_in_words_and_the_heartbeat(
    full: Summary,
) -> None:
    first, *_, last = short_tables(full)
    assert first.caption == "How long until disconnect fires (1/1 s): median / worst"
    names = [line[0].text for line in first.lines]
    assert names[:2] == ["goodbye said", "goodbye said, sent to"]
    assert "process stopped, 10/5 s, 1000 clients" in names
    assert last.lines[0][0].text == "server killed (Python)"
    entries = [one for each in short_tables(full) for line in each.lines for one in line]
    assert not any(entry.detail for entry in entries)


def test_windows_are_spelled_no_finer_than_they_are_meant() -> None:
    assert window_text(Window(0.0, 0.0, [])) == "at once"
    assert window_text(Window(20.0, 65.1, [])) == "20 to 65 s"
    assert [figure(value) for value in (0.3, 3.294, 12.34, 145.3)] == ["0.3", "3.29", "12.3", "145"]
