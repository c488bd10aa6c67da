"""The tables in short: numbers, heartbeats, and ratios to the mode that somebody comes from."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.record.results import Result
from loadtests.record.words import Status, Transport
from reports.facts.errors import ReportError
from reports.facts.tables import Entry, Table
from reports.sections.short import coming, lines, within
from reports.summary import summarise
from tests.unit.reports.builder import cells, failed, measurement, planned, ran, result
from tests.unit.reports.disconnect_builder import Faults, disconnects
from tests.unit.reports.matrix import realistic


def tables(run: Result) -> list[Table]:
    return list(lines.tables(summarise(run)))


def line(table: Table, label: str) -> list[Entry]:
    (found,) = [each for each in table.lines if each[0].text.startswith(label)]
    return list(found[1:])


def beside(run: Result, mode: str = "a") -> list[Table]:
    return list(coming.tables(summarise(run), mode))


# --- the numbers that decide


def test_a_table_for_each_transport_has_modes_as_columns() -> None:
    websocket, polling = tables(realistic(blocks=2))
    assert (websocket.caption, polling.caption) == ("Over WebSocket", "Over long-polling")
    assert websocket.head == polling.head == ("number", "eventlet", "gevent", "threading")
    assert [each[0].text for each in websocket.lines][:4] == [
        "echo p50, ms",
        "throughput of 30 clients, messages/s",
        "server CPU per echo, µs",
        "broadcast to the last p50, ms",
    ]


def test_the_best_and_who_is_surely_behind_are_marked() -> None:
    (found,) = tables(cells("throughput", a=(100.0, 101.0, 99.0), b=(65.0, 66.0, 64.0)))
    first, second = line(found, "throughput")
    assert (first.sign, first.strong, first.detail) == ("best", True, "")
    assert (second.sign, second.strong) == ("worse", False)
    assert second.detail.startswith("0.65 × [")


def test_a_tie_is_said_of_all_who_are_in_it_and_is_good_where_somebody_is_behind() -> None:
    run = cells("latency_p50", a=(1.0, 1.01, 0.99), b=(1.0, 0.99, 1.01), c=(9.0, 9.1, 8.9))
    (found,) = tables(run)
    assert [each.sign for each in line(found, "echo p50")] == ["tie", "tie", "worse"]
    assert [each.strong for each in line(found, "echo p50")] == [True, True, False]


def test_a_tie_of_everybody_marks_nobody() -> None:
    (found,) = tables(cells("latency_p50", a=(1.0, 1.01, 0.99), b=(1.0, 0.99, 1.01)))
    assert [each.sign for each in line(found, "echo p50")] == ["tie", "tie"]
    assert not any(each.strong for each in line(found, "echo p50"))


def test_what_the_trials_cannot_tell_is_no_tie() -> None:
    """Its interval holds one and a half of the best as well as the same."""
    run = cells("latency_p50", a=(1.0, 1.4, 0.7), b=(1.1, 0.8, 1.4), c=(9.0, 9.1, 8.9))
    (found,) = tables(run)
    signs = [each.sign for each in line(found, "echo p50")]
    assert signs == ["cannot tell", "cannot tell", "worse"]
    assert not any(each.strong for each in line(found, "echo p50"))


def test_who_is_surely_behind_the_best_is_worse_whoever_is_in_between() -> None:
    run = cells("throughput", a=(100.0, 101.0, 99.0), b=(60.0, 10.0, 190.0), c=(80.0, 81.0, 79.0))
    (found,) = tables(run)
    assert [each.sign for each in line(found, "throughput")] == [
        "cannot tell",
        "cannot tell",
        "worse",
    ]


def test_a_line_says_the_conditions_of_its_number() -> None:
    run = realistic(blocks=2)
    options = {"capacity": {"broadcast_hz": 10, "polling_limit_ms": 200, "websocket_limit_ms": 50}}
    told = msgspec.structs.replace(run, experiment=options)
    words = [lines.label_of(summarise(each), lines.HELD, Transport.POLLING) for each in (run, told)]
    assert words == [lines.HELD.label, "clients of 10 broadcasts/s borne, within 200 ms"]


def test_a_single_trial_marks_nobody_and_has_no_ratio() -> None:
    (found,) = tables(cells("latency_p50", a=(1.0,), b=(9.0,)))
    assert [str(each) for each in line(found, "echo p50")] == ["1", "9"]


def test_a_ratio_is_to_the_best_over_the_same_transport() -> None:
    websocket, polling = tables(realistic(blocks=3, scenarios=("echo",)))
    assert [each.sign for each in line(polling, "echo p50")] == ["best", "worse", "worse"]
    assert "best" in [each.sign for each in line(websocket, "echo p50")]


def test_what_failed_has_its_place() -> None:
    run = result([planned(0), planned(1, mode="z")], [ran(0, measurement("echo")), failed(1)])
    (found,) = tables(run)
    last = line(found, "echo p50")[1]
    assert (last.text, last.status) == ("failed", Status.FAILED)


def test_workloads_add_their_lines() -> None:
    (found,) = tables(cells("back_max", "avalanche", a=(5.0, 5.1)))
    assert [each[0].text for each in found.lines] == ["all back after a restart, s"]


def test_clients_that_go_have_the_heartbeat_and_what_it_is_at_the_librarys() -> None:
    run = disconnects(heartbeat=(2.5, 2), sweep=(), server=False, faults=Faults())
    websocket, polling = tables(run)
    assert [each[0].text for each in websocket.lines] == [
        "client says goodbye",
        "tab or process closed, at 2.5/2",
        "client falls silent, at 2.5/2",
        "silent at 25/20, by the rules",
    ]
    assert [each.text for each in line(websocket, "silent at")] == [
        "20 to 45 s",
        "20 to 65 s",
        "20 to 65 s",
    ]
    assert polling.lines[-1][0].text == "closed or silent at 25/20, by the rules"
    assert line(websocket, "client says")[0].detail == "slowest of 20"


def test_at_the_librarys_heartbeat_there_is_nothing_to_predict() -> None:
    run = disconnects(heartbeat=(25, 20), sweep=(), server=False, faults=Faults())
    assert all("rules" not in each[0].text for table in tables(run) for each in table.lines)


def test_who_was_never_noticed_is_no_time() -> None:
    run = disconnects(sweep=(), server=False, faults=Faults(missed={"disconnect:cut": 3}))
    entry = line(tables(run)[0], "client falls")[0]
    assert entry.text == "never"
    assert entry.detail.endswith("3 of 40 clients")


# --- to be told within


def test_every_limit_has_a_line_to_copy_that_keeps_it() -> None:
    run = disconnects(sweep=(), server=False, faults=Faults())
    forgiving, cheaper = within.tables(summarise(run))
    ten = next(each for each in forgiving.lines if each[0].text == "10 s")
    assert ten[1].text == "SocketIO(app, ping_interval=3, ping_timeout=2)"
    assert ten[2].text == "2 to 7.1 s"
    assert "of a core for 1,000 clients, by mode, WebSocket" in forgiving.head
    assert ten[4].text.endswith("%")
    assert len(cheaper.lines) == len(forgiving.lines)


def test_without_measured_heartbeats_no_cpu_is_named() -> None:
    ready = {"websocket": "simple-websocket"}
    run = result([planned(0)], [ran(0, measurement("echo"), server=ready)])
    forgiving, _ = within.tables(summarise(run))
    assert not any("CPU" in head for head in forgiving.head)


def test_of_a_server_that_does_not_say_what_it_runs_no_setting_is_known() -> None:
    assert within.tables(summarise(cells("latency_p50", a=(1.0,)))) == ()


# --- coming from


def test_every_mode_is_held_against_the_one_that_somebody_comes_from() -> None:
    run = cells("throughput", a=(100.0, 101.0, 99.0), b=(65.0, 66.0, 64.0), c=(200.0, 201.0, 199.0))
    (found,) = beside(run)
    assert found.caption == "Over WebSocket, beside a"
    assert found.head == ("number", "b", "c")
    worse, better = line(found, "throughput")
    assert (worse.sign, better.sign) == ("worse", "better")
    assert better.detail.startswith("2.00 × [")


def test_what_the_trials_do_not_tell_apart_is_said_to_be_that() -> None:
    (found,) = beside(cells("latency_p50", a=(1.0, 1.5, 0.7), b=(1.1, 0.9, 1.3)))
    assert line(found, "echo p50")[0].sign == "cannot tell"


def test_one_trial_cannot_tell() -> None:
    (found,) = beside(cells("latency_p50", a=(1.0,), b=(2.0,)))
    assert str(line(found, "echo p50")[0]) == "cannot tell 2.00 ×, one trial"


def test_a_rule_is_sure_without_trials() -> None:
    run = disconnects(sweep=(), server=False, transports=(Transport.WEBSOCKET,))
    (found,) = beside(run, "eventlet")
    assert str(line(found, "silent at")[0]) == "20 to 65 s worse not 20 to 45 s"
    (found,) = beside(run, "gevent")
    assert [each.sign for each in line(found, "silent at")] == ["better", "the same"]


def test_a_mode_alone_is_held_against_nobody() -> None:
    assert beside(cells("latency_p50", a=(1.0, 2.0))) == []


def test_the_usual_reference_is_none_where_the_run_does_not_have_it() -> None:
    summary = summarise(cells("latency_p50", a=(1.0, 2.0)))
    assert summary.short.reference is None
    assert summary.short.coming == ()


def test_a_reference_that_was_asked_for_must_be_there() -> None:
    run = cells("latency_p50", a=(1.0, 2.0), b=(1.0, 2.0))
    assert summarise(run, "b").short.reference == "b"
    with pytest.raises(ReportError, match="--reference c: the run has no such mode; it has a, b"):
        summarise(run, "c")
