"""A handler that hangs: who was dropped, by whom, and how long the others waited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.record.application import WORK_EVENT
from loadtests.record.results import Measurement
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import hang
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.hang import METRICS, Hang
from tests.support.simulation import MS, SECOND, FakeBench, FakeSession, World

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["websocket"]\n[hang]\n'
OPTIONS = Hang(clients=4)


class Server:
    """Answers an echo in 2 ms, but for the time in which its one handler blocks.

    Attributes:
        bench: of its clients, the first of which orders work.
        blocks: whether everybody waits for that handler.
    """

    def __init__(self, journal: Path, *, blocks: bool = True) -> None:
        self.bench = FakeBench(World(), OPTIONS.clients)
        self.blocks = blocks
        self._free_ns = 0
        self._journal = journal
        journal.write_text("")
        self.bench.sessions.insert(0, Worker(self))
        self.bench.place = msgspec.structs.replace(self.bench.place, journal=str(journal))
        for session in self.bench.sessions[1:]:
            session.on_send = self._answering(session)

    def hang(self, seconds: float) -> int:
        """From now on; until when."""
        until_ns = self.bench.world.now_ns + round(seconds * 1e9)
        self._free_ns = until_ns if self.blocks else 0
        return until_ns

    def give_up(self, number: int, after_ns: int) -> None:
        """Have a client's disconnect handler called, so long from now."""
        world = self.bench.world

        def note() -> None:
            sid = self.bench.sessions[1 + number].sid
            end = {"event": "disconnect", "sid": sid, "reason": "x", "at_ns": world.now_ns}
            with self._journal.open("a") as file:
                file.write(json.dumps(end) + "\n")

        world.after(after_ns, note)

    def leave(self, number: int, after_ns: int) -> None:
        """Have a client give its connection up, so long from now."""
        world, session = self.bench.world, self.bench.sessions[1 + number]

        def end() -> None:
            session.ended, session.ended_ns = "heard nothing", world.now_ns

        world.after(after_ns, end)

    def _answering(self, session: FakeSession) -> Callable[[str, str], None]:
        def answer(_name: str, data: str) -> None:
            world = self.bench.world
            at_ns = max(world.now_ns, self._free_ns) + 2 * MS

            def arrive() -> None:
                if session.ended is None:
                    session.receive(data, world.now_ns)

            world.at(at_ns, arrive)

        return answer


class Worker(FakeSession):
    """The client whose handler blocks."""

    def __init__(self, server: Server) -> None:
        super().__init__(OPTIONS.clients)
        self._server = server

    def emit(self, event: str, order: dict[str, Any], on_ack: Callable[..., None]) -> None:
        assert (event, order) == (WORK_EVENT, {"work": "block", "amount": OPTIONS.hang_s})
        world = self._server.bench.world
        until_ns = self._server.hang(order["amount"])
        world.at(until_ns, lambda: on_ack([], world.now_ns, world.now_ns))


@pytest.fixture(autouse=True)
def all_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hang, "connect_spread", lambda _bench, _options: None)


def measured(server: Server) -> Measurement:
    (found,) = hang.measure(server.bench, OPTIONS)  # type: ignore[arg-type]
    assert found.metrics.keys() == METRICS.keys()
    return found


def test_who_waits_for_the_handler_and_stays_is_not_dropped(tmp_path: Path) -> None:
    found = measured(Server(tmp_path / "journal"))
    assert (found.metrics["dropped"], found.metrics["dropped_by_server"]) == (0, 0)
    # Asked a twentieth of a second after it began.
    assert found.metrics["answer_max"] == pytest.approx(2952, abs=1)
    assert found.invalid == {}


def test_where_the_handler_holds_nobody_up_answers_are_quick(tmp_path: Path) -> None:
    found = measured(Server(tmp_path / "journal", blocks=False))
    assert found.metrics["answer_max"] == pytest.approx(2)


def test_who_was_the_first_to_give_up_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path / "journal")
    server.leave(0, 5 * SECOND)  # by itself alone
    server.leave(1, 5 * SECOND)  # and the server finds it gone
    server.give_up(1, 6 * SECOND)
    server.give_up(2, 6 * SECOND)  # which its client sees
    server.leave(2, 6 * SECOND + MS)
    found = measured(server)
    assert (found.metrics["dropped"], found.metrics["dropped_by_server"]) == (3, 1)
    assert found.metrics["answer_max"] is None
    assert "had no answer (2)" in found.invalid["answer_max"]
    assert found.notes["dropped"].startswith("heard nothing")


def test_all_that_are_dropped_are_a_result_and_no_failed_trial(tmp_path: Path) -> None:
    server = Server(tmp_path / "journal")
    for number in range(OPTIONS.clients):
        server.leave(number, 5 * SECOND)
    assert measured(server).metrics["dropped"] == OPTIONS.clients


def test_client_that_was_lost_before_is_no_victim_of_the_handler(tmp_path: Path) -> None:
    server = Server(tmp_path / "journal")
    server.leave(0, SECOND)
    with pytest.raises(TrialFailed, match="lost before anything hung: heard nothing"):
        measured(server)


def test_without_a_journal_nothing_is_measured() -> None:
    with pytest.raises(TrialFailed, match="no journal"):
        hang.measure(FakeBench(World(), 5), OPTIONS)  # type: ignore[arg-type]


def test_handler_that_blocks_for_less_than_the_heartbeat_takes_is_refused() -> None:
    with pytest.raises(ExperimentError, match="hang_s is not above ping_timeout_s"):
        parse(HEAD + "hang_s = 2\n", "mine.toml")
