"""What a scenario declares: one object, from which everything else knows of it.

A module of this package with a ``SCENARIO`` is a scenario (see ``registry``). It is read by the
command line, by the runner and by the report, none of which may have gevent loaded: what measures
gets sessions, alarm and clock through its bench, and imports what needs gevent where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit, row_of
from loadtests.scenarios.bench import Bench, Outcome, Site, Stage, connect_timeout_s

#: Bounded, since TOML can write infinity.
Positive = Annotated[float, Meta(gt=0, le=1e6)]
NotNegative = Annotated[float, Meta(ge=0, le=1e6)]
#: Bounded by far more than one machine can hold.
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
#: A message carries its publisher and its number: ``9999:99999999:`` at the longest.
PayloadBytes = Annotated[int, Meta(ge=16, le=500_000)]

#: A server and a Locust process start, side by side.
LAUNCH_S = 1.7
#: A further server of a group, whose load generator is there already.
_LAUNCH_OF_GROUP_S = 0.8
_GRACE_S = 15.0  # for a busy machine


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a server; the library's defaults."""

    ping_interval_s: Positive = 25
    ping_timeout_s: Positive = 20


def table(*metrics: Metric) -> dict[str, Metric]:
    """Metrics by their names, in the order in which tables show them."""
    return {metric.name: metric for metric in metrics}


#: What every trial that a load generator measures has.
EVERY_TRIAL = table(
    Metric("server_cpu", Unit.MICROSECONDS_PER_MESSAGE, Better.LOWER, "server CPU", "server CPU time per message; what a message is differs by scenario, see docs/method.md"),
    Metric("server_busy", Unit.PERCENT, Better.NEITHER, "server busy", "share of one core that the server used over the same time"),
    Metric("server_rss", Unit.MEBIBYTES, Better.LOWER, "server memory", "resident memory of the server at the end of the trial"),
    Metric("generator_cpu", Unit.MICROSECONDS_PER_MESSAGE, Better.NEITHER, "generator CPU", "the load generator's own CPU time per message, over the same time as server CPU"),
    Metric("generator_busy", Unit.PERCENT, Better.NEITHER, "generator busy", "share of one core that the load generator used over the same time"),
    Metric("lateness_p99", Unit.MILLISECONDS, Better.NEITHER, "lateness p99", "how long after its due time a send (or a departure) went out, 99 of 100", "lateness", 0.99),
    Metric("receive_lag_p99", Unit.MILLISECONDS, Better.NEITHER, "receive lag p99", "how long a message that the kernel had received waited for the generator to read it, 99 of 100", "receive_lag", 0.99),
)  # fmt: skip

Options = TypeVar("Options", bound=msgspec.Struct)


@contextmanager
def _anywhere(_options: Any, _client: Client, _label: Path) -> Iterator[Site]:
    yield Site()


def _no_time(_options: Any) -> float:
    return 0.0


def _the_servers(_options: Any) -> Heartbeat | None:
    return None


class Speaks(StrEnum):
    """Which messages a scenario needs."""

    ECHO = "echo"
    BROADCAST = "broadcast"
    NOTHING = "nothing"
    #: Events that only the application under test has, beside these or in place of them.
    MORE = "more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Generic[Options]):
    """A workload: what it can be told, what it needs, what it measures and how.

    A trial is measured by ``measure`` in the load generator or, where a scenario brings processes
    of its own, by ``conduct`` in the runner: one of the two is given.

    Attributes:
        name: its table in an experiment, and what its rows begin with.
        rank: its place among the others in files and on pages; the lowest is the first.
        options: the table.
        metrics: name -> metric, of every row unless ``metrics_of`` says otherwise.
        clients: how many a trial has connected at the same time.
        expected_s: about how long a trial takes after launching.
        measure: drives the connected sessions through a trial and gives a measurement per row. What
            it measures on the way are raw times; pure functions make numbers from them afterwards.
        conduct: the whole trial; gives the READY line of its server and the outcome.
        rows: of a trial with these options and the name of its variant; None: the scenario's name.
        order: the key that sorts its rows; None: by the number behind the colon.
        in_generator: how many of the clients the load generator's own process holds; None: all.
        variants: its kinds of trials; None: one, with the options as they are.
        metrics_of: the metrics of a row; None: ``metrics``.
        longest_wait_s: that a trial may take beyond what is expected while all is well.
        heartbeat: of its servers; None: the experiment's.
        place: prepares what a trial needs beyond server and generator, until the block ends.
        every_client_counts: whether every client is a point, so that a single trial says enough.
        times_arrivals: whether its times end with what arrives at the load generator.
        with_clients: whose clients it can be measured with, and shows anything with.
        takes_turns: whether its load comes in slices (``turns.in_turns``), so that the trials of a
            block can be carried out together; it wants no place of its own then.
        reaches_all: whether what one client sends comes to all clients of a server, so that those of
            two trials must not be connected to the same one.
        speaks: which messages; with one of the first two it can be driven with ``[messages]`` of
            somebody's own application.
        overloads: whether it offers more than a server can answer, so that answers come late.
        spreads: whether several load generators can hold its clients (``spread``).
        needs_journal: why it cannot do with a server that this run did not start; empty: it can.
    """

    name: str
    rank: int
    options: type[Options]
    metrics: Mapping[str, Metric]
    clients: Callable[[Options], int]
    expected_s: Callable[[Options], float]
    measure: Callable[[Bench, Options], list[Measurement]] | None = None
    conduct: Callable[[Stage, Options], tuple[dict[str, Any], Outcome]] | None = None
    rows: Callable[[Options, str], list[str]] | None = None
    order: Callable[[str], tuple[float, ...]] | None = None
    in_generator: Callable[[Options], int] | None = None
    variants: Callable[[Options], list[Variant]] | None = None
    metrics_of: Callable[[str], Mapping[str, Metric]] | None = None
    longest_wait_s: Callable[[Options], float] = _no_time
    heartbeat: Callable[[Options], Heartbeat | None] = _the_servers
    place: Callable[[Options, Client, Path], AbstractContextManager[Site]] = _anywhere
    speaks: Speaks = Speaks.MORE
    overloads: bool = False
    needs_journal: str = ""
    every_client_counts: bool = False
    times_arrivals: bool = True
    with_clients: Collection[Client] = tuple(Client)
    takes_turns: bool = False
    reaches_all: bool = False
    spreads: bool = False

    def kinds(self, options: Options) -> list[Variant]:
        """Its kinds of trials with these options; the first one is the main one."""
        return [Variant("", self, options)] if self.variants is None else self.variants(options)

    def measured_by(self, client: Client) -> bool:
        """Whether it has trials with a client; one with clients of its own has them once."""
        able = [Client.TRANSPORT_BENCH] if self.conduct is not None else self.with_clients
        return client in able

    def metrics_in(self, row: str) -> Mapping[str, Metric]:
        """The metrics of one of its rows."""
        return self.metrics if self.metrics_of is None else self.metrics_of(row)


@dataclass(frozen=True, slots=True)
class Variant:
    """One kind of trial of a scenario, with its options.

    Attributes:
        name: as in ``PlannedTrial.variant``; empty for the main one.
        scenario: whose trial it is: the one of the table, or one that this hands it on to.
        options: of the trial.
        table: where an experiment sets them; empty for the scenario's own.
    """

    name: str
    scenario: Scenario[Any]
    options: Any
    table: str = ""

    def rows(self, client: Client = Client.TRANSPORT_BENCH) -> list[str]:
        """The summary's row names, measured with a client."""
        scenario = self.scenario
        rows = [scenario.name] if scenario.rows is None else scenario.rows(self.options, self.name)
        return [row_of(row, client) for row in rows]

    @property
    def clients(self) -> int:
        """How many are connected at the same time."""
        return self.scenario.clients(self.options)

    @property
    def in_generator(self) -> int:
        """How many of them the load generator's own process holds."""
        held = self.scenario.in_generator
        return self.clients if held is None else held(self.options)

    @property
    def expected_s(self) -> float:
        """About how long a trial takes, start-up included."""
        launch_s = _LAUNCH_OF_GROUP_S if self.scenario.takes_turns else LAUNCH_S
        return launch_s + self.scenario.expected_s(self.options)

    @property
    def longest_s(self) -> float:
        """How long it can take while all is well, connecting slowly and draining included."""
        waiting_s = self.scenario.longest_wait_s(self.options)
        return self.expected_s + waiting_s + connect_timeout_s(self.clients) + _GRACE_S

    @property
    def heartbeat(self) -> Heartbeat | None:
        """Of its server; None for the experiment's."""
        return self.scenario.heartbeat(self.options)


def without_numbers(metrics: Collection[str], row: str, why: str) -> Measurement:
    """The measurement of a row that there can be none of here: every number is unavailable."""
    return Measurement(
        row=row, metrics=dict.fromkeys(metrics), unavailable=dict.fromkeys(metrics, why)
    )
