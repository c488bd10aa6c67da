"""Clients that go in a known way, from servers of known behaviour: what is found must be that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadtests.machine import network
from loadtests.machine.launch import SERVE
from loadtests.record.results import Measurement
from loadtests.record.words import Status
from loadtests.scenarios.disconnect.hosts import browser
from servers.modes import MAIN
from tests.support.measuring import faulty, in_a_quiet_moment, measured
from tests.support.present import present

#: One of them in every run of the tests.
MODES = [
    pytest.param(mode, marks=() if mode == "gevent" else pytest.mark.long) for mode in sorted(MAIN)
]


def found(
    text: str, folder: Path, command: tuple[str, ...] = SERVE
) -> dict[tuple[str, str], Measurement]:
    """(transport, row) -> its measurement."""
    result = measured(text, folder, command)
    assert [trial.reason for trial in result.trials] == [None] * len(result.trials)
    return {
        (result.plan[trial.number].transport, each.row): each
        for trial in result.trials
        for each in trial.measurements
    }


@pytest.mark.parametrize("mode", MODES)
def test_clients_are_noticed_as_the_heartbeats_rules_say(tmp_path: Path, mode: str) -> None:
    text = f"""
modes = ["{mode}"]
[disconnect]
clients = 4
causes = ["close", "kill", "reset", "freeze"]
ping_interval_s = 1
ping_timeout_s = 1
busy_hz = 2
"""

    def check(folder: Path) -> None:
        rows = found(text, folder)
        assert len(rows) == 2 * 4 * 2
        for (transport, row), each in rows.items():
            reasons = {one.reason for one in each.detections}
            seconds = [present(one.detected_s) for one in each.detections]
            assert (len(seconds), each.metrics["undetected"]) == (4, 0), row
            assert each.metrics["outside"] == 0, (transport, row, each.detections)
            cause = row.split(":")[1]
            if cause == "close":
                assert reasons == {"client disconnect"}
                assert max(seconds) < 0.9
            elif transport == "websocket" and cause != "freeze":
                assert reasons == {"transport close"}
                assert max(seconds) < 0.9
            else:
                # What closes silently, or not at all, is noticed by its silence alone.
                assert min(seconds) > 0.9
                eventlet = (mode, transport) == ("eventlet", "websocket")
                assert eventlet or "ping timeout" in reasons

    in_a_quiet_moment(check, tmp_path)


SMALL = """
modes = ["{mode}"]
transports = ["websocket"]
[disconnect]
clients = 3
causes = ["close", "kill"]
ping_interval_s = 0.5
ping_timeout_s = 0.5
"""


@pytest.mark.parametrize("mode", MODES)
def test_handler_that_runs_3_s_late_is_found_3_s_late(tmp_path: Path, mode: str) -> None:
    def check(folder: Path) -> None:
        text = SMALL.format(mode=mode) + "window_s = 6\n"
        rows = found(text, folder, faulty("late_disconnect:3"))
        for (_, row), each in rows.items():
            for one in each.detections:
                assert one.detected_s == pytest.approx(3, abs=0.1), row
            assert each.metrics["outside"] == 3

    in_a_quiet_moment(check, tmp_path)


def test_handler_that_never_runs_leaves_every_client_undetected(tmp_path: Path) -> None:
    rows = found(SMALL.format(mode="gevent"), tmp_path, faulty("no_disconnect:0"))
    for each in rows.values():
        assert each.metrics["undetected"] == 3
        assert each.metrics["detection_p50"] is None
        assert [one.detected_s for one in each.detections] == [None] * 3
        assert "were not noticed within" in each.invalid["detection_max"]


def test_handler_that_runs_twice_is_counted_for_every_client(tmp_path: Path) -> None:
    rows = found(SMALL.format(mode="gevent"), tmp_path, faulty("double_disconnect:0"))
    for each in rows.values():
        assert each.metrics["repeated"] == 3
        assert [one.calls for one in each.detections] == [2] * 3
        assert each.metrics["undetected"] == 0


ALL = """
modes = ["gevent"]
transports = ["websocket"]
[disconnect]
clients = 2
causes = ["kill", "cut", "tab"]
ping_interval_s = 1
ping_timeout_s = 1
"""


def test_cut_and_closed_tab_are_noticed_beside_the_others(tmp_path: Path) -> None:
    if reason := network.unavailable() or browser.unavailable():
        pytest.skip(reason)

    def check(folder: Path) -> None:
        rows = found(ALL, folder)
        reasons = {row: {one.reason for one in each.detections} for (_, row), each in rows.items()}
        assert reasons == {
            "disconnect:kill": {"transport close"},
            "disconnect:cut": {"ping timeout"},
            "disconnect:tab": {"transport close"},
        }
        assert [each.metrics["outside"] for each in rows.values()] == [0, 0, 0]

    in_a_quiet_moment(check, tmp_path)


def test_what_this_machine_cannot_do_has_rows_that_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "unavailable", lambda: "network namespaces are not permitted")
    monkeypatch.setattr(browser, "unavailable", lambda: "no tabs: no Chromium")
    rows = found(ALL, tmp_path)
    cut, tab = rows["websocket", "disconnect:cut"], rows["websocket", "disconnect:tab"]
    assert cut.unavailable["detection_p50"] == "network namespaces are not permitted"
    assert tab.unavailable["detection_p50"] == "no tabs: no Chromium"
    assert rows["websocket", "disconnect:kill"].metrics["undetected"] == 0


def test_browser_that_does_not_start_costs_its_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "unavailable", lambda: "not asked for here")
    monkeypatch.setattr(browser, "unavailable", lambda: None)
    # The first of this name on the path is taken for the browser.
    (tmp_path / "chromium").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    rows = found(ALL, tmp_path)
    assert "browser" in rows["websocket", "disconnect:tab"].unavailable["detection_p50"]
    assert rows["websocket", "disconnect:kill"].metrics["undetected"] == 0


def test_more_clients_than_a_server_takes_is_said_before_it_is_tried(tmp_path: Path) -> None:
    text = """
modes = ["eventlet"]
transports = ["polling"]
[echo]
clients = 513
rate_hz = 10
latency_s = 1
throughput_s = 1
"""
    (trial,) = measured(text, tmp_path).trials
    assert trial.status is Status.UNAVAILABLE
    assert trial.reason == (
        "eventlet takes 1,024 connections at the same time, and 513 clients have 1,026"
    )
