"""Runs the rounds of a calibration: each with a fresh responder and a fresh load generator."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path

from loadtests.generator.calibrate import capabilities
from loadtests.generator.calibrate.capabilities import RESIDENT, CalibrationError
from loadtests.generator.calibrate.plan import BROADCAST, ECHO, Plan
from loadtests.generator.footprint import Footprints
from loadtests.machine import wakeups
from loadtests.machine.cores import Pinning
from loadtests.machine.launch import generating, started
from loadtests.record.calibration import Capability
from loadtests.record.ready import Listening
from loadtests.record.words import Client, Transport
from loadtests.run.experiment import Experiment
from loadtests.run.trial import Assignment, Orders, conduct
from loadtests.scenarios.bench import Outcome, Place, connect_timeout_s
from loadtests.scenarios.errors import TrialFailed

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
RESPONDER = (sys.executable, "-m", "loadtests.generator.responder", "--port=0")
#: Appended: the responder's URL and how many connections; see memory.py.
MEMORY = (sys.executable, "-m", "loadtests.generator.memory")

#: Told what begins now, in a few words.
Teller = Callable[[str], None]


class Manner(StrEnum):
    """How clients speak: as those of trials do, or with one thing less, to see what that costs."""

    USUAL = ""
    UNCOMPRESSED = "without compression"
    LEAN = "without a browser's headers"


#: What is asked over each transport, beside the usual. Headers are of long-polling's every request,
#: and of a WebSocket's first one only; its messages are what is compressed.
LESS = {Transport.POLLING: Manner.LEAN, Transport.WEBSOCKET: Manner.UNCOMPRESSED}

#: Transport, messages per second, and how clients speak.
_Case = tuple[Transport, int, Manner]


class Rounds:
    """All that a calibration measures.

    Args:
        plan: how much.
        folder: for logs; exists.
        pins: cores of responder and generator.
        tell: what begins.
    """

    def __init__(self, plan: Plan, folder: Path, pins: Pinning, tell: Teller) -> None:
        self._plan = plan
        self._folder = folder
        self._pins = pins
        self._tell = tell
        self._spin_ns = wakeups.spin_ns(pins)

    def run(self) -> list[Capability]:
        """Measure everything.

        Raises:
            LaunchError, TrialFailed: a process did not do what it was started for.
            CalibrationError: a round did not give its numbers.
        """
        # Memory last: ten thousand closed connections keep their ports for a minute.
        return [*self._echo(), *self._broadcast()]

    def _echo(self) -> Iterator[Capability]:
        rates = self._plan.rates_hz
        cases = [
            *((transport, rate, Manner.USUAL) for transport in Transport for rate in rates),
            *((transport, rates[-1], manner) for transport, manner in LESS.items()),
        ]
        found: dict[_Case, list[Outcome]] = {case: [] for case in cases}
        for number in range(self._plan.rounds):
            # In turns, so that a machine's drift meets all alike.
            for transport, rate, manner in cases:
                how = _described(transport, manner)
                what = f"echo over {how}, {rate}/s, then the ceiling"
                self._tell(f"round {number + 1} of {self._plan.rounds}: {what}")
                experiment = self._plan.echo(rate, transport)
                name = (
                    f"{number}-echo-{transport}-{rate}{f'-{manner.name.lower()}' if manner else ''}"
                )
                outcome = self._trial(experiment, ECHO, transport, name, manner)
                found[transport, rate, manner].append(outcome)
        for transport in Transport:
            usual = [each for rate in rates for each in found[transport, rate, Manner.USUAL]]
            yield capabilities.ceiling(ECHO, transport, "closed loop", usual)
        for (transport, rate, manner), rounds in found.items():
            if manner is Manner.USUAL:
                yield capabilities.noise_floor(transport, rate, rounds)
        for transport, manner in LESS.items():
            rounds = found[transport, rates[-1], manner]
            load = _described("closed loop", manner)
            yield capabilities.ceiling(ECHO, transport, load, rounds, usual="closed loop")

    def _broadcast(self) -> Iterator[Capability]:
        """The fan-out, then memory, which is compared with that of the fan-out's users."""
        few, users = self._plan.recipients, self._plan.users
        manners = (Manner.USUAL, Manner.UNCOMPRESSED)
        found: dict[Manner, list[Outcome]] = {manner: [] for manner in manners}
        for number in range(self._plan.rounds):
            for manner in manners:
                how = _described("websocket", manner)
                self._tell(
                    f"round {number + 1} of {self._plan.rounds}: fan-out to {few} over {how}"
                )
                name = f"{number}-fan-out{f'-{manner.name.lower()}' if manner else ''}"
                found[manner].append(self._fan_out(few, name, manner))
        usual = f"closed loop, {few} recipients"
        yield capabilities.ceiling(BROADCAST, Transport.WEBSOCKET, usual, found[Manner.USUAL])
        yield capabilities.ceiling(
            BROADCAST,
            Transport.WEBSOCKET,
            _described(usual, Manner.UNCOMPRESSED),
            found[Manner.UNCOMPRESSED],
            usual=usual,
        )
        weighed = None
        if users > few:
            self._tell(f"memory of {users:,} Locust users")
            less = statistics.median(
                each.generator.numbers[RESIDENT] for each in found[Manner.USUAL]
            )
            more = self._fan_out(users, "users").generator.numbers[RESIDENT]
            weighed = (more - less) / (users - few)
        yield from self._idle()
        if weighed is not None:
            yield capabilities.idle_users(users, weighed)

    def _fan_out(self, recipients: int, name: str, manner: Manner = Manner.USUAL) -> Outcome:
        experiment = self._plan.fan_out(recipients)
        return self._trial(experiment, BROADCAST, Transport.WEBSOCKET, name, manner)

    def _trial(
        self,
        experiment: Experiment,
        scenario: str,
        transport: Transport,
        name: str,
        manner: Manner,
    ) -> Outcome:
        log = self._folder / f"{name}-generator.log"
        users = experiment.variant(scenario).clients
        with ExitStack() as stack:
            generator = stack.enter_context(
                generating(users, log=log, core=self._pins.generator, locustfile=LOCUSTFILE)
            )
            responder = stack.enter_context(
                started(
                    "responder",
                    RESPONDER,
                    type=Listening,
                    log=self._folder / f"{name}-responder.log",
                    core=self._pins.server,
                )
            )
            assignment = Assignment(
                scenario=scenario,
                seed=0,
                experiment=experiment,
                outcome=str(self._folder / f"{name}-outcome.json"),
                place=Place(
                    url=responder.url,
                    transport=transport,
                    label=str(self._folder / name),
                    client=Client.LEAN if manner is Manner.LEAN else Client.TRANSPORT_BENCH,
                    compression=manner is not Manner.UNCOMPRESSED,
                ),
                server_pid=responder.ready.pid,
                cell=name,
            )
            orders = Orders([assignment], server_core=self._pins.server, spin_ns=self._spin_ns)
            (came,), interrupt = conduct(orders, generator, log, {name: responder})
        if interrupt is not None:
            raise interrupt
        if isinstance(came, TrialFailed):
            raise came
        outcome = came
        capabilities.check_clients(outcome)
        return outcome

    def _idle(self) -> Iterator[Capability]:
        counts = self._plan.connections
        if not counts:
            return
        self._tell(f"memory of {max(counts):,} sessions")
        with (
            started(
                "responder",
                RESPONDER,
                type=Listening,
                log=self._folder / "idle-responder.log",
                core=self._pins.server,
            ) as responder,
            started(
                "load generator",
                [*MEMORY, responder.url, *map(str, counts)],
                type=Footprints,
                log=self._folder / "idle-generator.log",
                core=self._pins.generator,
                timeout_s=connect_timeout_s(max(counts)),
            ) as generator,
        ):
            found = generator.ready.footprints
        for footprint in found:
            if footprint.shortfall is not None:
                raise CalibrationError(footprint.shortfall)
            yield capabilities.idle_sessions(footprint.connections, footprint.rss_kib)


def _described(what: str, manner: Manner) -> str:
    return f"{what}, {manner}" if manner else what
