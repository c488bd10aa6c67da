"""Runs an experiment: trial after trial, each with a fresh server and a fresh load generator.

``result.json`` is written anew after every trial, so an interrupted or killed run keeps what it
has measured.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from loadtests import __version__
from loadtests.machine import cores, facts, network
from loadtests.machine.cores import Pinning
from loadtests.machine.launch import (
    SERVE,
    Launched,
    LaunchError,
    RunningServer,
    generating,
    last_words,
    serving,
)
from loadtests.options import SERVER, Disconnect
from loadtests.record import calibration, results
from loadtests.record.results import PlannedTrial, Result, Trial
from loadtests.record.words import Cause, Client, Status, Transport
from loadtests.run.experiment import Experiment, plan
from loadtests.run.feasible import expected_s, longest_s, shortage
from loadtests.run.progress import Estimate, Reporter
from loadtests.run.trial import Assignment, Cable, Outcome
from loadtests.scenarios.disconnect import outage
from loadtests.scenarios.disconnect.hosts import browser
from servers.modes import ADAPTERS

#: Scenarios that read the server's journal, so that they need a server that we started.
NEEDS_JOURNAL = {"disconnect": "the server keeps no journal of disconnects that could be read"}

_TAB_IS_NO_REFERENCE = "a browser's tab has the official JavaScript client"

_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server that is already running, and the name that stands for its mode."""

    url: str
    label: str


class TrialError(Exception):
    """A trial failed; the message is the reason that its rows get."""


class Run:
    """One run of an experiment into a folder.

    Args:
        experiment: narrowed already.
        folder: exists; the result and the logs go there.
        own_server: measured instead of servers of ours, if given.
        server_command: what starts a server of ours; see ``launch.serving``.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: Path,
        own_server: OwnServer | None = None,
        server_command: Sequence[str] = SERVE,
    ) -> None:
        self._experiment = experiment
        self._folder = folder
        self._own_server = own_server
        self._server_command = server_command
        self._pins = cores.pinning()
        if own_server is not None:
            self._pins = Pinning(
                None, self._pins.generator, "the server was not started by this run"
            )
        self._plan = plan(experiment)
        self._environment = facts.describe(self._pins)
        self._calibration, note = calibration.for_run(self._environment, __version__)
        if note is not None:
            self._environment["calibration"] = note
        self._trials: list[Trial] = []
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._begun = time.monotonic()
        (folder / "logs").mkdir(exist_ok=True)

    def run(self, reporter: Callable[[int], Any]) -> Result:
        """Run every trial that is planned, or as many as there is time for until Ctrl-C.

        Args:
            reporter: given the number of trials, a context manager that gives a Reporter.
        """
        result = self._write("running")
        ended = "interrupted"
        try:
            with cores.staying_off(self._pins.server), reporter(len(self._plan)) as told:
                self._run_all(told)
            ended = "complete"
        except KeyboardInterrupt:
            pass
        finally:
            result = self._write(ended)
        return result

    def _run_all(self, told: Reporter) -> None:
        estimate = Estimate(
            [expected_s(self._experiment, each.scenario, each.variant) for each in self._plan]
        )
        for planned in self._plan:
            told.began(planned, estimate.left_s(len(self._trials)))
            trial = self._run_one(planned)
            self._trials.append(trial)
            self._write("running")
            told.ended(planned, trial)

    def _run_one(self, planned: PlannedTrial) -> Trial:
        begun = time.monotonic()
        name = _file_name(planned)
        log = self._folder / "logs" / f"{name}-server.log"
        status, reason = Status.OK, None
        server: dict[str, Any] = {}
        outcome = Outcome()
        if self._own_server is not None and planned.scenario in NEEDS_JOURNAL:
            status, reason = Status.UNAVAILABLE, NEEDS_JOURNAL[planned.scenario]
        elif (lack := self._lack(planned)) is not None:
            status, reason = Status.UNAVAILABLE, lack
        else:
            try:
                server, outcome = self._measure(planned, name, log)
            except (LaunchError, TrialError) as error:
                status, reason = Status.FAILED, str(error)
        return Trial(
            number=planned.number,
            status=status,
            reason=reason,
            server_log=f"logs/{log.name}" if log.exists() else None,
            started_s=begun - self._begun,
            seconds=time.monotonic() - begun,
            server=server,
            generator=outcome.generator,
            measurements=outcome.measurements,
        )

    def _measure(
        self, planned: PlannedTrial, name: str, log: Path
    ) -> tuple[dict[str, Any], Outcome]:
        if planned.variant == SERVER:
            return self._measure_outage(planned, name)
        logs = self._folder / "logs"
        journal = logs / f"{name}-journal.jsonl"
        missing = self._missing(planned)
        users = self._experiment.in_generator(planned.scenario, planned.variant)
        with ExitStack() as stack:
            wires = None
            if Cause.CUT in self._causes(planned) and Cause.CUT not in missing:
                try:
                    wires = stack.enter_context(network.isolated(log=logs / f"{name}-network.log"))
                except LaunchError as error:  # it costs the one row, not the others
                    missing[Cause.CUT] = str(error)
            inside = wires.outer if wires is not None else ()
            # Both start at the same time, on their own cores; the generator waits for its work.
            generator_log = logs / f"{name}-generator.log"
            generator = stack.enter_context(
                generating(users, log=generator_log, core=self._pins.generator, prefix=inside)
            )
            server = None
            if self._own_server is None:
                host = wires.address if wires is not None else None
                server = stack.enter_context(
                    self._serve(planned, log, journal, host=host, prefix=inside)
                )
            assignment = self._assignment(planned, server, journal, logs / f"{name}-outcome.json")
            if wires is not None:
                cable = Cable(prefix=wires.inner, interface=wires.interface)
                assignment = msgspec.structs.replace(assignment, cable=cable)
            assignment = msgspec.structs.replace(assignment, missing=missing)
            outcome = self.conduct(assignment, generator, generator_log, server)
            return (msgspec.to_builtins(server.ready) if server is not None else {}), outcome

    def _measure_outage(self, planned: PlannedTrial, name: str) -> tuple[dict[str, Any], Outcome]:
        disconnect = self._experiment.disconnect
        assert disconnect is not None
        assert disconnect.server is not None
        try:
            return outage.measure(
                disconnect.server,
                mode=planned.mode,
                transport=planned.transport,
                seed=self._seed(planned),
                serve=lambda port, log, journal: self._serve(planned, log, journal, port=port),
                folder=self._folder / "logs",
                name=name,
                core=self._pins.generator,
            )
        except outage.OutageError as error:
            raise TrialError(str(error)) from error

    def _lack(self, planned: PlannedTrial) -> str | None:
        """Why a trial cannot run here, or not in its mode."""
        clients = self._experiment.connections(planned.scenario, planned.variant)
        if self._own_server is None:
            mode = ADAPTERS[planned.mode].MODE
            if missing := mode.missing():
                return missing
            most = mode.most_connections
            # A polling client keeps two: a waiting GET, and POSTs beside it.
            needed = clients * (2 if planned.transport is Transport.POLLING else 1)
            if most is not None and needed > most:
                return (
                    f"{planned.mode} takes {most:,} connections at the same time, and {clients:,} "
                    f"clients have {needed:,}"
                )
        return shortage(self._experiment, planned.scenario, planned.variant)

    def _causes(self, planned: PlannedTrial) -> list[Cause]:
        options = self._experiment.options(planned.scenario, planned.variant)
        return options.causes if isinstance(options, Disconnect) else []

    def _missing(self, planned: PlannedTrial) -> dict[Cause, str]:
        """Why clients cannot go in some ways here."""
        found = {}
        for cause in self._causes(planned):
            why = None
            if cause is Cause.CUT:
                why = network.unavailable()
            elif cause is Cause.TAB and planned.client is Client.REFERENCE:
                why = _TAB_IS_NO_REFERENCE
            elif cause is Cause.TAB:
                why = browser.unavailable() or browser.too_many(self._tab_clients(planned))
            if why is not None:
                found[cause] = why
        return found

    def _tab_clients(self, planned: PlannedTrial) -> int:
        options = self._experiment.options(planned.scenario, planned.variant)
        assert isinstance(options, Disconnect)
        return options.clients * sum(row.cause is Cause.TAB for row in options.departing)

    def _serve(self, planned: PlannedTrial, log: Path, journal: Path, **more: Any) -> Any:
        heartbeat: Any = self._experiment.server
        if planned.scenario == "disconnect" and (disconnect := self._experiment.disconnect):
            heartbeat = (
                disconnect.server if planned.variant == SERVER else disconnect.of(planned.variant)
            )
        return serving(
            planned.mode,
            ping_interval_s=heartbeat.ping_interval_s,
            ping_timeout_s=heartbeat.ping_timeout_s,
            log=log,
            journal=journal,
            core=self._pins.server,
            command=self._server_command,
            **more,
        )

    def _seed(self, planned: PlannedTrial) -> int:
        return random.Random(f"{self._experiment.seed}/{planned.number}").getrandbits(32)

    def _assignment(
        self, planned: PlannedTrial, server: RunningServer | None, journal: Path, outcome: Path
    ) -> Assignment:
        url = server.url if server is not None else self._own_server.url  # type: ignore[union-attr]
        return Assignment(
            scenario=planned.scenario,
            transport=planned.transport,
            url=url,
            server_core=None if server is None else self._pins.server,
            server_pid=None if server is None else server.ready.pid,
            journal=None if server is None else str(journal),
            seed=self._seed(planned),
            experiment=self._experiment,
            outcome=str(outcome),
            client=planned.client,
            variant=planned.variant,
            websocket=None if server is None else server.ready.websocket,
        )

    @staticmethod
    def conduct(
        assignment: Assignment,
        generator: subprocess.Popen[bytes],
        generator_log: Path,
        server: Launched[Any] | None,
    ) -> Outcome:
        """Give the generator its work and wait for the outcome, as long as all are alive.

        Raises:
            TrialError: one of them died, was not done in time, or had something to complain of.
        """
        assert generator.stdin is not None
        try:
            generator.stdin.write(msgspec.json.encode(assignment) + b"\n")
            generator.stdin.flush()
        except BrokenPipeError:
            pass  # it has died already; its log says why, see below
        limit_s = longest_s(assignment.experiment, assignment.scenario, assignment.variant)
        give_up = time.monotonic() + limit_s
        outcome = Path(assignment.outcome)
        while generator.poll() is None:
            if server is not None and server.process.poll() is not None:
                raise TrialError(
                    f"the server died during the trial (code {server.process.returncode}): "
                    f"{last_words(server.log)}; its log: {server.log}"
                )
            if time.monotonic() > give_up:
                raise TrialError(
                    f"the load generator was not done after {limit_s:.0f} s; "
                    f"its log: {generator_log}"
                )
            time.sleep(_LOOK_S)
        if not outcome.exists():
            raise TrialError(
                f"the load generator ended with code {generator.returncode}: "
                f"{last_words(generator_log)}; its log: {generator_log}"
            )
        found = msgspec.json.decode(outcome.read_bytes(), type=Outcome)
        outcome.unlink()
        if found.error is not None:
            logs = f"logs: {generator_log}" + (f", {server.log}" if server else "")
            raise TrialError(f"{found.error}; {logs}")
        return found

    def _write(self, ended: str) -> Result:
        result = Result(
            format=results.FORMAT,
            version=__version__,
            started=self._started,
            ended=ended,
            seconds=time.monotonic() - self._begun,
            experiment=msgspec.to_builtins(self._experiment),
            environment=self._environment,
            plan=self._plan,
            trials=self._trials,
            calibration=self._calibration,
        )
        results.write(result, self._folder)
        return result


def _file_name(planned: PlannedTrial) -> str:
    parts = [f"{planned.number:03}", planned.scenario, planned.mode, planned.transport]
    if planned.client is not Client.TRANSPORT_BENCH:
        parts.append(planned.client)
    if planned.variant:
        parts.append(planned.variant.replace("/", "-").replace(":", "-"))
    return "-".join(parts)
