"""Disconnect: who went when, when the server noticed, and who was never noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.client import packets
from loadtests.expected import Situation, window, window_at
from loadtests.experiment import parse
from loadtests.meter import Usage
from loadtests.model import METRICS, Cause, DepartureRow, Transport
from loadtests.options import Disconnect
from loadtests.results import Detection, Measurement
from loadtests.scenarios import disconnect
from loadtests.scenarios.bench import TrialFailed
from loadtests.scenarios.departures import (
    Departure,
    Notice,
    Surroundings,
    detections,
    missing,
    summarise,
)
from loadtests.scenarios.disconnect import read_journal
from loadtests.trial import Assignment
from tests.unit.simulation import MS, SECOND, FakeBench, World

USAGE = Usage(SECOND, SECOND // 10, SECOND // 2)
KILL = DepartureRow(Cause.KILL)

#: A killed polling client: silent, so noticed between the timeout and some seconds more.
SITUATION = Situation(
    transport=Transport.POLLING,
    cause=Cause.KILL,
    ping_interval_s=2,
    ping_timeout_s=1,
    websocket="simple-websocket",
    connections=100,
    leaving=3,
)


def left(
    sid: str, gone_ns: int, due_ns: int | None = None, pinged_ns: int | None = None
) -> Departure:
    return Departure(sid, KILL, gone_ns if due_ns is None else due_ns, gone_ns, pinged_ns)


def summary(departures: list[Departure], noticed: Any, **changes: Any) -> Measurement:
    arguments: dict[str, Any] = {
        "start_ns": 0,
        "window_ns": 5 * SECOND,
        "heartbeats": 10,
        "usage": USAGE,
        "server_mib": 40.0,
        "receive_lag_ns": [1000, 2000],
    }
    around = Surroundings(**(arguments | changes))
    return summarise(KILL, departures, notices(noticed), SITUATION, around)


def notices(noticed: dict[str, Any]) -> dict[str, Notice]:
    return {sid: Notice(*each) for sid, each in noticed.items()}


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
    assert read_journal(path) == notices({"a": (7, "ping timeout"), "b": (9, "transport close")})


def test_line_that_is_being_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    whole = line("disconnect", "a", 7, reason="r")
    for length in range(1, len(whole)):
        path = journal(tmp_path, line("disconnect", "b", 3, reason="r"), whole[:length])
        assert read_journal(path) == notices({"b": (3, "r")}), whole[:length]


def test_first_of_two_disconnects_is_when_and_both_are_counted(tmp_path: Path) -> None:
    path = journal(
        tmp_path,
        line("disconnect", "a", 7, reason="first"),
        line("disconnect", "a", 9, reason="second"),
    )
    assert read_journal(path) == {"a": Notice(7, "first", calls=2)}


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
    noticed = {} if at_ns is None else {"a": Notice(at_ns, "why")}
    [found] = detections([left("a", 100)], noticed, SITUATION, start_ns=0, window_ns=5 * SECOND)
    words = None if detected_s is None else "why"
    calls = 0 if detected_s is None else 1
    expected = window(SITUATION)
    assert Detection(100 / 1e9, detected_s, words, None, expected, calls) == found, reason


def test_detections_are_in_the_order_of_departure() -> None:
    departures = [left("b", 3 * SECOND), left("a", 2 * SECOND)]
    noticed = notices({"a": (4 * SECOND, "x"), "b": (4 * SECOND, "y")})
    found = detections(departures, noticed, SITUATION, start_ns=SECOND, window_ns=5 * SECOND)
    assert [(each.gone_s, each.detected_s, each.reason) for each in found] == [
        (1.0, 2.0, "x"),
        (2.0, 1.0, "y"),
    ]


def test_client_whose_phase_is_known_has_a_window_of_its_own() -> None:
    departures = [left("a", 3 * SECOND, pinged_ns=2 * SECOND), left("b", 4 * SECOND)]
    known, unknown = detections(departures, {}, SITUATION, start_ns=0, window_ns=SECOND)
    assert (known.silent_s, known.expected) == (1.0, window_at(SITUATION, 1.0))
    assert (unknown.silent_s, unknown.expected) == (None, window(SITUATION))


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
    assert [(d.detected_s, d.reason, d.calls) for d in found.detections] == [(None, None, 0)]


def test_client_given_up_before_it_went_spoils_all_three() -> None:
    found = summary([left("a", SECOND), left("b", 0)], {"a": (0, "r"), "b": (SECOND, "r")})
    assert {"detection_min", "detection_p50", "detection_max"} == found.invalid.keys()
    assert "the server gave clients up before they went" in found.invalid["detection_min"]


def test_client_outside_of_its_window_is_counted_and_stays_a_number() -> None:
    latest_s = window(SITUATION).latest_s
    times = {"a": 2.0, "b": latest_s + 1, "c": 0.1}
    found = summary(
        [left(sid, 0) for sid in "abcd"],
        {sid: (round(s * SECOND), "ping timeout") for sid, s in times.items()}
        | {"d": (2 * SECOND, "another reason")},
        window_ns=60 * SECOND,
    )
    assert found.metrics["outside"] == 3
    assert found.invalid == {}
    assert found.expected == window(SITUATION)


def test_handler_that_ran_twice_for_a_client_is_counted_once() -> None:
    found = summary([left("a", 0), left("b", 0)], {"a": (SECOND, "r", 3), "b": (SECOND, "r", 1)})
    assert found.metrics["repeated"] == 1


def test_cause_that_is_missing_here_has_no_number_and_says_why() -> None:
    found = missing(DepartureRow(Cause.TAB, busy=True), "no Chromium")
    assert found.scenario == "disconnect:tab:busy"
    assert found.metrics == dict.fromkeys(METRICS["disconnect"])
    assert found.unavailable == dict.fromkeys(METRICS["disconnect"], "no Chromium")


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

EXPERIMENT = """
name = "test"
[disconnect]
clients = 3
causes = ["close", "reset", "tab"]
ping_interval_s = 1
ping_timeout_s = 0.5
busy_hz = 2
"""


def options(**changes: Any) -> Disconnect:
    text = EXPERIMENT
    for name, value in changes.items():
        text += f"{name} = {value}\n"
    found = parse(text, "o").disconnect
    assert found is not None
    return found


class Noticing(FakeBench):
    """A server that notices a goodbye at once, and what was reset a second later.

    There is no browser, so that the generator holds every client itself: a publisher and 12 more.
    """

    def __init__(self, world: World, path: Path, *, deaf_to: str = "") -> None:
        super().__init__(world, 13)
        self.journal = path  # type: ignore[assignment]
        self.assignment = Assignment(
            scenario="disconnect",
            transport=Transport.POLLING,
            url="http://127.0.0.1:1",
            server_core=None,
            server_pid=None,
            journal=str(path),
            seed=1,
            experiment=parse(EXPERIMENT, "o"),
            outcome=str(path.with_name("outcome.json")),
            websocket="simple-websocket",
            missing={Cause.TAB: "no browser"},
        )
        path.write_text(
            "".join(
                line("connect", session.sid, 0, transport="polling") for session in self.sessions
            ),
            encoding="utf-8",
        )
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
        with Path(str(self.journal)).open("a", encoding="utf-8") as file:
            file.write(line("disconnect", sid, self.world.now_ns, reason="r"))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    world.patch(monkeypatch, disconnect)
    return world


def measured(bench: Noticing) -> dict[str, Measurement]:
    return {each.scenario: each for each in disconnect.measure(bench, options())}  # type: ignore[arg-type]


def test_every_cause_has_its_own_measurements_busy_and_idle(world: World, tmp_path: Path) -> None:
    found = measured(Noticing(world, tmp_path / "journal.jsonl"))
    assert list(found) == [
        f"disconnect:{cause}{busy}" for cause in ("close", "reset", "tab") for busy in ("", ":busy")
    ]
    assert found["disconnect:close"].metrics["detection_max"] == pytest.approx(0.001)
    assert found["disconnect:reset:busy"].metrics["detection_min"] == pytest.approx(1.0)
    there = [each for name, each in found.items() if "tab" not in name]
    assert [len(each.detections) for each in there] == [3] * 4
    assert found["disconnect:tab"].unavailable["detection_p50"] == "no browser"


def test_departures_are_spread_over_one_interval(world: World, tmp_path: Path) -> None:
    found = measured(Noticing(world, tmp_path / "journal.jsonl"))
    gone = [each.gone_s for measurement in found.values() for each in measurement.detections]
    assert all(0 <= gone_s <= options().ping_interval_s for gone_s in gone)
    assert len(set(gone)) == 12


def test_same_seed_sends_the_same_clients_away_at_the_same_phase(
    world: World, tmp_path: Path
) -> None:
    runs = []
    for name in ("one", "two"):
        found = measured(Noticing(world, tmp_path / name))
        runs.append([each.gone_s for one in found.values() for each in one.detections])
    assert runs[0] == runs[1]


def test_busy_clients_are_sent_to_in_turn_at_their_rate(world: World, tmp_path: Path) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    sent: list[tuple[int, str]] = []

    def note(packet: bytes, _leaves: Any = None) -> None:
        sent.append((world.now_ns, packets.decode(packet).data[1]["room"]))

    bench.sessions[0].send = note  # type: ignore[method-assign]
    found = measured(bench)
    rooms = [room for _, room in sent]
    # Six of the twelve, one after the other: every second one of those behind the publisher.
    assert set(rooms) == {f"sid-{number}" for number in range(2, 13, 2)}
    assert rooms[:6] == rooms[6:12]
    assert [at_ns - sent[0][0] for at_ns, _ in sent[:7]] == pytest.approx(
        [number * SECOND / 12 for number in range(7)], abs=2
    )
    assert found["disconnect:reset"].expected != found["disconnect:reset:busy"].expected


def test_unnoticed_client_is_waited_for_no_longer_than_its_window(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl", deaf_to="sid-2")
    begun_ns = world.now_ns
    found = measured(bench)
    assert sum(each.metrics["undetected"] or 0 for each in found.values()) == 1
    longest_s = 2.25 * options().ping_interval_s + options().observed_s + 0.5
    assert (world.now_ns - begun_ns) / 1e9 <= longest_s


def test_client_that_was_lost_before_it_was_to_go_fails_the_trial(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    bench.sessions[3].ended = "connection closed by the server"
    with pytest.raises(TrialFailed, match="1 of 12 clients lost their connection before"):
        measured(bench)


def test_server_without_a_journal_fails_the_trial(world: World) -> None:
    with pytest.raises(TrialFailed, match="keeps no journal"):
        disconnect.measure(FakeBench(world, 6), options())  # type: ignore[arg-type]
