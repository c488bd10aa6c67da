"""A client that stops reading: what gathers for it, when it is given up, what the others notice."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from loadtests.record.results import Measurement
from loadtests.record.words import Cause
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import reader
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.reader import SCENARIO, Reader
from loadtests.scenarios.reader_numbers import METRICS
from loadtests.scenarios.texts import letters
from tests.support.present import present
from tests.support.simulation import (
    MS,
    SECOND,
    FakeBench,
    FakeMeter,
    FakeSession,
    World,
    broadcasting,
)

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["websocket"]\n[reader]\n'
OPTIONS = Reader(clients=3, payload_bytes=64, ping_interval_s=2, ping_timeout_s=2)
_COPY_NS = 2 * MS


class Server:
    """Keeps 1 MiB for each broadcast that its one slow client does not read.

    Attributes:
        bench: of its clients, the last of which stops.
        gives_up_ns: so long after the client has stopped; 0: never.
        reason: for which it does.
        keeps: whether what was kept stays when the client is given up.
        late_ns: by so much every copy is later while one does not read.
    """

    def __init__(
        self, journal: Path, *, gives_up_ns: int = 3 * SECOND, keeps: bool = False, late_ns: int = 0
    ) -> None:
        self.bench = FakeBench(World(), OPTIONS.clients)
        self.gives_up_ns = gives_up_ns
        self.reason = "ping timeout"
        self.keeps, self.late_ns = keeps, late_ns
        self.kept_mib = 0.0
        self._journal = journal
        journal.write_text("")
        self.slow = Slow(self)
        self.bench.sessions.append(self.slow)
        place = self.bench.place
        self.bench.place = msgspec.structs.replace(
            place, journal=str(journal), websocket="simple-websocket"
        )
        self.bench.meter = Memory(self)
        broadcasting(self.bench, self._fate)

    @property
    def stopped(self) -> bool:
        """Whether the one has stopped and was not given up."""
        return self.slow.stopped_ns is not None and not self.slow.given_up

    def give_up(self) -> None:
        """The one: it is in the journal."""
        self.slow.given_up = True
        if not self.keeps:
            self.kept_mib = 0.0
        end = {
            "event": "disconnect",
            "sid": self.slow.sid,
            "reason": self.reason,
            "at_ns": self.bench.world.now_ns,
        }
        self._journal.write_text(json.dumps(end) + "\n")

    def _fate(self, _publisher: int, _number: int, recipient: int) -> list[int]:
        if recipient == self.slow.number:
            if self.stopped:
                self.kept_mib += 1.0
            return [] if self.slow.stopped_ns is not None else [_COPY_NS]
        return [_COPY_NS + (self.late_ns if self.stopped else 0)]


class Slow(FakeSession):
    """The one that stops."""

    def __init__(self, server: Server) -> None:
        super().__init__(OPTIONS.clients)
        self._server = server
        self.stopped_ns: int | None = None
        self.given_up = False

    def depart(self, cause: Cause) -> None:
        assert cause is Cause.FREEZE
        world = self._server.bench.world
        self.stopped_ns = world.now_ns
        if self._server.gives_up_ns:
            world.after(self._server.gives_up_ns, self._server.give_up)


class Memory(FakeMeter):
    """Of a server that has 50 MiB beside what it keeps."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.bench.world)
        self._server = server

    def server_mib(self) -> float:
        return 50.0 + self._server.kept_mib


def measured(server: Server) -> dict[str, Measurement]:
    found = reader.measure(server.bench, OPTIONS)  # type: ignore[arg-type]
    return {each.row: each for each in found}


def test_reader_is_given_up_when_the_journal_says_so_and_for_its_reason(tmp_path: Path) -> None:
    found = measured(Server(tmp_path / "journal"))
    assert list(found) == ["reader:reads", "reader:stops"]
    stops = found["reader:stops"]
    assert all(each.metrics.keys() == METRICS.keys() for each in found.values())
    assert stops.metrics["given_up"] == pytest.approx(3.0, abs=1e-6)
    assert stops.metrics["undetected"] == 0
    assert stops.notes["given_up"] == "ping timeout"
    assert stops.invalid == {}


def test_memory_that_gathers_is_told_and_what_of_it_stays(tmp_path: Path) -> None:
    gives_back = measured(Server(tmp_path / "journal"))
    keeps = measured(Server(tmp_path / "journal", keeps=True))
    for found in (gives_back, keeps):
        assert found["reader:reads"].metrics["kept_rss"] == 0
    # 40 a second for 3 s; it is looked at after each half second, and freed in between.
    assert present(gives_back["reader:stops"].metrics["kept_rss"]) == pytest.approx(110, abs=12)
    assert gives_back["reader:stops"].metrics["left_rss"] == 0
    assert present(keeps["reader:stops"].metrics["kept_rss"]) == pytest.approx(120, abs=3)
    assert present(keeps["reader:stops"].metrics["left_rss"]) == pytest.approx(120, abs=3)


def test_while_all_read_the_copies_of_all_are_counted(tmp_path: Path) -> None:
    found = measured(Server(tmp_path / "journal"))
    calm, beside = (present(found[row].metrics["deliveries"]) for row in found)
    assert calm == pytest.approx(4 * OPTIONS.rate_hz, rel=0.03)
    assert beside == pytest.approx(3 * OPTIONS.rate_hz, rel=0.03)


def test_reader_that_is_lost_before_it_stops_is_told_as_that(tmp_path: Path) -> None:
    server = Server(tmp_path / "journal")
    server.bench.world.after(2 * SECOND, server.give_up)
    with pytest.raises(TrialFailed, match="was lost before that: the server has given it up"):
        measured(server)


def test_reader_that_is_thrown_out_for_another_reason_is_no_quick_one(tmp_path: Path) -> None:
    server = Server(tmp_path / "journal", gives_up_ns=SECOND // 10)
    server.reason = "transport error"
    stops = measured(server)["reader:stops"]
    assert "not as the heartbeat's rules have it (transport error; " in stops.invalid["given_up"]


def test_others_who_wait_meanwhile_are_told_by_how_much(tmp_path: Path) -> None:
    held_up = measured(Server(tmp_path / "journal", late_ns=30 * MS))["reader:stops"]
    assert held_up.metrics["rise_p99"] == pytest.approx(30, rel=0.01)
    free = measured(Server(tmp_path / "journal"))["reader:stops"]
    assert free.metrics["rise_p99"] == pytest.approx(0, abs=0.01)


def test_reader_that_is_never_given_up_is_no_quick_one(tmp_path: Path) -> None:
    stops = measured(Server(tmp_path / "journal", gives_up_ns=0))["reader:stops"]
    assert stops.metrics["given_up"] is None
    assert stops.metrics["undetected"] == 1
    for name in ("given_up", "kept_rss", "left_rss"):
        assert "not given up as long as it was waited for" in stops.invalid[name]


def test_what_the_one_does_not_read_is_not_missing(tmp_path: Path) -> None:
    found = measured(Server(tmp_path / "journal"))
    assert [each.metrics["missing"] for each in found.values()] == [0, 0]


def test_without_a_journal_nothing_is_measured() -> None:
    with pytest.raises(TrialFailed, match="no journal"):
        reader.measure(FakeBench(World(), 4), OPTIONS)  # type: ignore[arg-type]


def test_time_before_must_hold_a_slice() -> None:
    with pytest.raises(ExperimentError, match="before_s is below slice_s"):
        parse(HEAD + "before_s = 0.2\n", "mine.toml")
    assert parse(HEAD, "mine.toml").variant("reader").clients == 6


def test_rows_are_in_order() -> None:
    assert SCENARIO.order is not None
    rows = ["reader:stops", "reader:unknown", "reader:reads"]
    assert sorted(rows, key=SCENARIO.order) == ["reader:reads", "reader:stops", "reader:unknown"]


@pytest.mark.parametrize("length", [64, 32_768])
def test_letters_hardly_pack_and_are_not_remembered(length: int) -> None:
    made = letters(1, length)
    assert {len(text) for text in made} == {length}
    assert len(set(made)) == len(made)
    assert sum(map(len, made[1:])) >= 32 * 1024
