"""Disconnect: the server's journal, and the whole scenario in a world without sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.client import packets
from loadtests.record.results import Measurement
from loadtests.record.words import Cause
from loadtests.run.experiment import parse
from loadtests.scenarios.disconnect import leaving, measure
from loadtests.scenarios.disconnect.departures import Notice
from loadtests.scenarios.disconnect.hosts.handle import HostError
from loadtests.scenarios.disconnect.leaving import Hosted
from loadtests.scenarios.disconnect.measure import read_journal
from loadtests.scenarios.disconnect.options import Disconnect
from loadtests.scenarios.disconnect.rows import DepartureRow
from loadtests.scenarios.errors import TrialFailed
from tests.support.simulation import MS, SECOND, FakeBench, World


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
    experiment: Any = parse(text, "o")
    found: Disconnect = experiment.disconnect
    return found


class Noticing(FakeBench):
    """A server that notices a goodbye at once, and what was reset a second later.

    There is no browser, so that the generator holds every client itself: a publisher and 12 more.
    """

    def __init__(self, world: World, path: Path, *, deaf_to: str = "") -> None:
        super().__init__(world, 13)
        self.journal = path
        self.place = msgspec.structs.replace(
            self.place,
            label=str(path.with_name("trial")),
            websocket="simple-websocket",
            journal=str(path),
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
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(line("disconnect", sid, self.world.now_ns, reason="r"))


@pytest.fixture
def world() -> World:
    return World()


def measured(bench: Noticing) -> dict[str, Measurement]:
    return {each.row: each for each in measure.measure(bench, options())}  # type: ignore[arg-type]


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


def test_busy_clients_are_sent_to_in_turn_at_their_rate(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    sent: list[tuple[int, str]] = []

    def note(packet: bytes, _leaves: Any = None) -> None:
        sent.append((world.now_ns, packets.decode(packet).data[1]["room"]))

    monkeypatch.setattr(bench.sessions[0], "send", note)
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
    longest_s = options().quiet_s + options().ping_interval_s + options().observed_s + 0.5
    assert (world.now_ns - begun_ns) / 1e9 <= longest_s


def test_client_that_was_lost_before_it_was_to_go_spoils_its_own_row_and_no_other(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    bench.sessions[3].ended = "connection closed by the server"
    found = measured(bench)
    spoiled = {name: each.invalid for name, each in found.items() if each.invalid}
    reason = "clients were lost before they were to go: connection closed by the server (1 of 3)"
    of_all = (
        *("detection_min", "detection_p50", "detection_max"),
        *("undetected", "outside", "repeated", "lateness_p99"),
    )
    assert spoiled == {"disconnect:reset": dict.fromkeys(of_all, reason)}
    # What goes for every scenario does not go for those that have a row.
    assert [session.ended for session in bench.judged or ()] == [None]
    assert len(found["disconnect:reset"].detections) == 2
    assert [len(each.detections) for each in found.values()].count(3) == 3


def test_row_whose_clients_were_all_lost_has_no_times_and_says_why(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    for session in bench.sessions[3:13:4]:
        session.ended = "connection closed by the server"
    found = measured(bench)["disconnect:reset"]
    assert set(found.metrics.values()) == {None}
    assert set(found.invalid.values()) == {
        "all its clients were lost: connection closed by the server"
    }
    assert found.invalid.keys() == found.metrics.keys()


def test_machine_on_which_nothing_can_be_done_has_rows_that_say_so(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    causes = {Cause.CLOSE, Cause.RESET, Cause.TAB}
    bench.place = msgspec.structs.replace(bench.place, missing=dict.fromkeys(causes, "not here"))
    del bench.sessions[1:]
    bench.journal.write_text(
        line("connect", bench.sessions[0].sid, 0, transport="polling"), encoding="utf-8"
    )
    for each in measured(bench).values():
        assert set(each.unavailable.values()) == {"not here"}


def test_trial_whose_clients_were_all_lost_has_failed(world: World, tmp_path: Path) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    for session in bench.sessions[1:]:
        session.ended = "connection closed by the server"
    with pytest.raises(TrialFailed, match="all 12 clients lost their connection: connection cl"):
        measured(bench)


def test_client_that_does_not_go_fails_the_trial(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    monkeypatch.setattr(leaving.Here, "gone", lambda here: here._gone[1:])
    with pytest.raises(TrialFailed, match="1 of 12 clients did not go"):
        measured(bench)


def test_heartbeats_are_counted_over_whole_intervals(world: World, tmp_path: Path) -> None:
    # 13 clients, two intervals of 1 s, of which a server that uses a tenth of its core has 0.2 s.
    found = measured(Noticing(world, tmp_path / "journal.jsonl"))
    assert options().quiet_s == 2
    assert found["disconnect:close"].metrics["server_cpu"] == pytest.approx(200_000 / 26, rel=0.01)


def test_server_that_gives_up_somebody_who_stays_spoils_every_number(
    world: World, tmp_path: Path
) -> None:
    bench = Noticing(world, tmp_path / "journal.jsonl")
    world.after(SECOND, lambda: bench._note("sid-0"))
    found = measured(bench)
    reason = "the server gave up clients that had not gone (1)"
    assert found["disconnect:close"].invalid["detection_p50"] == reason
    assert found["disconnect:reset:busy"].invalid["detection_max"] == reason
    assert found["disconnect:tab"].invalid == {}


class Broken:
    """A host whose clients never connect."""

    def wait_until_joined(self, timeout_s: float) -> list[str]:
        raise HostError("browser: it does not start; its log: x.log")


@pytest.mark.parametrize(("cause", "costs_all"), [(Cause.TAB, False), (Cause.KILL, True)])
def test_what_needs_more_than_this_project_costs_its_own_rows_only(
    cause: Cause, costs_all: bool
) -> None:
    group = Hosted(Broken(), [DepartureRow(cause)])  # type: ignore[arg-type]
    if costs_all:
        with pytest.raises(HostError):
            measure._joined([group], 1.0)
    else:
        reason = "browser: it does not start; its log: x.log"
        assert ([], [], {cause: reason}) == measure._joined([group], 1.0)


def test_server_without_a_journal_fails_the_trial(world: World) -> None:
    with pytest.raises(TrialFailed, match="keeps no journal"):
        measure.measure(FakeBench(world, 6), options())  # type: ignore[arg-type]
