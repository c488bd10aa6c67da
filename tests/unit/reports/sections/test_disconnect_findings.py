"""Disconnects that the rules do not explain: which clients, and what is found."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.results import Detection, Measurement, Result, Window
from loadtests.record.words import Status
from reports.facts.findings import Finding, Kind, Severity
from reports.sections.disconnect.clients import Group, departures, outages
from reports.summary import Summary, summarise
from tests.unit.reports.builder import planned, ran, result
from tests.unit.reports.disconnect_builder import Faults, disconnects, gone

NONE = Faults()


ONCE = Window(0.0, 0.0, ["transport close"])


def group(summary: Summary) -> Group:
    (found,) = departures(summary.outcomes, summary.own_rows)
    return found


def found(summary: Summary, kind: Kind) -> list[Finding]:
    return [one for one in summary.findings if one.kind is kind]


@pytest.fixture(scope="module")
def full() -> Summary:
    return summarise(disconnects())


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


def test_an_unmeasured_row_is_no_client() -> None:
    summary = summarise(result([planned(0, "disconnect:kill")], [ran(0, Measurement("echo", {}))]))
    assert group(summary).clients == ()
    assert outages(summary.outcomes, summary.own_rows) == []


def test_times_of_silent_clients_are_told_with_their_heartbeat_and_the_librarys(
    full: Summary,
) -> None:
    (finding,) = (one for one in full.findings if one.kind == "heartbeat-of-the-run")
    assert "at this run's 1/1 s, and after 20 to 65 s at the library's 25/20 s." in finding.text
