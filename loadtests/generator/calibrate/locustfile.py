"""What the load generator's process loads to be calibrated: a trial's locustfile, other measures.

Everything between the socket and the sample is a trial's own: the same Locust process, users,
sessions, conductor and echo loops.
"""

from __future__ import annotations

from loadtests.generator.calibrate import loops
from loadtests.locustfile import BenchUser
from loadtests.run import conductor

__all__ = ["BenchUser"]

conductor.MEASURE |= {"echo": loops.measure_echo, "broadcast": loops.measure_fan_out}
