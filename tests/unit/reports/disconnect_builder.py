"""Synthetic disconnects: clients that go as python-engineio's rules say, and some that do not.

``python -m tests.unit.reports.disconnect_builder FOLDER`` writes a run to look at.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy

from loadtests.record.generator_facts import GeneratorFacts
from loadtests.record.results import (
    Detection,
    Measurement,
    PlannedTrial,
    Reconnection,
    Result,
    Trial,
    Window,
    write,
)
from loadtests.record.words import Cause, Transport
from loadtests.scenarios.disconnect import windows
from loadtests.scenarios.disconnect.rows import DepartureRow, Official, Outage, OutageRow
from loadtests.scenarios.disconnect.windows import Situation
from reports.summary import Summary, summarise
from tests.unit.reports.builder import (
    ENVIRONMENT,
    MODES,
    TRANSPORTS,
    measurement,
    metrics,
    planned,
    ran,
    result,
)

WEBSOCKETS = {"eventlet": "eventlet", "gevent": "simple-websocket", "threading": "simple-websocket"}
CPU_US = {
    ("eventlet", Transport.POLLING): 410.0,
    ("gevent", Transport.POLLING): 520.0,
    ("threading", Transport.POLLING): 930.0,
    ("eventlet", Transport.WEBSOCKET): 190.0,
    ("gevent", Transport.WEBSOCKET): 170.0,
    ("threading", Transport.WEBSOCKET): 310.0,
}
BUSY_HZ = 4.0
NO_CHROMIUM = "no Chromium was found: playwright install chromium"


class Faults(msgspec.Struct, frozen=True):
    """What goes wrong in every trial for clients of these row names, and in how many of them.

    Attributes:
        late, missed, twice: row name -> clients.
        unavailable: cause -> why it could not be measured.
    """

    late: Mapping[str, int] = {}
    missed: Mapping[str, int] = {}
    twice: Mapping[str, int] = {}
    unavailable: Mapping[Cause, str] = {}


USUAL = Faults(
    late={"disconnect:freeze": 2, "disconnect:kill": 1},
    missed={"disconnect:cut": 3},
    twice={"disconnect:reset:busy": 1},
    unavailable={Cause.TAB: NO_CHROMIUM},
)


def disconnects(
    *,
    heartbeat: tuple[float, float] = (1, 1),
    sweep: Sequence[str] = ("10/5", "10/5:10", "10/5:100", "10/5:1000", "2/2"),
    server: bool = True,
    busy: bool = True,
    causes: Sequence[Cause] = tuple(Cause),
    clients: int = 20,
    blocks: int = 1,
    modes: Sequence[str] = MODES,
    transports: Sequence[Transport] = TRANSPORTS,
    faults: Faults = USUAL,
    seed: int = 1,
) -> Result:
    """A run of the disconnect scenario alone."""
    random = numpy.random.default_rng(seed)
    plan: list[PlannedTrial] = []
    trials: list[Trial] = []
    for block in range(blocks):
        for variant in ("", *sweep, *(["server"] if server else [])):
            for mode in modes:
                for transport in transports:
                    made = _Maker(random, mode, transport, clients, faults)
                    found = made.variant(variant, heartbeat, causes, busy=busy)
                    number = len(plan)
                    rows = [one.row for one in found]
                    plan.append(
                        PlannedTrial(
                            number, block, "disconnect", mode, transport, rows, variant=variant
                        )
                    )
                    ready = {"mode": mode, "websocket": WEBSOCKETS.get(mode, "simple-websocket")}
                    says = GeneratorFacts(arrival_clock="kernel", connections=241)
                    trials.append(ran(number, *found, server=ready, generator=says))
    interval, timeout = heartbeat
    options = {"clients": clients, "ping_interval_s": interval, "ping_timeout_s": timeout}
    return result(
        plan,
        trials,
        environment=ENVIRONMENT,
        experiment={
            "name": "disconnects",
            "description": "synthetic test data, measured nowhere",
            "disconnect": options | {"busy_hz": BUSY_HZ, "blocks": blocks},
        },
    )


class _Maker:
    """Makes the measurements of one trial."""

    def __init__(
        self,
        random: numpy.random.Generator,
        mode: str,
        transport: Transport,
        clients: int,
        faults: Faults,
    ) -> None:
        self.random = random
        self.mode = mode
        self.transport = transport
        self.clients = clients
        self.faults = faults

    def variant(
        self, name: str, main: tuple[float, float], causes: Sequence[Cause], *, busy: bool
    ) -> list[Measurement]:
        if name == "server":
            return [self.outage(OutageRow(one, who)) for one in Outage for who in Official]
        if not name:
            rows = [DepartureRow(one, b) for one in causes for b in ([False, True][: 1 + busy])]
            return [self.departure(row, *main, 200) for row in rows]
        pair, _, connections = name.partition(":")
        interval, timeout = map(float, pair.split("/"))
        row = DepartureRow(Cause.FREEZE, setting=name)
        return [self.departure(row, interval, timeout, int(connections or 21))]

    def departure(
        self, row: DepartureRow, interval: float, timeout: float, connections: int
    ) -> Measurement:
        name = str(row)
        why = self.faults.unavailable.get(row.cause)
        if why is not None:
            empty = dict.fromkeys(metrics(name))
            return Measurement(name, empty, unavailable=dict.fromkeys(empty, why))
        clients = min(self.clients, connections - 1)
        situation = Situation(
            transport=self.transport,
            cause=row.cause,
            ping_interval_s=interval,
            ping_timeout_s=timeout,
            websocket=WEBSOCKETS.get(self.mode, "simple-websocket"),
            connections=connections,
            leaving=clients,
            sent_every_s=1 / BUSY_HZ if row.busy else None,
        )
        window = windows.window(situation)
        found = [self.detection(name, situation, window, i) for i in range(clients)]
        times = [one.detected_s for one in found if one.detected_s is not None]
        missed = len(found) - len(times)
        cpu = CPU_US.get((self.mode, self.transport), 300.0) * self.random.normal(1, 0.05)
        outside = sum(
            one.detected_s is not None
            and one.expected is not None
            and windows.is_outside(one.detected_s, one.reason, one.expected)
            for one in found
        )
        return Measurement(
            row=name,
            metrics=metrics(
                name,
                detection_min=min(times),
                detection_p50=float(numpy.median(times)),
                detection_max=max(times),
                undetected=float(missed),
                outside=float(outside),
                repeated=float(sum(one.calls > 1 for one in found)),
                server_cpu=cpu,
            ),
            invalid={"detection_max": f"clients were not noticed ({missed})"} if missed else {},
            samples={"detection": len(times)},
            detections=found,
            expected=window,
        )

    def detection(self, row: str, situation: Situation, window: Window, number: int) -> Detection:
        """One client, at a phase of its heartbeat, within its own window but for the faults."""
        gone_s = float(self.random.uniform(0, situation.ping_interval_s))
        if number < self.faults.missed.get(row, 0):
            return Detection(gone_s, None, None, silent_s=None, expected=window)
        silent_s = float(self.random.uniform(0, situation.ping_interval_s))
        own = windows.window_at(situation, silent_s)
        usual_s = situation.ping_timeout_s + 0.0015
        sent_s = situation.sent_every_s
        longest_s = own.earliest_s + (usual_s if sent_s is None else sent_s)
        took_s = float(self.random.uniform(own.earliest_s, min(own.latest_s, longest_s)))
        if own.latest_s < 0.01:
            took_s = float(self.random.gamma(4.0, 0.0006))
        if number >= self.clients - self.faults.late.get(row, 0):
            took_s = own.latest_s + 0.4 + 0.3 * float(self.random.random())
        calls = 2 if number < self.faults.twice.get(row, 0) else 1
        return Detection(
            gone_s, took_s, own.reasons[number % len(own.reasons)], silent_s, own, calls
        )

    def outage(self, row: OutageRow) -> Measurement:
        """Clients whose server goes: they notice a kill at once and a freeze by their heartbeat."""
        frozen = row.outage is Outage.FREEZE
        window = Window(2.0, 4.0, ["ping timeout"]) if frozen else Window(0, 0, ["transport close"])
        found = []
        for number in range(self.clients):
            took_s = float(self.random.uniform(2, 4) if frozen else self.random.gamma(4.0, 0.002))
            back_s = float(self.random.uniform(0.3, 5.5))
            lost = row.client is Official.PYTHON and row.outage is Outage.RESTART and number == 0
            found.append(Reconnection(took_s, window.reasons[0], None if lost else back_s))
        noticed = [one.noticed_s for one in found if one.noticed_s is not None]
        back = [one.reconnected_s for one in found if one.reconnected_s is not None]
        numbers: dict[str, Any] = {
            f"{name}_{key}": float(numpy.percentile(times, quantile))
            for name, times in (("noticed", noticed), ("reconnected", back))
            for key, quantile in (("p50", 50), ("p95", 95), ("max", 100))
        }
        return Measurement(
            str(row),
            metrics(
                str(row),
                unnoticed=0.0,
                outside=0.0,
                not_reconnected=float(len(found) - len(back)),
                **numbers,
            ),
            reconnections=found,
            expected=window,
        )


def gone(
    *detections: Detection, row: str = "disconnect:kill", window: Window | None = None
) -> Summary:
    """One cell with these clients."""
    found = msgspec.structs.replace(measurement(row), detections=list(detections), expected=window)
    return summarise(result([planned(0, row)], [ran(0, found)]))


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(disconnects(), folder)


if __name__ == "__main__":
    main()
