"""What the load generator's process loads to be calibrated: a trial's users, other measures.

Everything between the socket and the sample is a trial's own: the same Locust process, users,
sessions, conductor and echo loops.
"""

from __future__ import annotations

from loadtests.generator.calibrate import loops
from loadtests.run import assigned
from loadtests.run.bench_user import BenchUser

__all__ = ["BenchUser"]

assigned.listen(loops.MEASURES)
