"""Carries out one trial: a fresh server, a fresh load generator, both on cores of their own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from loadtests.machine import cores
from loadtests.machine.cores import Pinning
from loadtests.machine.launch import SERVE, LaunchError, RunningServer, generating, serving
from loadtests.record.results import PlannedTrial
from loadtests.record.words import Client, Transport
from loadtests.run.experiment import Experiment
from loadtests.run.feasible import shortage
from loadtests.run.trial import Assignment, conduct
from loadtests.scenarios.bench import Outcome, Place, Site, Stage, TrialFailed
from loadtests.scenarios.scenario import Variant
from servers.modes import ADAPTERS


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server that is already running, and the name that stands for its mode."""

    url: str
    label: str


class Executor(Protocol):
    """What a run has its trials carried out by."""

    @property
    def pins(self) -> Pinning:
        """Where servers and generators run."""

    def lack(self, planned: PlannedTrial) -> str | None:
        """Why a trial cannot run here, or not in its mode; None where it can."""

    def measure(self, planned: PlannedTrial) -> tuple[dict[str, Any], Outcome]:
        """Carry out a trial.

        Returns:
            The READY line of its server, empty where that is not ours, and what came of it.

        Raises:
            TrialFailed: the message is the reason that its rows get.
        """

    def server_log(self, planned: PlannedTrial) -> Path:
        """Where its server's log is, if it has one."""


class ProcessExecutor:
    """Has trials carried out by real processes.

    Args:
        experiment: narrowed already.
        folder: of the run; the logs go into ``logs`` there.
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
        self._logs = folder / "logs"
        self._own_server = own_server
        self._server_command = server_command
        self.pins = cores.pinning()
        if own_server is not None:
            generator = self.pins.generator
            self.pins = Pinning(None, generator, "the server was not started by this run")

    def server_log(self, planned: PlannedTrial) -> Path:
        """See Executor."""
        return self._file(planned, "server.log")

    def lack(self, planned: PlannedTrial) -> str | None:
        """See Executor."""
        variant = self._variant(planned)
        if self._own_server is not None:
            return variant.scenario.needs_journal or shortage(variant.clients)
        mode = ADAPTERS[planned.mode].MODE
        if missing := mode.missing():
            return missing
        # A polling client keeps two: a waiting GET, and POSTs beside it.
        needed = variant.clients * (2 if planned.transport is Transport.POLLING else 1)
        if mode.most_connections is not None and needed > mode.most_connections:
            return (
                f"{planned.mode} takes {mode.most_connections:,} connections at the same time, and "
                f"{variant.clients:,} clients have {needed:,}"
            )
        return shortage(variant.clients)

    def measure(self, planned: PlannedTrial) -> tuple[dict[str, Any], Outcome]:
        """See Executor."""
        self._logs.mkdir(exist_ok=True)
        variant = self._variant(planned)
        try:
            if variant.scenario.conduct is not None:
                return variant.scenario.conduct(self._stage(planned, variant), variant.options)
            return self._generate(planned, variant)
        except LaunchError as error:
            raise TrialFailed(str(error)) from error

    def _generate(self, planned: PlannedTrial, variant: Variant) -> tuple[dict[str, Any], Outcome]:
        log = self._file(planned, "generator.log")
        with ExitStack() as stack:
            place = variant.scenario.place(variant.options, planned.client, self._label(planned))
            site = stack.enter_context(place)
            # Both start at the same time, on their own cores; the generator waits for its work.
            generator = stack.enter_context(
                generating(
                    variant.in_generator, log=log, core=self.pins.generator, prefix=site.prefix
                )
            )
            server = None
            if self._own_server is None:
                server = stack.enter_context(self._serve(planned, variant, site))
            outcome = conduct(self._assignment(planned, server, site), generator, log, server)
            return (msgspec.to_builtins(server.ready) if server is not None else {}), outcome

    def _serve(
        self, planned: PlannedTrial, variant: Variant, site: Site
    ) -> AbstractContextManager[RunningServer]:
        log, journal = self.server_log(planned), self._file(planned, "journal.jsonl")
        return self._serving(
            planned, variant, log=log, journal=journal, host=site.host, prefix=site.prefix
        )

    def _serving(
        self, planned: PlannedTrial, variant: Variant, **more: Any
    ) -> AbstractContextManager[RunningServer]:
        heartbeat = variant.heartbeat or self._experiment.server
        return serving(
            planned.mode,
            ping_interval_s=heartbeat.ping_interval_s,
            ping_timeout_s=heartbeat.ping_timeout_s,
            core=self.pins.server,
            command=self._server_command,
            **more,
        )

    def _stage(self, planned: PlannedTrial, variant: Variant) -> Stage:
        return Stage(
            mode=planned.mode,
            transport=planned.transport,
            seed=self._seed(planned),
            serve=lambda port, log, journal: self._serving(
                planned, variant, log=log, journal=journal, port=port
            ),
            label=self._label(planned),
            core=self.pins.generator,
        )

    def _assignment(
        self, planned: PlannedTrial, server: RunningServer | None, site: Site
    ) -> Assignment:
        ours = server is not None
        place = Place(
            url=server.url if server is not None else self._own_server.url,  # type: ignore[union-attr]
            transport=planned.transport,
            label=str(self._label(planned)),
            client=planned.client,
            variant=planned.variant,
            websocket=server.ready.websocket if server is not None else None,
            journal=str(self._file(planned, "journal.jsonl")) if ours else None,
            cable=site.cable,
            missing=site.missing,
        )
        return Assignment(
            scenario=planned.scenario,
            seed=self._seed(planned),
            experiment=self._experiment,
            outcome=str(self._file(planned, "outcome.json")),
            place=place,
            server_core=self.pins.server if ours else None,
            server_pid=server.ready.pid if server is not None else None,
        )

    def _variant(self, planned: PlannedTrial) -> Variant:
        return self._experiment.variant(planned.scenario, planned.variant)

    def _seed(self, planned: PlannedTrial) -> int:
        return random.Random(f"{self._experiment.seed}/{planned.number}").getrandbits(32)

    def _label(self, planned: PlannedTrial) -> Path:
        parts = [f"{planned.number:03}", planned.scenario, planned.mode, planned.transport]
        if planned.client is not Client.TRANSPORT_BENCH:
            parts.append(planned.client)
        if planned.variant:
            parts.append(planned.variant.replace("/", "-").replace(":", "-"))
        return self._logs / "-".join(parts)

    def _file(self, planned: PlannedTrial, ending: str) -> Path:
        label = self._label(planned)
        return label.with_name(f"{label.name}-{ending}")
