"""A trial whose clients are spread comes to the same numbers as one whose clients are here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from loadtests.arithmetic.pacing import ConstantRate, Moments
from loadtests.record.results import Measurement
from loadtests.scenarios import broadcast, echo
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.broadcast import Broadcast
from loadtests.scenarios.crowd import Crowd
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.own_messages import Messages, OwnExchange
from loadtests.scenarios.spread import orders
from loadtests.scenarios.spread.crew import Crew, RemoteGathering, RemoteSession
from loadtests.scenarios.spread.hand import Hand
from loadtests.scenarios.spread.orders import WorkerAnswer, WorkerOrder
from tests.support.simulation import (
    MS,
    SECOND,
    FakeBench,
    FakeSession,
    World,
    broadcasting,
    echoing,
)

CLIENTS = 7
ECHO = Echo(clients=CLIENTS, rate_hz=70, latency_s=1, throughput_s=1, warmup_s=0.1, drain_s=0.4)
BROADCAST = Broadcast(
    recipients=CLIENTS, publishers=3, rate_hz=30, measure_s=1, warmup_s=0.2, drain_s=0.3, rounds=3
)


class Wire:
    """Hands in this process, reached as if they were in others: by bytes."""

    def __init__(self, hands: list[Hand]) -> None:
        self._hands = hands

    @property
    def many(self) -> int:
        return len(self._hands)

    def ask(self, cell: int, asked: Mapping[int, WorkerOrder]) -> dict[int, WorkerAnswer]:
        assert cell == 5
        return {worker: self._answer(worker, order) for worker, order in asked.items()}

    def _answer(self, worker: int, order: WorkerOrder) -> WorkerAnswer:
        there = msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=orders.Every)
        answer = self._hands[worker].carry_out(there)
        return msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=WorkerAnswer)


def spread(serve: Callable[[FakeBench], None], workers: int) -> FakeBench:
    """Equipment whose clients are held by so many workers; 1: they are here."""
    world = World()
    whole = FakeBench(world, CLIENTS)
    serve(whole)
    if workers == 1:
        return whole
    hands = []
    for worker in range(workers):
        there = FakeBench(world, 0)
        there.sessions = whole.sessions[worker::workers]
        hands.append(Hand(there))  # type: ignore[arg-type]
    conducting = FakeBench(world, 0)
    remote = [RemoteSession(which % workers, which // workers) for which in range(CLIENTS)]
    conducting.sessions = remote  # type: ignore[assignment]
    conducting.crew = Crew(Wire(hands), 5, remote)  # type: ignore[assignment]
    return conducting


def fate_of_echoes(session: int, number: int) -> list[int]:
    """Times of many kinds: quick, slow, doubled, and one in forty that never comes."""
    if (session * 31 + number) % 40 == 39:
        return []
    delay_ns = MS * (2 + (session * 7 + number * 3) % 11)
    return [delay_ns, 2 * delay_ns] if number % 13 == 5 else [delay_ns]


def fate_of_copies(publisher: int, number: int, recipient: int) -> list[int]:
    if (publisher + 5 * number + 11 * recipient) % 50 == 49:
        return []
    delay_ns = MS * (1 + (publisher + number * 3 + recipient * 5) % 9)
    return [delay_ns, 3 * delay_ns] if (number + recipient) % 17 == 3 else [delay_ns]


def taken(measure: Any, options: Any, bench: FakeBench) -> tuple[list[Measurement], Any]:
    return measure(bench, options), bench.slices


@pytest.mark.parametrize("workers", [2, 3, CLIENTS, CLIENTS + 2])
@pytest.mark.parametrize(
    ("measure", "options", "serve"),
    [
        (echo.measure, ECHO, lambda bench: echoing(bench, fate_of_echoes)),
        (broadcast.measure, BROADCAST, lambda bench: broadcasting(bench, fate_of_copies)),
    ],
    ids=["echo", "broadcast"],
)
def test_numbers_are_the_same_to_the_last_digit(
    measure: Any, options: Any, serve: Callable[[FakeBench], None], workers: int
) -> None:
    (here,), slices_here = taken(measure, options, spread(serve, 1))
    (there,), slices_there = taken(measure, options, spread(serve, workers))
    assert there == here
    assert slices_there == slices_here
    assert here.samples[next(iter(here.samples))] > 60
    assert here.metrics.get("lost", here.metrics.get("missing")) != 0


def test_end_of_a_session_elsewhere_spoils_the_numbers_as_one_here_does() -> None:
    bench = spread(lambda whole: echoing(whole, fate_of_echoes), 2)
    crew: Any = bench.crew
    crew.workers._hands[1]._bench.sessions[2].ended = "closed by the server"
    measurements = echo.measure(bench, ECHO)  # type: ignore[arg-type]
    ended = [each.ended for each in bench.sessions]
    assert ended == [None, None, None, None, None, "closed by the server", None]
    (distrusted,) = Bench.distrust(bench, measurements)  # type: ignore[arg-type]
    assert "closed by the server (1 of 7)" in distrusted.invalid["latency_p50"]


def test_clients_elsewhere_have_numbers_of_their_own_with_somebodys_own_messages() -> None:
    """Whoever answers to all must not be taken for who answers to one."""
    bench = spread(lambda _whole: None, 2)
    own = Messages(echo=OwnExchange("say", {"text": "{{payload}}"}, answer="said"))
    place = msgspec.structs.replace(bench.place, messages=own)
    crew: Any = bench.crew
    for hand in crew.workers._hands:
        hand._bench.place = place
    crew.echoes(32)
    publishers = [
        client._publisher for hand in crew.workers._hands for client in list(hand._echoes)
    ]
    assert sorted(publishers) == list(range(CLIENTS))


def test_what_goes_wrong_elsewhere_fails_the_trial_in_its_words() -> None:
    class Failing:
        many = 1

        def ask(self, _cell: int, asked: Mapping[int, WorkerOrder]) -> dict[int, WorkerAnswer]:
            return dict.fromkeys(asked, WorkerAnswer(error="a message cannot be unpacked"))

    crew = Crew(Failing(), 0, [RemoteSession(0, 0)])
    with pytest.raises(TrialFailed, match="a message cannot be unpacked"):
        crew.ask({0: orders.Outstanding()})


# --- recipients, more of them and fewer


class Arriving:
    """Clients of a crowd, numbered as they come, of whom some are refused."""

    def __init__(self, whole: FakeBench, refused: set[int]) -> None:
        self._whole = whole
        self._refused = refused

    def connect(self, crowd: Crowd) -> str:
        session = FakeSession(len(self._whole.sessions))
        self._whole.sessions.append(session)
        broadcasting(self._whole, lambda *_: [MS])
        if session.number in self._refused:
            self._whole.sessions.remove(session)
            self._refused.remove(session.number)
            return "refused"
        crowd.sessions.append(session)  # type: ignore[arg-type]
        return ""


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[RemoteGathering, list[Hand]]]:
    def gather(workers: int, refused: set[int] | None = None) -> Any:
        world = World()
        whole = FakeBench(world, 0)
        arriving = Arriving(whole, refused or set())
        monkeypatch.setattr(Crowd, "_connect", lambda crowd: arriving.connect(crowd))
        monkeypatch.setattr("loadtests.scenarios.crowd._located", lambda _bench: None)
        hands = [Hand(FakeBench(world, 0)) for _ in range(workers)]  # type: ignore[arg-type]
        remote: list[RemoteSession] = []
        return RemoteGathering(Crew(Wire(hands), 5, remote), 32), hands, world

    return gather


def heard(gathering: RemoteGathering, world: World) -> tuple[list[list[int]], int]:
    """What a turn of three broadcasts brings: numbers to each recipient, and how many copies."""
    casts = gathering.broadcasts()
    casts.begin([ConstantRate(world.now_ns, 100)], world.now_ns + 25 * MS)
    world.run_until(world.now_ns + 100 * MS)
    progress = casts.progress()
    casts.stop()
    assert (progress.sent, progress.outstanding) == (3, False)
    assert len(casts.published[0].due_ns) >= 3
    return [each.numbers.tolist() for each in casts.received()], progress.copies


@pytest.mark.parametrize("workers", [2, 3])
def test_recipients_are_shared_evenly_as_they_come_and_go(gathered: Any, workers: int) -> None:
    gathering, hands, world = gathered(workers)
    for many in (1, 7, 4):
        assert gathering.become(many) == ""
        each = [len(hand._bench.sessions) for hand in hands]
        assert (sum(each), gathering.there) == (many, many)
        assert max(each) - min(each) <= 1
        numbers, copies = heard(gathering, world)
        assert len(numbers) == many
        assert copies == 3 * many
        assert {tuple(found[-3:]) for found in numbers} == {tuple(numbers[0][-3:])}


def test_when_the_publisher_is_lost_another_publishes_and_all_count_anew(gathered: Any) -> None:
    gathering, hands, world = gathered(2)
    gathering.become(6)
    assert heard(gathering, world)[0] == [[0, 1, 2]] * 6
    hands[0]._bench.sessions[0].ended = "closed by the server"
    assert gathering.lost() == "closed by the server (1 of 6)"
    assert gathering.become(6) == ""
    assert heard(gathering, world)[0] == [[0, 1, 2]] * 6


def test_refusal_by_any_worker_is_told(gathered: Any) -> None:
    gathering, _hands, _world = gathered(2, refused={4})
    assert gathering.become(6) == "refused (2 of 3 are connected)"
    assert gathering.there == 5


@pytest.mark.parametrize("schedule", [ConstantRate(12, 0.1), Moments([3, 2**61])])
def test_schedules_arrive_as_they_were_made(schedule: ConstantRate | Moments) -> None:
    order = orders.OpenLoop([schedule], SECOND)
    there = msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=orders.Every)
    assert there == order
