"""When a trial's users are all there, or not; and the trials of one load generator together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import msgspec
import pytest

from loadtests.arithmetic.disturbance import Watched
from loadtests.client.session import Session
from loadtests.machine import wakeups, yardstick
from loadtests.machine.watch import Watch
from loadtests.record.results import Measurement
from loadtests.record.words import Transport
from loadtests.run import ensemble as ensemble_module
from loadtests.run.conductor import Conductor, Measure
from loadtests.run.ensemble import Ensemble
from loadtests.run.experiment import parse
from loadtests.run.trial import Assignment, Orders
from loadtests.run.turns import order_of
from loadtests.scenarios.bench import Bench, Outcome, Place
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.turns import in_turns
from tests.support.waiting import PATIENCE_S
from tests.unit.scenarios.pieces import Piece

TEXT = """
name = "test"
[echo]
clients = 4
rate_hz = 10
latency_s = 1
throughput_s = 1
"""

#: A connected session; none of these tests sends anything.
SESSION: Any = SimpleNamespace(ended=None, compressed=True, codings=[])


def assigned(folder: Path, cell: str = "") -> Assignment:
    return Assignment(
        scenario="echo",
        seed=1,
        experiment=parse(TEXT, "test"),
        outcome=str(folder / f"{cell}-outcome.json"),
        place=Place(
            url="http://127.0.0.1:1", transport=Transport.WEBSOCKET, label=str(folder / "trial")
        ),
        cell=cell,
    )


@pytest.fixture
def conductor(tmp_path: Path) -> Conductor:
    return Conductor(assigned(tmp_path), lambda _bench, _options: [])


def outcome_of(conductor: Conductor) -> Outcome:
    """What it has written."""
    written = Path(conductor.assignment.outcome).read_bytes()
    return msgspec.json.decode(written, type=Outcome)


def error_of(conductor: Conductor) -> str | None:
    return outcome_of(conductor).error


# --- one trial


def test_all_are_waited_for_and_each_reason_is_told_once_with_how_often(
    conductor: Conductor,
) -> None:
    conductor.joined(SESSION)
    conductor.failed("connection refused")
    conductor.failed("another reason")
    assert not conductor._settled.is_set()
    conductor.failed("connection refused")
    assert not conductor.gather()
    assert error_of(conductor) == (
        "3 of 4 clients could not connect: connection refused (2 times); another reason"
    )


def test_there_is_a_trial_where_all_have_connected(conductor: Conductor) -> None:
    for _ in range(4):
        conductor.joined(SESSION)
    assert conductor.gather()
    assert not Path(conductor.assignment.outcome).exists()


def test_clients_that_say_nothing_are_not_waited_for_without_end(
    conductor: Conductor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.run.conductor.connect_timeout_s", lambda _clients: 0.01)
    conductor.joined(SESSION)
    assert not conductor.gather()
    assert error_of(conductor) == "1 of 4 clients connected within 0.01 s"


def test_failures_go_before_silence(conductor: Conductor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.run.conductor.connect_timeout_s", lambda _clients: 0.01)
    conductor.failed("connection refused")
    assert not conductor.gather()
    assert error_of(conductor) == "1 of 4 clients could not connect: connection refused"


# --- all trials of a load generator


@pytest.fixture
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done to the process for measuring's sake is not done to the tests'."""
    nothing = SimpleNamespace(collect=lambda: 0, freeze=lambda: None, disable=lambda: None)
    monkeypatch.setattr(ensemble_module, "gc", nothing)
    monkeypatch.setattr(ensemble_module, "_SETTLE_S", 0)
    monkeypatch.setattr(yardstick, "measure_ms", lambda _core: 1.5)
    monkeypatch.setattr(wakeups, "least_timer_slack", lambda: None)
    # Turns that take no time are all disturbance.
    monkeypatch.setattr(Watch, "end", lambda *_: Watched(1.0))


class Playing:
    """Trials that take so many turns, and the order in which they had them."""

    def __init__(self, rounds: int = 4) -> None:
        self.rounds = rounds
        self.had: list[tuple[int, str]] = []
        self.ensemble: Ensemble | None = None
        self.stop_after: tuple[int, str] | None = None
        self.hangs: str | None = None

    def of(self, cell: str) -> Measure:
        def measure(bench: Bench, _options: Any) -> list[Measurement]:
            taken = in_turns(bench, self.rounds, lambda number: self._load(number, cell))
            return [Measurement("echo", {"latency_p50": float(len(taken.pieces))})]

        return measure

    def _load(self, number: int, cell: str) -> Piece:
        self.had.append((number, cell))
        gevent.sleep(0)  # others may run, and must not have their turn
        assert self.had[-1] == (number, cell)
        if (number, cell) == self.stop_after and self.ensemble is not None:
            self.ensemble.stop()
        return Piece()


CELLS = ["a", "b", "c"]


def together(folder: Path, playing: Playing, quits: Callable[[], None]) -> Ensemble:
    """An ensemble of three trials."""
    orders = Orders([assigned(folder, cell) for cell in CELLS], seed=3)
    found = Ensemble(orders, {"echo": playing.of("?")}, quits)
    found.conductors = [Conductor(each, playing.of(each.cell)) for each in orders.assignments]
    playing.ensemble = found
    return found


def join(ensemble: Ensemble, cells: list[str], session: Session = SESSION) -> None:
    """Have all users of some trials connected, and those of the others refused."""
    for conductor in ensemble.conductors:
        for _ in range(conductor.expected):
            if conductor.assignment.cell in cells:
                conductor.joined(session)
            else:
                conductor.failed("connection refused")


def run(ensemble: Ensemble) -> None:
    greenlet = gevent.spawn(ensemble.run)
    greenlet.get(timeout=PATIENCE_S)


def test_users_of_a_trial_come_one_after_the_other(tmp_path: Path) -> None:
    ensemble = together(tmp_path, Playing(), lambda: None)
    assert ensemble.users == 12
    fresh = Ensemble(
        Orders([assigned(tmp_path, cell) for cell in CELLS]),
        {"echo": Playing().of("?")},
        lambda: None,
    )
    found = [fresh.next().assignment.cell for _ in range(12)]
    assert found == ["a"] * 4 + ["b"] * 4 + ["c"] * 4


@pytest.mark.usefixtures("undisturbed")
def test_each_trial_has_its_turn_in_every_round_in_the_rounds_order(tmp_path: Path) -> None:
    playing, quits = Playing(), []
    ensemble = together(tmp_path, playing, lambda: quits.append("quit"))
    join(ensemble, CELLS)
    run(ensemble)
    expected = [(number, cell) for number in range(4) for cell in order_of(CELLS, number, 3)]
    assert expected == playing.had
    assert quits == ["quit"]
    for conductor in ensemble.conductors:
        outcome = outcome_of(conductor)
        assert outcome.error is None
        assert [each.metrics for each in outcome.measurements] == [{"latency_p50": 4.0}]
        assert len(outcome.generator.slices) == 4
        assert (outcome.generator.connections, outcome.generator.yardstick_ms) == (4, 1.5)


@pytest.mark.usefixtures("undisturbed")
def test_a_trial_whose_clients_do_not_connect_leaves_the_others_alone(tmp_path: Path) -> None:
    playing = Playing()
    ensemble = together(tmp_path, playing, lambda: None)
    join(ensemble, ["a", "c"])
    run(ensemble)
    assert {"a", "c"} == {cell for _, cell in playing.had}
    first, refused, last = ensemble.conductors
    assert (error_of(first), error_of(last)) == (None, None)
    assert error_of(refused) == "4 of 4 clients could not connect: connection refused"


def test_where_there_is_no_trial_the_process_ends_all_the_same(tmp_path: Path) -> None:
    quits: list[str] = []
    ensemble = together(tmp_path, Playing(), lambda: quits.append("quit"))
    join(ensemble, [])
    run(ensemble)
    assert quits == ["quit"]


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_interrupted_run_counts_its_whole_rounds_and_no_other(
    tmp_path: Path, place: int
) -> None:
    playing = Playing(rounds=9)
    stop = playing.stop_after = (2, order_of(CELLS, 2, 3)[place])
    ensemble = together(tmp_path, playing, lambda: None)
    join(ensemble, CELLS)
    run(ensemble)
    assert playing.had[-1] == stop, "nobody has a turn afterwards"
    for conductor in ensemble.conductors:
        (found,) = outcome_of(conductor).measurements
        # Who is the last in a round makes it whole.
        assert found.metrics == {"latency_p50": 3.0 if place == 2 else 2.0}


@pytest.mark.usefixtures("undisturbed")
def test_a_run_that_is_interrupted_before_its_first_round_has_measured_nothing(
    tmp_path: Path,
) -> None:
    playing = Playing()
    ensemble = together(tmp_path, playing, lambda: None)
    ensemble.stop()
    join(ensemble, CELLS)
    run(ensemble)
    assert playing.had == []
    for conductor in ensemble.conductors:
        assert error_of(conductor) == "the run was interrupted before the first round was whole"


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TrialFailed("the server answered nothing"), "the server answered nothing"),
        (ProcessLookupError("process 7 is gone"), "the server died during the trial: process 7"),
        (ZeroDivisionError("by zero"), "the load generator broke: ZeroDivisionError: by zero"),
    ],
)
def test_a_trial_that_breaks_in_its_turn_says_why_and_the_others_go_on(
    tmp_path: Path, error: Exception, words: str
) -> None:
    playing = Playing()
    ensemble = together(tmp_path, playing, lambda: None)

    def breaks(bench: Bench, _options: Any) -> list[Measurement]:
        def load(number: int) -> Piece:
            if number == 1:
                raise error
            return Piece()

        in_turns(bench, 4, load)
        raise AssertionError

    ensemble.conductors[1] = Conductor(ensemble.conductors[1].assignment, breaks)
    join(ensemble, CELLS)
    run(ensemble)
    first, broken, last = ensemble.conductors
    assert words in str(error_of(broken))
    for conductor in (first, last):
        assert [each.metrics for each in outcome_of(conductor).measurements] == [
            {"latency_p50": 4.0}
        ]
