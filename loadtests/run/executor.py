"""Carries out trials: fresh servers, a fresh load generator, both on cores of their own."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from loadtests.client.target import Target
from loadtests.machine import cores, wakeups
from loadtests.machine.cores import Pinning
from loadtests.machine.launch import SERVE, LaunchError, RunningServer, generating, serving
from loadtests.record.application import NAMESPACE
from loadtests.record.results import PlannedTrial
from loadtests.record.words import Client, Transport
from loadtests.run.carried import CarriedOut
from loadtests.run.dialogue import messages_of, target_of, unspoken
from loadtests.run.experiment import Experiment
from loadtests.run.feasible import room, shortage
from loadtests.run.subjects import Subject
from loadtests.run.trial import Assignment, Orders, conduct
from loadtests.scenarios.bench import Outcome, Place, Site, Stage
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.scenario import Speaks, Variant
from servers.modes import ADAPTERS

#: How long an application of somebody else's may take to be imported.
_APP_READY_S = 60.0

#: A trial whose server is there, if it has one of ours.
_Started = tuple[PlannedTrial, RunningServer | None]


class ProcessExecutor:
    """Has trials carried out by real processes.

    Args:
        experiment: narrowed already.
        folder: of the run; the logs go into ``logs`` there.
        server_command: what starts a server of ours; see ``launch.serving``.
        subjects: name in the experiment's ``modes`` -> what it stands for, where that is not the
            mode of that name.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: Path,
        server_command: Sequence[str] = SERVE,
        subjects: Mapping[str, Subject] = {},
    ) -> None:
        self._experiment = experiment
        self._logs = folder / "logs"
        usual = Subject(command=server_command)
        self._subjects = dict.fromkeys(experiment.modes, usual) | dict(subjects)
        self._begun_ns = time.monotonic_ns()
        self.pins = cores.pinning()
        if all(each.url is not None for each in self._subjects.values()):
            generator = self.pins.generator
            self.pins = Pinning(None, generator, "the server was not started by this run")

    @property
    def _has_running(self) -> bool:
        return any(each.url is not None for each in self._subjects.values())

    def prepare(self) -> dict[str, Any]:
        """See Executor."""
        several = self._several()
        found = wakeups.of_generator(self.pins)
        if found is None:
            why = "no spinning: server and generator may share a core"
            return {"sends": why, **several}
        sends = {
            "wake_up_p50_us": found.p50_ns / 1000,
            "wake_up_p99_us": found.p99_ns / 1000,
            "spinning_us": found.margin_ns / 1000,
        }
        return {"sends": sends, "ahead": found.ahead, **several}

    def _several(self) -> dict[str, Any]:
        """Of several load generators, how many processes and cores they are."""
        wanted = self._experiment
        kinds = [kind for each in wanted.scenarios for kind in wanted.variants(each)]
        many = max((wanted.generators_of(each.scenario) for each in kinds), default=1)
        if many == 1:
            return {}
        own = set(cores.for_generators(self.pins, many))
        # Where nothing is pinned nobody knows.
        return {"generators": {"processes": many, "cores": None if None in own else len(own)}}

    def server_log(self, planned: PlannedTrial) -> Path:
        """See Executor."""
        return self._file(planned, "server.log")

    def room(self, variant: Variant) -> int:
        """See Executor."""
        if self._has_running and variant.scenario.reaches_all:
            return 1  # a running server is one for several cells
        return room(variant)

    def lack(self, planned: PlannedTrial) -> str | None:
        """See Executor."""
        variant = self._variant(planned)
        if self._subject(planned).url is not None:
            return (
                variant.scenario.needs_journal
                or self._unspoken(planned)
                or shortage(variant.clients)
            )
        if unspoken := self._unspoken(planned):
            return unspoken
        mode = ADAPTERS[self._mode(planned)].MODE
        # What another interpreter has only its server can tell, and does.
        ours = self._subject(planned).command[0] == sys.executable
        if ours and (missing := mode.missing()):
            return missing
        # A polling client keeps two: a waiting GET, and POSTs beside it.
        needed = variant.clients * (2 if planned.transport is Transport.POLLING else 1)
        if mode.most_connections is not None and needed > mode.most_connections:
            return (
                f"{planned.mode} takes {mode.most_connections:,} connections at the same time, and "
                f"{variant.clients:,} clients have {needed:,}"
            )
        return shortage(variant.clients)

    def measure(self, together: Sequence[PlannedTrial]) -> Iterator[CarriedOut]:
        """See Executor."""
        self._logs.mkdir(exist_ok=True)
        first = together[0]
        variant = self._variant(first)
        if variant.scenario.conduct is not None:
            yield self._conducted(first, variant, variant.scenario.conduct)
            return
        yield from self._generate(together, variant)

    def _conducted(
        self,
        planned: PlannedTrial,
        variant: Variant,
        conducted: Callable[[Stage, Any], tuple[dict[str, Any], Outcome]],
    ) -> CarriedOut:
        try:
            server, outcome = conducted(self._stage(planned, variant), variant.options)
        except LaunchError as error:
            return CarriedOut(planned, {}, TrialFailed(str(error)))
        except TrialFailed as error:
            return CarriedOut(planned, {}, error)
        return CarriedOut(planned, server, outcome)

    def _generate(self, together: Sequence[PlannedTrial], variant: Variant) -> Iterator[CarriedOut]:
        """Trials of one kind, each with its server, and all with one load generator."""
        log = self._file(together[0], "generator.log")
        started: list[_Started] = []
        with ExitStack() as stack:
            try:
                site = stack.enter_context(self._site(together[0], variant))
                users = variant.in_generator * len(together)
                generator = stack.enter_context(self._generating(users, variant, log, site))
            except (LaunchError, TrialFailed) as error:
                yield from (CarriedOut(each, {}, TrialFailed(str(error))) for each in together)
                return
            failed: list[CarriedOut] = []
            for planned in together:
                try:
                    started.append((planned, self._started(stack, planned, variant, site)))
                except LaunchError as error:
                    failed.append(CarriedOut(planned, {}, TrialFailed(str(error))))
            yield from failed
            if not started:
                return
            orders = self._orders(started, site, self._generators(variant))
            servers = {self._cell(planned): server for planned, server in started if server}
            found, interrupt = conduct(orders, generator, log, servers)
        for (planned, server), came in zip(started, found, strict=True):
            if isinstance(came, Unfinished):  # as if it had never begun
                continue
            ready = server.ready.stored() if server is not None else {}
            yield CarriedOut(planned, ready, came)
        if interrupt is not None:
            raise interrupt

    def _site(self, planned: PlannedTrial, variant: Variant) -> AbstractContextManager[Site]:
        return variant.scenario.place(variant.options, planned.client, self._label(planned))

    def _generators(self, variant: Variant) -> int:
        return self._experiment.generators_of(variant.scenario)

    def _generating(
        self, users: int, variant: Variant, log: Path, site: Site
    ) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """It starts beside the servers, on its own core, and waits for its work."""
        return generating(
            users,
            log=log,
            core=self.pins.generator,
            prefix=site.prefix,
            spread=cores.for_generators(self.pins, self._generators(variant)),
        )

    def _started(
        self, stack: ExitStack, planned: PlannedTrial, variant: Variant, site: Site
    ) -> RunningServer | None:
        if self._subject(planned).url is not None:
            return None
        log, journal = self.server_log(planned), self._file(planned, "journal.jsonl")
        return stack.enter_context(
            self._serving(
                planned, variant, log=log, journal=journal, host=site.host, prefix=site.prefix
            )
        )

    def _serving(
        self, planned: PlannedTrial, variant: Variant, **more: Any
    ) -> AbstractContextManager[RunningServer]:
        subject = self._subject(planned)
        heartbeat = variant.heartbeat or subject.heartbeat or self._experiment.server
        keeps = subject.app is not None and not (variant.heartbeat or subject.heartbeat)
        return serving(
            self._mode(planned),
            ping_interval_s=heartbeat.ping_interval_s,
            ping_timeout_s=heartbeat.ping_timeout_s,
            core=self.pins.server,
            command=(*subject.command, "--keep-heartbeat") if keeps else subject.command,
            own_heartbeat=keeps,
            timeout_s=None if subject.app is None else _APP_READY_S,
            folder=subject.folder,
            environment=subject.environment,
            proof=subject.proof,
            **more,
        )

    def _subject(self, planned: PlannedTrial) -> Subject:
        return self._subjects[planned.mode]

    def _mode(self, planned: PlannedTrial) -> str:
        return self._subject(planned).mode or planned.mode

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
            namespace=self._target(planned, None).namespace or NAMESPACE,
        )

    def _target(self, planned: PlannedTrial, server: RunningServer | None) -> Target:
        return target_of(self._experiment, self._subject(planned), self._speaks(planned), server)

    def _unspoken(self, planned: PlannedTrial) -> str:
        scenario = self._variant(planned).scenario
        return unspoken(self._experiment, self._subject(planned), scenario)

    def _speaks(self, planned: PlannedTrial) -> Speaks:
        return self._variant(planned).scenario.speaks

    def _orders(self, started: Sequence[_Started], site: Site, generators: int) -> Orders:
        first, _ = started[0]
        ours = any(server is not None for _, server in started)
        # One that is not ours may be on the generator's core.
        alone = generators == 1 and all(server is not None for _, server in started)
        return Orders(
            assignments=[self._assignment(planned, server, site) for planned, server in started],
            seed=self._seed(first),
            server_core=self.pins.server if ours else None,
            spin_ns=wakeups.spin_ns(self.pins) if alone else 0,
            begun_ns=self._begun_ns,
            at_once=first.at_once,
            generators=generators,
            crowded=len(set(cores.for_generators(self.pins, generators))) < generators,
        )

    def _assignment(
        self, planned: PlannedTrial, server: RunningServer | None, site: Site
    ) -> Assignment:
        messages = messages_of(self._experiment, self._subject(planned), self._speaks(planned))
        # The server keeps one of our namespace alone.
        journal = server is not None and messages is None
        place = Place(
            url=server.url if server is not None else self._subject(planned).url or "",
            transport=planned.transport,
            label=str(self._label(planned)),
            client=planned.client,
            variant=planned.variant,
            websocket=server.ready.websocket if server is not None else None,
            journal=str(self._file(planned, "journal.jsonl")) if journal else None,
            cable=site.cable,
            missing=site.missing,
            target=self._target(planned, server),
            compression=self._experiment.compress,
            compresses=server.ready.compression if server is not None else None,
            messages=messages,
        )
        return Assignment(
            scenario=planned.scenario,
            seed=self._seed(planned),
            experiment=self._experiment,
            outcome=str(self._file(planned, "outcome.json")),
            place=place,
            server_pid=server.ready.pid if server is not None else None,
            cell=self._cell(planned),
        )

    def _cell(self, planned: PlannedTrial) -> str:
        """Its name among those that take turns with it."""
        name = f"{planned.mode} × {planned.transport}"
        return name if planned.client is Client.TRANSPORT_BENCH else f"{name}, {planned.client}"

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
