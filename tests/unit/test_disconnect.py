"""Disconnect: who went when, when the server noticed, and who was never noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.meter import Usage
from loadtests.model import METRICS, Cause
from loadtests.options import Disconnect
from loadtests.results import Detection, Measurement
from loadtests.scenarios import disconnect
from loadtests.scenarios.bench import TrialFailed
from loadtests.scenarios.disconnect import Departure, detections, read_journal, summarise
from tests.unit.simulation import MS, SECOND, FakeBench, World

USAGE = Usage(SECOND, SECOND // 10, SECOND // 2)


def left(sid: str, gone_ns: int, due_ns: int | None = None) -> Departure:
    return Departure(sid, Cause.KILL, gone_ns if due_ns is None else due_ns, gone_ns)


def summary(departures: list[Departure], noticed: Any, **changes: Any) -> Measurement:
    arguments: dict[str, Any] = {
        "start_ns": 0,
        "window_ns": 5 * SECOND,
        "heartbeats": 10,
        "usage": USAGE,
        "server_mib": 40.0,
        "receive_lag_ns": [1000, 2000],
    }
    return summarise(Cause.KILL, departures, noticed, **(arguments | changes))


# --- the server's journal


def line(event: str, sid: str, at_ns: int, **more: str) -> str:
    return json.dumps({"event": event, "sid": sid, "at_ns": at_ns, **more}) + "\n"


def journal(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_journal_says_when_and_why_each_client_was_given_up(tmp_path: Path) -> None:
    path = journal(
        tmp_path,
        line("connect", "a", 1, transport="polling"),
        line("disconnect", "a", 7, reason="ping timeout"),
        line("disconnect", "b", 9, reason="transport close"),
    )
    assert read_journal(path) == {"a": (7, "ping timeout"), "b": (9, "transport close")}


def test_line_that_is_being_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    whole = line("disconnect", "a", 7, reason="r")
    for length in range(1, len(whole)):
        path = journal(tmp_path, line("disconnect", "b", 3, reason="r"), whole[:length])
        assert read_journal(path) == {"b": (3, "r")}, whole[:length]


def test_first_of_two_disconnects_counts(tmp_path: Path) -> None:
    path = journal(
        tmp_path,
        line("disconnect", "a", 7, reason="first"),
        line("disconnect", "a", 9, reason="second"),
    )
    assert read_journal(path) == {"a": (7, "first")}


def test_journal_without_a_line_says_nothing(tmp_path: Path) -> None:
    assert read_journal(journal(tmp_path)) == {}


# --- what became of each


@pytest.mark.parametrize(
    ("at_ns", "detected_s", "reason"),
    [
        (100 + 2 * SECOND, 2.0, "two seconds later"),
        (100 + 5 * SECOND, 5.0, "at the last moment of its window"),
        (101 + 5 * SECOND, None, "later than its window"),
        (100, 0.0, "at once"),
        (100 - SECOND, -1.0, "before it went: that is shown, not hidden"),
        (None, None, "never"),
    ],
)
def test_detection_runs_from_departure_to_handler(
    at_ns: int | None, detected_s: float | None, reason: str
) -> None:
    noticed = {} if at_ns is None else {"a": (at_ns, "why")}
    [found] = detections([left("a", 100)], noticed, start_ns=0, window_ns=5 * SECOND)
    words = None if detected_s is None else "why"
    assert Detection(100 / 1e9, detected_s, words) == found, reason


def test_detections_are_in_the_order_of_departure() -> None:
    departures = [left("b", 3 * SECOND), left("a", 2 * SECOND)]
    noticed = {"a": (4 * SECOND, "x"), "b": (4 * SECOND, "y")}
    found = detections(departures, noticed, start_ns=SECOND, window_ns=5 * SECOND)
    assert [Detection(1.0, 2.0, "x"), Detection(2.0, 1.0, "y")] == found


# --- numbers


def test_summary_has_the_quickest_the_middle_and_the_slowest() -> None:
    departures = [left(sid, 0) for sid in "abc"]
    found = summary(departures, {sid: (n * SECOND, "r") for n, sid in enumerate("abc", 1)})
    assert tuple(
        found.metrics[name]
        for name in ("detection_min", "detection_p50", "detection_max", "undetected")
    ) == (1.0, 2.0, 3.0, 0)
    assert METRICS["disconnect"].keys() == found.metrics.keys()
    assert (found.scenario, found.invalid, found.unavailable) == ("disconnect:kill", {}, {})
    assert found.samples == {"detection": 3}


def test_undetected_client_is_later_than_all_others() -> None:
    # Of four, two were noticed: the median is the second, still known; the maximum is not.
    departures = [left(sid, 0) for sid in "abcd"]
    found = summary(departures, {"a": (SECOND, "r"), "b": (2 * SECOND, "r")})
    assert tuple(
        found.metrics[name]
        for name in ("undetected", "detection_min", "detection_p50", "detection_max")
    ) == (2, 1.0, 2.0, 2.0)
    assert {"detection_max"} == found.invalid.keys()
    assert found.invalid["detection_max"] == "clients were not noticed within 5 s (2 of 4)"


def test_median_among_the_undetected_is_not_known() -> None:
    departures = [left(sid, 0) for sid in "abc"]
    found = summary(departures, {"a": (SECOND, "r")})
    assert (found.metrics["detection_min"], found.metrics["detection_p50"]) == (1.0, None)
    assert {"detection_p50", "detection_max"} == found.invalid.keys()


def test_nobody_noticed_is_not_a_detection_time_of_zero() -> None:
    found = summary([left("a", 0)], {})
    names = ("detection_min", "detection_p50", "detection_max")
    assert [found.metrics[name] for name in names] == [None] * 3
    assert set(names) == found.invalid.keys()
    assert found.metrics["undetected"] == 1
    assert [Detection(0.0, None, None)] == found.detections


def test_client_given_up_before_it_went_spoils_all_three() -> None:
    found = summary([left("a", SECOND), left("b", 0)], {"a": (0, "r"), "b": (SECOND, "r")})
    assert {"detection_min", "detection_p50", "detection_max"} == found.invalid.keys()
    assert "the server gave clients up before they went" in found.invalid["detection_min"]


def test_lateness_is_of_the_departures() -> None:
    found = summary([left("a", 3 * MS, due_ns=MS)], {"a": (SECOND, "r")})
    assert found.metrics["lateness_p99"] == 2.0


def test_cpu_is_per_heartbeat() -> None:
    found = summary([left("a", 0)], {"a": (1, "r")}, heartbeats=100)
    assert (found.metrics["server_cpu"], found.metrics["generator_cpu"]) == (5000.0, 1000.0)


def test_receive_lag_of_no_heartbeat_has_its_reason() -> None:
    found = summary([left("a", 0)], {"a": (1, "r")}, heartbeats=0, receive_lag_ns=[])
    assert found.metrics["receive_lag_p99"] is None
    assert {"receive_lag_p99", "server_cpu", "generator_cpu"} == found.unavailable.keys()


# --- the whole scenario

OPTIONS = Disconnect(
    clients=3, ping_interval_s=1, ping_timeout_s=0.5, causes=[Cause.CLOSE, Cause.FREEZE]
)


class Noticing(FakeBench):
    """A server that notices what went properly at once, and what froze a second later."""

    def __init__(self, world: World, path: Path, *, deaf_to: str = "") -> None:
        super().__init__(world, 6)
        path.touch()
        self.journal = path  # type: ignore[assignment]
        for session in self.sessions:
            session.depart = self._departs(session.sid, deaf=session.sid == deaf_to)  # type: ignore[method-assign]

    def _departs(self, sid: str, *, deaf: bool) -> Any:
        def depart(cause: Cause) -> None:
            if deaf:
                return
            delay_ns = MS if cause is Cause.CLOSE else SECOND
            self.world.after(delay_ns, lambda: self._note(sid))

        return depart

    def _note(self, sid: str) -> None:
        assert self.journal is not None
        with Path(self.journal).open("a", encoding="utf-8") as file:
            file.write(line("disconnect", sid, self.world.now_ns, reason="r"))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    world.patch(monkeypatch, disconnect)
    return world


def test_every_cause_has_its_own_measurement(world: World, tmp_path: Path) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    closed, frozen = disconnect.measure(bench, OPTIONS)  # type: ignore[arg-type]
    assert (closed.scenario, frozen.scenario) == ("disconnect:close", "disconnect:freeze")
    assert closed.metrics["detection_max"] == pytest.approx(0.001)
    assert frozen.metrics["detection_min"] == pytest.approx(1.0)
    assert (len(closed.detections), len(frozen.detections)) == (3, 3)


def test_departures_are_spread_over_one_interval(world: World, tmp_path: Path) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    found = disconnect.measure(bench, OPTIONS)  # type: ignore[arg-type]
    gone = [each.gone_s for measurement in found for each in measurement.detections]
    assert all(0 <= gone_s <= OPTIONS.ping_interval_s for gone_s in gone)
    assert len(set(gone)) == 6


def test_same_seed_sends_the_same_clients_away_at_the_same_phase(
    world: World, tmp_path: Path
) -> None:
    runs = []
    for name in ("one", "two"):
        bench = Noticing(world, tmp_path / name)
        found = disconnect.measure(bench, OPTIONS)  # type: ignore[arg-type]
        runs.append([each.gone_s for measurement in found for each in measurement.detections])
    assert runs[0] == runs[1]


def test_unnoticed_client_is_waited_for_no_longer_than_its_window(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl", deaf_to="sid-2")
    begun_ns = world.now_ns
    found = disconnect.measure(bench, OPTIONS)  # type: ignore[arg-type]
    assert sum(each.metrics["undetected"] or 0 for each in found) == 1
    longest_s = 2.25 * OPTIONS.ping_interval_s + OPTIONS.observed_s + 0.2
    assert (world.now_ns - begun_ns) / 1e9 <= longest_s


def test_client_that_was_lost_before_it_was_to_go_fails_the_trial(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    bench.sessions[3].ended = "connection closed by the server"
    with pytest.raises(TrialFailed, match="1 clients lost their connection before"):
        disconnect.measure(bench, OPTIONS)  # type: ignore[arg-type]


def test_server_without_a_journal_fails_the_trial(world: World) -> None:
    with pytest.raises(TrialFailed, match="keeps no journal"):
        disconnect.measure(FakeBench(world, 6), OPTIONS)  # type: ignore[arg-type]
