"""Rooms: a message reaches those in the room, each once, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.client import packets
from loadtests.record.results import Measurement
from loadtests.run.experiment import ExperimentError, parse
from loadtests.scenarios import rooms
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.rooms import METRICS, MOVES, MOVING, ROWS, SCENARIO, Rooms
from tests.support.present import present
from tests.support.simulation import MS, FakeBench, FakeSession, World

HEAD = 'name = "mine"\nmodes = ["gevent"]\ntransports = ["polling"]\n[rooms]\n'
OPTIONS = Rooms(members=6, sizes=[1, 3, 6])


class House:
    """A server with rooms.

    Attributes:
        bench: of its clients.
        inside: room -> numbers of the sessions in it.
        strays: sessions that get every message, in the room or not.
    """

    def __init__(self, members: int) -> None:
        self.bench = FakeBench(World(), 0)
        self.inside: dict[str, set[int]] = {}
        self.strays: set[int] = set()
        self.bench.sessions = [Guest(self, number) for number in range(members)]

    def deliver(self, room: str, data: str) -> None:
        """A copy to each, 2 ms later."""
        world = self.bench.world
        for number in sorted(self.inside.get(room, set()) | self.strays):
            session = self.bench.sessions[number]
            world.after(2 * MS, lambda session=session: session.receive(data, world.now_ns))  # type: ignore[misc]


class Guest(FakeSession):
    """One client; what it asks for is answered after 1 ms."""

    answers = True

    def __init__(self, house: House, number: int) -> None:
        super().__init__(number)
        self._house = house

    def send(self, packet: bytes, leaves: Any = None) -> None:
        event, message = packets.decode(packet).data
        assert event == "my room event"
        self._house.deliver(message["room"], message["data"])

    def emit(self, event: str, message: dict[str, str]) -> None:
        room = self._house.inside.setdefault(message["room"], set())
        if event == "join":
            room.add(self.number)
        else:
            room.remove(self.number)
        if self.answers:
            world = self._house.bench.world
            world.after(
                MS, lambda: self.handlers["my rooms"]([{"rooms": []}], world.now_ns, world.now_ns)
            )


def measured(house: House, options: Rooms = OPTIONS) -> dict[str, Measurement]:
    found = rooms.measure(house.bench, options)  # type: ignore[arg-type]
    return {each.row: each for each in found}


def test_each_room_is_measured_by_itself() -> None:
    found = measured(House(6))
    assert list(found) == ["rooms:1", "rooms:3", "rooms:6", MOVING]
    for size in OPTIONS.sizes:
        each = found[f"rooms:{size}"]
        assert each.metrics.keys() == METRICS.keys()
        assert each.metrics["last_recipient_p50"] == pytest.approx(2)
        assert [each.metrics[name] for name in ("missing", "duplicate", "stray")] == [0, 0, 0]
        assert each.samples["delivery"] == 24 * size


def test_members_are_those_that_were_to_be() -> None:
    house = House(6)
    measured(house)
    assert house.inside["rooms:3"] == {0, 1, 2}


def test_copy_that_comes_to_a_stranger_is_counted() -> None:
    house = House(6)
    house.strays = {5}
    found = measured(house)
    assert present(found["rooms:3"].metrics["stray"]) >= 24
    assert found["rooms:3"].metrics["missing"] == 0
    assert found["rooms:6"].metrics["stray"] == 0


def test_member_that_gets_nothing_is_missing() -> None:
    house = House(6)
    house.bench.sessions[2].receive = lambda *_: None  # type: ignore[method-assign]
    found = measured(house)
    assert found["rooms:1"].metrics["missing"] == 0
    assert found["rooms:3"].metrics["missing"] == 24


def test_joining_and_leaving_is_as_quick_as_its_answers() -> None:
    moving = measured(House(6))[MOVING]
    assert moving.metrics.keys() == MOVES.keys()
    # Six clients, each of which waits a millisecond for its answer.
    assert moving.metrics["moves"] == pytest.approx(6000, rel=0.02)


def test_answers_to_joining_are_heard_also_where_messages_are_compressed() -> None:
    house = House(6)
    for session in house.bench.sessions:
        session.compressed = True
    assert present(measured(house)[MOVING].metrics["moves"]) > 5000
    assert all(session.gathered is None for session in house.bench.sessions)


def test_joining_that_nobody_answers_any_more_is_no_rate_of_zero() -> None:
    house = House(6)
    sessions = house.bench.sessions

    def fall_silent() -> None:
        for session in sessions:
            session.answers = False  # type: ignore[attr-defined]

    house.bench.world.after(60 * MS, fall_silent)
    moving = measured(house)[MOVING]
    assert moving.metrics["moves"] == 0
    assert moving.invalid["moves"].startswith("no reply came while this was measured")


def test_server_without_rooms_has_failed() -> None:
    house = House(6)
    for session in house.bench.sessions:
        session.answers = False  # type: ignore[attr-defined]
    with pytest.raises(TrialFailed, match=r"0 of 10 joins were answered within 10 s; .* 'join'"):
        measured(house)


def test_rows_are_in_order_and_strangers_last() -> None:
    assert SCENARIO.order is not None
    rows = ["rooms:1", "rooms:30", MOVING, "rooms:x"]
    assert sorted(sorted(rows), key=SCENARIO.order) == rows
    assert ROWS.number_of(MOVING) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("sizes = [5, 2]", "each is above the one before"),
        ("members = 10\nsizes = [11]", "a room of 11 has more than the 10 members"),
        ("rate_hz = 1", "a slice wants"),
    ],
)
def test_what_says_nothing_is_refused_in_one_line(line: str, problem: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        parse(f"{HEAD}{line}\n", "mine.toml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
