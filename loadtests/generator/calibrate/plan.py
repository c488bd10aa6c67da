"""What a calibration runs, as experiments of which no file exists."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.record.words import Transport
from loadtests.run.experiment import Experiment, experiment_of
from loadtests.scenarios import broadcast, echo
from loadtests.scenarios.broadcast import Broadcast
from loadtests.scenarios.echo import Echo

#: What is calibrated, as experiments name it.
ECHO, BROADCAST = echo.SCENARIO.name, broadcast.SCENARIO.name

CLIENTS = 40  # as in ``default``
PUBLISHERS = 4
_WARMUP_S = 0.3
#: The slower of the open loops is given longer, for its p99.
_SAMPLES = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done.

    Attributes:
        rounds: how often each is measured, each time by fresh processes.
        seconds: how long each closed loop is measured.
        recipients: of the fan-out.
        connections: how many are idle at the same time when memory is measured.
        users: how many Locust users for the same; not measured where it is not above recipients.
        rates_hz: of the noise floor, messages per second: as in ``default``, and well above.
    """

    rounds: int = 5
    seconds: float = 1.0
    recipients: int = 200
    connections: tuple[int, ...] = (1000, 10_000)
    users: int = 1000
    rates_hz: tuple[int, ...] = (200, 1000)

    def echo(self, rate_hz: float, transport: Transport) -> Experiment:
        """The open loop at a rate, then the closed loop."""
        options = Echo(
            clients=CLIENTS,
            rate_hz=rate_hz,
            latency_s=max(self.seconds, min(_SAMPLES / rate_hz, 3 * self.seconds)),
            throughput_s=self.seconds,
            warmup_s=min(_WARMUP_S, self.seconds),
        )
        return experiment_of("calibration", {ECHO: options}, transports=[transport])

    def fan_out(self, recipients: int) -> Experiment:
        """Broadcast to that many over WebSocket."""
        options = Broadcast(
            recipients=recipients,
            publishers=min(PUBLISHERS, recipients),
            rate_hz=1e6,  # not paced; see loops.measure_fan_out
            measure_s=self.seconds,
            warmup_s=min(_WARMUP_S, self.seconds),
        )
        return experiment_of("calibration", {BROADCAST: options})
