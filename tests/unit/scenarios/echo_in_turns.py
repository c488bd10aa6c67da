"""An echo of three rounds whose turns have others' turns between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from loadtests.arithmetic.disturbance import Disturbance
from loadtests.record.results import Measurement
from loadtests.scenarios import echo
from loadtests.scenarios.echo import Echo
from loadtests.scenarios.turns import Lone, Turn
from tests.support.simulation import MS, FakeBench, Fate, World, echoing

#: Each of three rounds sends 20 messages, 50 ms apart, in a turn of the open loop, and has two of
#: the closed one, of a tenth of a second each; the first of either is warmed up by 100 ms, the
#: others by 50.
OPTIONS = Echo(
    clients=2,
    rate_hz=20,
    latency_s=3,
    throughput_s=0.6,
    warmup_s=0.1,
    settle_s=0.05,
    drain_s=0.2,
    rounds=3,
)


class Others(Lone):
    """Turns with a pause between them, in which others have theirs."""

    def __init__(self, world: World, pause_ns: int, disturbed: Collection[int] = ()) -> None:
        super().__init__()
        self._world = world
        self._pause_ns = pause_ns
        self._disturbed = disturbed

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        with super().turn() as turn:
            yield turn
        if turn.number in self._disturbed:
            turn.disturbance = Disturbance("the load generator stood still (for 1 s)")
        self._world.run_until(self._world.now_ns + self._pause_ns)


def measured(world: World, fate: Fate, options: Echo = OPTIONS, pause_ns: int = 0) -> Measurement:
    bench = FakeBench(world, options.clients)
    bench.turns = Others(world, pause_ns)
    echoing(bench, fate)
    [found] = echo.measure(bench, options)  # type: ignore[arg-type]
    return found


def at_once(_session: int, _number: int) -> list[int]:
    return [MS]
