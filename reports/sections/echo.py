"""What is said about echoes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from matplotlib.figure import Figure

from loadtests.record.words import Transport
from loadtests.scenarios.echo import GENERATOR_BUSY, SCENARIO, SERVER_BUSY
from reports.charts import distributions, dots, whiskers
from reports.charts.distributions import Mark
from reports.charts.gallery import ChartKind
from reports.charts.style import GRID
from reports.facts.acknowledgement import DELAYED_ACK_MS, PYWSGI_MODES
from reports.facts.best import Question
from reports.facts.findings import Finding, Kind, Severity, names
from reports.facts.numbers import short
from reports.facts.rows import Cell, Row, row_names
from reports.facts.run import Facts
from reports.sections.section import Compared, Section, Spent, spent_on

NAME = SCENARIO.name

#: Below this share of one core a server is waiting, not working. That SATURATED_SERVER_PERCENT of
#: loadtests/arithmetic/validity.py has the same number is chance: it says from where on an open
#: loop measures a queue, and either may change without the other.
BUSY_PERCENT = 90.0


def _wanted(facts: Facts) -> bool:
    return NAME in row_names(facts.rows)


_MARKS = (
    Mark("latency_p50", "p50", "p50"),
    Mark("latency_p90", "p90", "p90", "h", GRID),
    Mark("latency_p99", "p99", "p99", "d", "white"),
)
_AXIS = "latency from the due time, ms"


def _latency(facts: Facts) -> Figure:
    return distributions.strips(facts, NAME, "latency", _MARKS, _AXIS)


def _percentiles(facts: Facts) -> Figure:
    return distributions.curves(facts, NAME, "latency", _AXIS)


def _throughput(facts: Facts) -> Figure:
    return dots.points(facts, NAME, "throughput", "throughput, messages/s")


def _not_cpu_bound(facts: Facts) -> Iterator[Finding]:
    waiting = {
        row.cell: row.value
        for row in facts.own_rows
        if row.row == NAME
        and row.metric.name == "server_busy"
        and row.value is not None
        and row.value < BUSY_PERCENT
        and facts.value(NAME, row.cell, "throughput") is not None
    }
    if waiting:
        yield Finding(
            Kind.NOT_CPU_BOUND,
            Severity.NOTE,
            "Throughput was not bounded by the server's CPU (busy "
            + ", ".join(f"{cell}: {short(busy)} %" for cell, busy in waiting.items())
            + "): every client waits for its reply before it sends again, and here the waiting "
            "decides.",
            "Read throughput there as clients divided by round-trip time; more clients would "
            "raise it, and server CPU per echo says what one message costs.",
            names(waiting),
        )


def _delayed_ack(facts: Facts) -> Iterator[Finding]:
    low, high = DELAYED_ACK_MS
    seen: dict[Cell, str] = {}
    for mode in PYWSGI_MODES:
        cell = Cell(mode, Transport.POLLING)
        latency = facts.value(NAME, cell, "latency_p50")
        busy = _busy(facts, NAME, cell, SERVER_BUSY)
        if latency is None or busy is None or not low <= latency <= high or busy >= BUSY_PERCENT:
            continue
        seen[cell] = f"{short(latency)} ms in {cell} (busy {short(busy)} % at that load)"
    if seen:
        yield Finding(
            Kind.DELAYED_ACK,
            Severity.NOTE,
            "An echo waits while its server has time to spare: "
            f"{', '.join(seen.values())}. This is real, not a fault of the measurement: "
            "gevent's pywsgi sends a response's head and body as separate segments without "
            "TCP_NODELAY, so Nagle's algorithm on the server holds the body until the client's "
            "delayed acknowledgement, 40 ms on Linux, on every connection that is kept alive, as "
            "browsers keep them. Chromium sees the same.",
            "Serve the same application under gunicorn's gevent worker, which does not have it, or "
            "use WebSocket.",
            names(seen),
        )


def _busy(facts: Facts, row: str, cell: Cell, whose: str) -> float | None:
    """Share of a core that was used while latency was measured, mean over trials.

    Args:
        facts: of a run.
        row: its name.
        cell: where.
        whose: one of the numbers that the scenario tells.
    """
    shares = [
        share
        for outcome in facts.outcomes.get((row, cell), ())
        if outcome.trial and (share := outcome.trial.generator.number(whose)) is not None
    ]
    return statistics.fmean(shares) if shares else None


def _spent(facts: Facts, row: Row) -> Spent:
    if row.metric.family != "latency":
        return spent_on(facts, row)
    # An echo alone costs more than one of a full closed loop, which has its own figure.
    busy = _busy(facts, row.row, row.cell, GENERATOR_BUSY)
    rate_hz = facts.setting(NAME, "rate_hz")
    alone = 1e4 * busy / rate_hz if busy is not None and rate_hz else None
    return Spent(spent_on(facts, row).cpu_us if alone is None else alone, busy)


_CHARTS = (
    ChartKind(
        "echo-latency",
        "Echo latency by cell",
        "Each hill is the distribution of all echoes of a cell, its highest point drawn equally "
        "high everywhere; further left is better. Markers are means over trials. "
        f"{whiskers.READING}",
        _latency,
        _wanted,
    ),
    ChartKind(
        "echo-percentiles",
        "Echo latency by percentile",
        "Read upwards from 99 on the bottom axis to see what the slowest of a hundred echoes "
        "took; lower is better. Bold lines are all trials together, thin lines single trials. Lost "
        "messages count as slower than all that arrived, so a line ends where they begin.",
        _percentiles,
        _wanted,
    ),
    ChartKind(
        "echo-throughput",
        "Closed-loop throughput by cell",
        "Every client sends again as soon as its reply has come; further right is better. Small "
        "open dots are single trials, the filled marker is their mean. "
        f"{whiskers.READING}",
        _throughput,
        _wanted,
        (NAME, "throughput"),
    ),
)

SECTION = Section(
    scenario=NAME,
    title="Echo",
    meaning="A client sends a message and the server sends it back to that client.",
    headlines=("latency_p50", "latency_p99", "throughput", "lost", "server_cpu"),
    questions=(
        Question("lowest latency, the usual echo (p50)", NAME, "latency_p50"),
        Question("lowest latency, the slow 1 % (p99)", NAME, "latency_p99"),
        Question("highest throughput", NAME, "throughput"),
        Question("least server CPU per echo", NAME, "server_cpu"),
    ),
    compared=Compared(
        judged=("latency_p50", "latency_p99", "throughput"),
        told=("generator_cpu", "generator_busy"),
        on="an echo",
        spent=_spent,
        median=("latency_p50", "echo latency p50, ms"),
    ),
    per="echo (closed loop)",
    charts=_CHARTS,
    checks=(_not_cpu_bound, _delayed_ack),
    core=True,
)
