"""A trial from the runner's side: what the load generator is told, and waiting for its answer.

The assignment goes to the Locust process as one line of JSON on its standard input, once the server
is verified; the outcome comes back as a file.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec

from loadtests.machine.launch import Launched, RunningServer, last_words
from loadtests.run.experiment import Experiment
from loadtests.scenarios.bench import Outcome, Place, TrialFailed
from loadtests.scenarios.scenario import Variant

_LOOK_S = 0.02


class Assignment(msgspec.Struct, frozen=True):
    """One trial for one load generator.

    Attributes:
        scenario: whose options are in ``experiment``; its variant is the place's.
        seed: for what is random in the trial.
        experiment: as it is run.
        outcome: path of the file to write.
        place: where the trial takes place.
        server_core: where the server is pinned; None where it is not, or is not ours.
        server_pid: of a server on this host that we started, for its CPU and memory; else None.
    """

    scenario: str
    seed: int
    experiment: Experiment
    outcome: str
    place: Place
    server_core: int | None = None
    server_pid: int | None = None

    @property
    def variant(self) -> Variant:
        """The kind of trial that this is."""
        return self.experiment.variant(self.scenario, self.place.variant)


def conduct(
    assignment: Assignment,
    generator: subprocess.Popen[bytes],
    generator_log: Path,
    server: Launched[Any] | None,
) -> Outcome:
    """Give the generator its work and wait for the outcome, as long as all are alive.

    Raises:
        TrialFailed: one of them died, was not done in time, or had something to complain of.
    """
    assert generator.stdin is not None
    try:
        generator.stdin.write(msgspec.json.encode(assignment) + b"\n")
        generator.stdin.flush()
    except BrokenPipeError:
        pass  # it has died already; its log says why, see below
    limit_s = assignment.variant.longest_s
    give_up = time.monotonic() + limit_s
    while generator.poll() is None:
        _check(server)
        if time.monotonic() > give_up:
            raise TrialFailed(
                f"the load generator was not done after {limit_s:.0f} s; its log: {generator_log}"
            )
        time.sleep(_LOOK_S)
    _check(server)  # it may be why the generator ended
    outcome = Path(assignment.outcome)
    if not outcome.exists():
        raise TrialFailed(
            f"the load generator ended with code {generator.returncode}: "
            f"{last_words(generator_log)}; its log: {generator_log}"
        )
    found = msgspec.json.decode(outcome.read_bytes(), type=Outcome)
    outcome.unlink()
    if found.error is not None:
        logs = f"logs: {generator_log}" + (f", {server.log}" if server else "")
        raise TrialFailed(f"{found.error}; {logs}")
    return found


def _check(server: RunningServer | None) -> None:
    if server is not None and server.process.poll() is not None:
        raise TrialFailed(
            f"the server died during the trial (code {server.process.returncode}): "
            f"{last_words(server.log)}; its log: {server.log}"
        )
