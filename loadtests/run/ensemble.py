"""The trials of one load generator together: users come, servers take turns, and all end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import gevent

from loadtests.client.alarm import Alarm
from loadtests.machine import scheduling, wakeups, yardstick
from loadtests.machine.cores import own_cores
from loadtests.machine.watch import Watch
from loadtests.run.conductor import Conductor, Measure, Stand
from loadtests.run.spreading import spawned
from loadtests.run.trial import Orders
from loadtests.run.turns import Keeper
from loadtests.run.workers import LocustWorkers

if TYPE_CHECKING:
    from locust.runners import MasterRunner

_SETTLE_S = 0.1  # what the connecting itself set off


class Ensemble:
    """The trials of one load generator, whose servers take turns.

    Args:
        orders: what to do.
        measures: scenario -> what takes its measurements.
        quit_locust: called at the end, however it ended.
        runner: Locust's, where that is the master of others that hold the clients.
    """

    def __init__(
        self,
        orders: Orders,
        measures: Mapping[str, Measure],
        quit_locust: Callable[[], None],
        runner: MasterRunner | None = None,
    ) -> None:
        self._orders = orders
        self._quit_locust = quit_locust
        wakeups.least_timer_slack()
        if orders.spin_ns:  # so no server is on this core
            scheduling.go_ahead()
        self._alarm = Alarm(orders.spin_ns)
        together = sum(each.variant.in_generator for each in orders.assignments)
        self.workers = (
            None if runner is None else LocustWorkers(runner, orders, self._came, self._ended)
        )
        self.conductors = [
            Conductor(
                each,
                measures[each.scenario],
                together,
                lambda: self._alarm.spun_ns,
                self.workers,
                cell,
            )
            for cell, each in enumerate(orders.assignments)
        ]
        # Users are spawned one after the other: those of a trial come together.
        self._calls = iter(
            [conductor for conductor in self.conductors for _ in range(conductor.expected)]
        )
        self._keeper: Keeper | None = None
        self._stopped = False

    @property
    def users(self) -> int:
        """How many are to be spawned."""
        expected = [conductor.expected for conductor in self.conductors]
        return sum(expected) if self.workers is None else spawned(expected, self._orders.generators)

    def next(self) -> Conductor:
        """Whose trial the next user belongs to."""
        return next(self._calls)

    def begin(self) -> None:
        """Locust is about to spawn the users."""
        if self.workers is not None:
            self.workers.begin()
        gevent.spawn(self.run)

    def _came(self, cell: int, worker: int, compressed: bool, failure: str) -> None:
        conductor = self.conductors[cell]
        if failure:
            conductor.failed(failure)
        else:
            conductor.joined_elsewhere(worker, compressed=compressed)

    def _ended(self, cell: int, worker: int, ended: list[tuple[int, str]]) -> None:
        crew = self.conductors[cell].crew
        assert crew is not None
        crew.heard(worker, ended)

    def stop(self) -> None:
        """End the present turn and give no more: the run is interrupted."""
        self._stopped = True
        if self._keeper is not None:
            self._keeper.stop()

    def run(self) -> None:
        """All trials, in a greenlet of its own."""
        try:
            gathering = [gevent.spawn(each.gather) for each in self.conductors]
            gevent.joinall(gathering)
            there = [
                conductor
                for conductor, gathered in zip(self.conductors, gathering, strict=True)
                if gathered.value
            ]
            if there:
                self._measure(there)
        finally:  # a full disk is told by the log, not by waiting
            self._alarm.close()
            self._quit_locust()

    def _measure(self, conductors: Sequence[Conductor]) -> None:
        orders = self._orders
        yardstick_ms = yardstick.measure_ms(orders.server_core)
        gevent.sleep(_SETTLE_S)
        # A collection's pause would be charged to the server. Raw times make no cycles.
        gc.collect()
        gc.freeze()
        gc.disable()
        helpers = conductors[0].meter.helpers
        cores = own_cores().union(*helpers.values())
        servers = {each.assignment.cell: each.meter.server_ns for each in conductors}
        watch = Watch(orders.server_core, cores, servers, helpers)
        keeper = self._keeper = Keeper(
            orders.seed,
            watch,
            orders.begun_ns,
            at_once=orders.at_once,
            absent_ns=(lambda: 0) if self.workers is None else self.workers.absent_ns,
        )
        if self._stopped:
            keeper.stop()
        if orders.server_core is not None:
            cores = cores | {orders.server_core}
        measuring = []
        for each in conductors:
            seat = keeper.seat(each.assignment.cell)
            stand = Stand(self._alarm, each.meter, seat, yardstick_ms, cores)
            measuring.append(gevent.spawn(each.measure, stand))
        gevent.spawn(keeper.run)
        gevent.joinall(measuring)
