"""Echo: how long one client waits for its own answer, and how many answers a server can give.

Two measurements, never mixed. The open loop sends on a schedule that waits for nobody and gives
latency; the closed loop sends when the reply has come and gives throughput.
"""

from __future__ import annotations

import msgspec

from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import quantiles_ms
from loadtests.arithmetic.usage import metrics
from loadtests.arithmetic.validity import names_of
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Metric, Unit
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.echo_loops import doubts
from loadtests.scenarios.echoing import (
    CLOSED,
    OPEN,
    USED,
    BothLoops,
    both_loops,
    expected_s,
    turns_of,
)
from loadtests.scenarios.own_echo_client import check_acknowledgements, echo_clients, unsure
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    NotNegative,
    PayloadBytes,
    Positive,
    Scenario,
    Speaks,
    table,
)
from loadtests.scenarios.turns import CLOSED_SLICE_S, SETTLE_S, fitting, rounds_of


class Echo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open loop for latency, then a closed loop for throughput, with the same clients.

    Attributes:
        clients: connections, in both loops.
        rate_hz: messages per second over all clients in the open loop; well below saturation.
        payload_bytes: length of the message's ``data``.
        warmup_s: sent but not measured, at the beginning of each loop in the first turn.
        latency_s: of the open loop that are measured.
        throughput_s: of the closed loop that are measured.
        rounds: in how many turns the open loop is cut; None for slices of about a quarter of a
            second. Between them are those of the closed loop, of a tenth of a second or more.
        settle_s: sent but not measured at the beginning of each loop in every turn but the first.
        drain_s: how long the last replies of a loop may take before they count as lost.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    clients: Count
    rate_hz: Positive
    latency_s: Positive
    throughput_s: Positive
    payload_bytes: PayloadBytes = 32
    warmup_s: NotNegative = 1.0
    drain_s: Positive = 2.0
    rounds: Count | None = None
    settle_s: NotNegative = SETTLE_S
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if self.rate_hz * self.latency_s < 1:
            raise ValueError("rate_hz × latency_s is below 1: no message would be measured")
        if self.rounds is not None and self.slices < self.rounds:
            raise ValueError(
                f"{self.rounds} rounds leave throughput_s {self.throughput_s / self.rounds:.3g} s "
                f"in each; a slice of the closed loop wants {CLOSED_SLICE_S} s: at most "
                f"{self.slices} rounds, or {self.rounds * CLOSED_SLICE_S:g} s"
            )

    @property
    def slices(self) -> int:
        """In how many turns the open loop is cut."""
        wanted = rounds_of(self.latency_s, self.rate_hz, self.rounds)
        return min(wanted, fitting(self.throughput_s, CLOSED_SLICE_S))

    @property
    def closed_slice_s(self) -> float:
        """How long a slice of the closed loop is at least."""
        return CLOSED_SLICE_S


METRICS = table(
    Metric("latency_p50", Unit.MILLISECONDS, Better.LOWER, "latency p50", "half of the echoes came back within this, counted from when the send was due (open loop)", "latency", 0.5),
    Metric("latency_p90", Unit.MILLISECONDS, Better.LOWER, "latency p90", "nine of ten echoes came back within this, from the due time", "latency", 0.9),
    Metric("latency_p99", Unit.MILLISECONDS, Better.LOWER, "latency p99", "99 of 100 echoes came back within this, from the due time", "latency", 0.99),
    Metric("latency_max", Unit.MILLISECONDS, Better.LOWER, "latency max", "the slowest echo, from the due time", "latency", 1.0),
    Metric("service_p50", Unit.MILLISECONDS, Better.LOWER, "service time p50", "the same as latency, but counted from when the send really went out", "service", 0.5),
    Metric("service_p99", Unit.MILLISECONDS, Better.LOWER, "service time p99", "99 of 100 echoes came back within this, from the actual send", "service", 0.99),
    Metric("throughput", Unit.MESSAGES_PER_SECOND, Better.HIGHER, "throughput", "echoes answered per second when every client sends again as soon as its reply has come (closed loop)"),
    Metric("lost", Unit.MESSAGES, Better.LOWER, "lost", "echoes that never came back, in both loops"),
    Metric("server_busy_open", Unit.PERCENT, Better.NEITHER, "server busy, open loop", "share of one core that the server used while latency was measured: how far below saturation that was"),
    *EVERY_TRIAL.values(),
)  # fmt: skip

#: Shares of a core, in per cent, while latency was measured (``GeneratorFacts.number``).
SERVER_BUSY, GENERATOR_BUSY = "open_loop_server_busy", "open_loop_generator_busy"

_FAMILIES = ("latency", "service")


def measure(bench: Bench, options: Echo) -> list[Measurement]:
    """One trial: in each turn the open loop, a pause until all is answered, the closed loop.

    Raises:
        TrialFailed: nothing was answered, or every client lost its connection.
    """
    clients = echo_clients(bench, options.payload_bytes)
    both = both_loops(bench, options, clients)
    usage = both.opened.usage
    if usage.server_percent is not None:
        bench.numbers[SERVER_BUSY] = usage.server_percent
    bench.numbers[GENERATOR_BUSY] = usage.generator_percent
    check_acknowledgements(clients)
    found = summarise(both, bench.meter.server_mib())
    if reason := unsure(clients, both.lost):
        found = found.distrusted(reason, above_all=True)
    return [found]


def summarise(both: BothLoops, server_mib: float | None) -> Measurement:
    """The metrics of an echo from both loops."""
    opened, closed = both.opened, both.closed
    seconds = closed.usage.wall_ns / 1e9
    common, unavailable = metrics(closed.usage, closed.answered, server_mib)
    latency, service = opened.latency_ns, opened.service_ns
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "latency", latency),
        **quantiles_ms(METRICS, "service", service),
        "throughput": closed.answered / seconds,
        "lost": both.lost,
        "server_busy_open": opened.usage.server_percent,
        **quantiles_ms(METRICS, "lateness", opened.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", opened.receive_lag_ns),
        **common,
    }
    if opened.usage.server_percent is None:
        unavailable["server_busy_open"] = unavailable["server_busy"]
    found = doubts(METRICS, values, opened, closed, families=_FAMILIES, rates=("throughput",))
    measured = Measurement(
        row=SCENARIO.name,
        metrics=values,
        invalid=found.invalid,
        disturbed=[] if both.lost else found.disturbed,
        unavailable=unavailable,
        samples={"latency": len(latency), "service": len(service), "throughput": closed.answered},
        distributions={"latency": histogram(latency), "service": histogram(service)},
    )
    timed = names_of(METRICS, *_FAMILIES)
    measured = measured.disturbed_by(both.doubts.get(OPEN), timed, lost=both.lost)
    return measured.disturbed_by(both.doubts.get(CLOSED), ("throughput", *USED), lost=both.lost)


SCENARIO = Scenario(
    name="echo",
    rank=10,
    options=Echo,
    metrics=METRICS,
    clients=lambda options: options.clients,
    expected_s=expected_s,
    longest_wait_s=lambda options: options.drain_s * turns_of(options),
    takes_turns=True,
    speaks=Speaks.ECHO,
    spreads=True,
    measure=measure,
)
