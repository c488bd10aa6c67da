"""Disconnects: names and order of rows, their clients, tables, findings and predictions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.record.results import Detection, Measurement, Result, Window
from loadtests.record.words import Cause, Status
from loadtests.scenarios.disconnect.rows import (
    DepartureRow,
    Official,
    Outage,
    OutageRow,
    numbers_of,
    order,
)
from reports.facts.best import QUESTIONS
from reports.facts.findings import Finding, Kind, Severity
from reports.facts.rows import scenarios_of
from reports.sections.disconnect.clients import Group, departures, outages
from reports.sections.disconnect.names import CAUSES, CLIENTS, OUTAGES, title
from reports.sections.disconnect.tables import OUTAGES as OUTAGES_CAPTION
from reports.sections.disconnect.tables import quantiles, short_tables, tables
from reports.sections.disconnect.words import figure, window_text
from reports.summary import Summary, summarise
from tests.unit.reports.builder import measurement, planned, ran, realistic, result
from tests.unit.reports.disconnect_builder import NO_CHROMIUM, Faults, disconnects

NONE = Faults()


def gone(
    *detections: Detection, row: str = "disconnect:kill", window: Window | None = None
) -> Summary:
    """One cell with these clients."""
    found = msgspec.structs.replace(measurement(row), detections=list(detections), expected=window)
    return summarise(result([planned(0, row)], [ran(0, found)]))


def group(summary: Summary) -> Group:
    (found,) = departures(summary.outcomes, summary.own_rows)
    return found


def found(summary: Summary, kind: Kind) -> list[Finding]:
    return [one for one in summary.findings if one.kind is kind]


@pytest.fixture(scope="module")
def full() -> Summary:
    return summarise(disconnects())


ONCE = Window(0.0, 0.0, ["transport close"])


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
    names = scenarios_of(full.rows)
    assert names == sorted(names, key=order)
    plan = planned(0, "disconnect")
    rows = [*(f"{name}:reference" for name in plan.rows), *plan.rows]
    run = summarise(result([msgspec.structs.replace(plan, rows=rows)], [ran(0)]))
    assert [name.endswith(":reference") for name in scenarios_of(run.rows)] == [False] * 3 + [
        True
    ] * 3


def test_only_main_rows_of_idle_clients_take_part_in_best_at(full: Summary) -> None:
    asked = [one.scenario for one in QUESTIONS if one.scenario.startswith("disconnect")]
    assert asked == ["disconnect:kill"]
    assert [one.question.scenario for one in full.answers] == asked


def test_a_client_is_judged_by_its_own_window_before_its_rows() -> None:
    own = Window(1.0, 2.0, ["ping timeout"])
    row = Window(1.0, 9.0, ["ping timeout"])
    late = Detection(0.0, 4.0, "ping timeout", expected=own)
    of_row = Detection(0.0, 4.0, "ping timeout")
    clients = group(gone(late, of_row, window=row)).clients
    assert [one.outside for one in clients] == [True, False]
    assert [one.beyond_s for one in clients] == [2.0, 0.0]


def test_a_client_that_nobody_noticed_is_missed_and_not_outside() -> None:
    seen = group(gone(Detection(0.0, None, None), window=ONCE))
    assert (seen.missed, seen.outside, seen.times_s) == (1, [], [])


def test_another_reason_is_outside_whatever_the_time() -> None:
    summary = gone(Detection(0.0, 0.001, "ping timeout"), window=ONCE)
    (finding,) = found(summary, Kind.OUTSIDE)
    assert "with the reason ping timeout, not transport close" in finding.text
    assert "late" not in finding.text


def test_clients_outside_are_a_finding_that_says_where_how_many_and_by_how_much() -> None:
    inside = Detection(0.0, 0.2, "transport close")
    late = Detection(0.0, 1.5, "transport close")
    summary = gone(inside, late, window=ONCE)
    (finding,) = found(summary, Kind.OUTSIDE)
    assert finding.text == (
        "1 client was noticed outside the window that the library's rules imply and its "
        "tolerance of 0.25 s: kill, gevent × websocket: 1 of 2, up to 1.50 s too late, expected at "
        "once."
    )
    assert finding.cells == ("gevent × websocket",)
    assert {row.status for row in summary.rows} == {Status.OK}


def test_a_client_that_is_noticed_too_early_is_outside_as_well() -> None:
    early = Detection(0.0, 0.1, "ping timeout")
    (finding,) = found(gone(early, window=Window(1.0, 3.0, ["ping timeout"])), Kind.OUTSIDE)
    assert "up to 900 ms too early, expected 1 to 3 s" in finding.text


@pytest.mark.parametrize(("calls", "expected"), [((1, 1), 0), ((1, 2, 3), 1)])
def test_a_handler_that_runs_again_is_a_finding(calls: tuple[int, ...], expected: int) -> None:
    clients = [Detection(0.0, 0.001, "transport close", calls=count) for count in calls]
    findings = found(gone(*clients), Kind.CALLED_AGAIN)
    assert len(findings) == expected
    assert all("2 of 3 clients, up to 3 times" in one.text for one in findings)


def test_clients_never_noticed_are_a_finding() -> None:
    seen = Detection(0.0, 0.001, "transport close")
    (finding,) = found(gone(seen, Detection(0.0, None, None)), Kind.NOT_NOTICED)
    assert "kill, gevent × websocket: 1 of 2" in finding.text


def test_many_places_are_named_by_the_first_few(full: Summary) -> None:
    (finding,) = found(full, Kind.OUTSIDE)
    assert finding.text.endswith("; and in 8 more.")
    assert finding.severity is Severity.WARNING
    assert len(finding.cells) == 6


def test_a_run_within_its_windows_has_no_finding_about_them() -> None:
    kinds = {one.kind for one in summarise(disconnects(faults=NONE)).findings}
    assert not kinds & {Kind.OUTSIDE, Kind.NOT_NOTICED, Kind.CALLED_AGAIN}


def test_a_single_trial_that_was_asked_for_is_no_warning() -> None:
    def warned(run: Result) -> bool:
        return bool(found(summarise(run), Kind.SINGLE_TRIAL))

    run = disconnects(sweep=(), server=False, modes=("gevent",))
    assert not warned(run)
    options = run.experiment["disconnect"] | {"blocks": None}
    assert warned(msgspec.structs.replace(run, experiment={"disconnect": options}))


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
    assert {row.reasons for row in full.rows if row.scenario == "disconnect:tab"} == {
        (NO_CHROMIUM,)
    }


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


def test_the_narrow_tables_have_times_alone(full: Summary) -> None:
    first, *_ = short_tables(full)
    assert [line[0].text for line in first.lines][:2] == ["close", "close:busy"]
    entries = [one for each in short_tables(full) for line in each.lines for one in line]
    assert not any(entry.detail for entry in entries)


def test_windows_are_spelled_no_finer_than_they_are_meant() -> None:
    assert window_text(Window(0.0, 0.0, [])) == "at once"
    assert window_text(Window(20.0, 65.1, [])) == "20 to 65 s"
    assert [figure(value) for value in (0.3, 3.294, 12.34, 145.3)] == ["0.3", "3.29", "12.3", "145"]


def test_an_unmeasured_row_is_no_client() -> None:
    summary = summarise(result([planned(0, "disconnect:kill")], [ran(0, Measurement("echo", {}))]))
    assert group(summary).clients == ()
    assert outages(summary.outcomes, summary.own_rows) == []
