"""Can these numbers be trusted? A closed set of findings about a run, each ending in advice.

The form is hyperfine's (sharkdp/hyperfine, src/output/warnings.rs): a warning that does not say
what to do is noise.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from loadtests.record.results import Result
from loadtests.record.words import Status, Transport
from reports.facts.findings import Finding, Kind, Severity
from reports.facts.numbers import counted, short
from reports.facts.rows import SAMPLES_FOR_P99, Cell, Outcomes, Row, cells_of, fewest_samples
from reports.facts.run import Run
from reports.sections import generator
from reports.sections.disconnect import checks as disconnect

#: Below this share of one core a server is waiting, not working. That SATURATED_SERVER_PERCENT of
#: loadtests/arithmetic/validity.py has the same number is chance: it says from where on an open
#: loop measures a queue, and either may change without the other.
BUSY_PERCENT = 90.0
#: Linux delays an acknowledgement by 40 ms at least (TCP_DELACK_MIN, include/net/tcp.h); below is
#: something quicker, and well above it something else.
DELAYED_ACK_MS = (35.0, 60.0)
#: The modes that answer long-polling requests with gevent's pywsgi.
PYWSGI_MODES = ("gevent", "gevent-websocket")

#: A hypervisor that takes more than this share of the CPU time makes stalls that reach a p99.
STOLEN_PERCENT = 0.5

#: The same work taking so many times as long in one trial as in another is no longer the server.
UNSTEADY_RATIO = 1.2


def findings_of(result: Result, outcomes: Outcomes, rows: Sequence[Row]) -> list[Finding]:
    """All findings of a run, warnings first, each kind in the order of :class:`Kind`."""
    run = Run(result, outcomes, rows)
    found = [finding for check in _CHECKS for finding in check(run)]
    severities, kinds = list(Severity), list(Kind)
    return sorted(found, key=lambda one: (severities.index(one.severity), kinds.index(one.kind)))


def _interrupted(run: Run) -> Iterator[Finding]:
    if run.result.ended == "complete":
        return
    done, planned = len(run.result.trials), len(run.result.plan)
    yield Finding(
        Kind.INTERRUPTED,
        Severity.WARNING,
        f"The run ended early ({run.result.ended}): {done} of {planned} trials ran.",
        "Run it again to the end before comparing cells: what is missing is missing unevenly.",
    )


def _failed(run: Run) -> Iterator[Finding]:
    rows = [row for row in run.rows if row.status is Status.FAILED]
    if rows:
        yield Finding(
            Kind.FAILED,
            Severity.WARNING,
            f"{counted(len(rows), 'number')} not measured: {_some_reasons(rows)}.",
            "Read the reasons and the servers' logs under “Failed and invalid”, then run again.",
            _names(cells_of(rows)),
        )


def _invalid(run: Run) -> Iterator[Finding]:
    rows = [row for row in run.rows if row.status is Status.INVALID]
    if rows:
        yield Finding(
            Kind.INVALID,
            Severity.WARNING,
            f"{counted(len(rows), 'number')} measured but not to be trusted: {_causes(rows)}.",
            "Do not quote them; they are left out of “Best at” and marked in charts and tables.",
            _names(cells_of(rows)),
        )


def _single_trial(run: Run) -> Iterator[Finding]:
    rows = [row for row in run.rows if row.trials == 1 and not _every_client_counts(run, row)]
    if rows:
        everywhere = all(row.trials == 1 for row in run.rows if row.trials)
        yield Finding(
            Kind.SINGLE_TRIAL,
            Severity.WARNING,
            f"{'Every number rests' if everywhere else 'Some numbers rest'} on a single trial, so "
            "there is no interval and chance cannot be told from a difference.",
            "Run “make bench PROFILE=default” (several trials of each cell) before deciding.",
            () if everywhere else _names(cells_of(rows)),
        )


def _every_client_counts(run: Run, row: Row) -> bool:
    """Whether a single trial was asked for, of a scenario in which every client is a point."""
    options = run.result.experiment.get(row.scenario.partition(":")[0])
    alone = isinstance(options, Mapping) and options.get("blocks") == 1
    return alone and row.scenario.startswith("disconnect")


def _undersampled(run: Run) -> Iterator[Finding]:
    rows = [row for row in run.rows if row.undersampled]
    fewest: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        count = fewest_samples(row.metric.name, run.outcomes[row.scenario, row.cell])
        fewest[row.scenario, row.metric.name].append(count or 0)
    listed = [
        f"{scenario} {metric} ({min(counts):,} samples)"
        for (scenario, metric), counts in fewest.items()
    ]
    if rows:
        yield Finding(
            Kind.UNDERSAMPLED,
            Severity.WARNING,
            f"A p99 wants {SAMPLES_FOR_P99:,} samples in its trial; fewer stand behind "
            f"{', '.join(listed)}.",
            "Read these as the slowest few, not as percentiles; longer trials or a higher rate "
            "mend it.",
            _names(cells_of(rows)),
        )


def _noisy_machine(run: Run) -> Iterator[Finding]:
    stolen = [float(trial.generator.get("stolen_percent", 0)) for trial in run.result.trials]
    noisy = sum(1 for percent in stolen if percent > STOLEN_PERCENT)
    if noisy:
        yield Finding(
            Kind.NOISY_MACHINE,
            Severity.WARNING,
            "This is a virtual machine whose host gave CPU time to others while it was wanted: up "
            f"to {short(max(stolen))} %, and more than {STOLEN_PERCENT} % in {noisy} of "
            f"{counted(len(stolen), 'trial')}. That stalls servers for tens of milliseconds.",
            "Trust medians, throughput and CPU per message; read p99, max and lateness as the "
            "machine's as much as the server's, or run on a machine of your own.",
        )


def _unsteady_machine(run: Run) -> Iterator[Finding]:
    sticks = [
        float(trial.generator["yardstick_ms"])
        for trial in run.result.trials
        if trial.generator.get("yardstick_ms")
    ]
    if len(sticks) > 1 and max(sticks) > UNSTEADY_RATIO * min(sticks):
        yield Finding(
            Kind.UNSTEADY_MACHINE,
            Severity.WARNING,
            f"The machine's speed changed while it measured: a fixed piece of Python took "
            f"{short(min(sticks))} to {short(max(sticks))} ms from trial to trial.",
            "Expect wide intervals and ties; more blocks, or a machine with a steady clock and no "
            "neighbours, tell the cells apart.",
        )


def _not_pinned(run: Run) -> Iterator[Finding]:
    pinning = run.result.environment.get("pinning")
    note = pinning.get("note") if isinstance(pinning, Mapping) else None
    if isinstance(pinning, Mapping) and not note and not _shared_cores(pinning):
        return
    yield Finding(
        Kind.NOT_PINNED,
        Severity.WARNING,
        "Server and generator were not kept on cores of their own"
        f"{f' ({note})' if note else ''}, so they may have taken time from each other.",
        "Run on Linux with two or more cores, or read the differences as upper bounds.",
    )


def _shared_cores(pinning: Mapping[str, object]) -> bool:
    server, generator = pinning.get("server"), pinning.get("generator")
    if not isinstance(server, list) or not isinstance(generator, list):
        return True
    return not server or not generator or bool(set(server) & set(generator))


def _user_space_clock(run: Run) -> Iterator[Finding]:
    # The disconnect scenario takes its times from the server's handler, not from an arrival.
    cells = {
        cell
        for (scenario, cell), outcomes in run.outcomes.items()
        for outcome in outcomes
        if not scenario.startswith("disconnect")
        and outcome.trial
        and outcome.measurement
        and outcome.trial.generator.get("arrival_clock") != "kernel"
    }
    if cells:
        yield Finding(
            Kind.USER_SPACE_CLOCK,
            Severity.WARNING,
            "Arrivals were stamped in user space, not by the kernel, so time that a message "
            "waited inside the generator counts as the server's.",
            "Run on Linux for the kernel's stamps (SO_TIMESTAMPNS), or look at receive_lag_p99 "
            "and generator_busy before trusting a tail.",
            _names(sorted(cells, key=str)),
        )


def _not_cpu_bound(run: Run) -> Iterator[Finding]:
    waiting = {
        row.cell: row.value
        for row in run.rows
        if row.scenario == "echo"
        and row.metric.name == "server_busy"
        and row.value is not None
        and row.value < BUSY_PERCENT
        and run.value("echo", row.cell, "throughput") is not None
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
            _names(waiting),
        )


def _delayed_ack(run: Run) -> Iterator[Finding]:
    low, high = DELAYED_ACK_MS
    seen: dict[Cell, str] = {}
    for mode in PYWSGI_MODES:
        cell = Cell(mode, Transport.POLLING)
        latency = run.value("echo", cell, "latency_p50")
        busy = _open_loop_busy(run, cell)
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
            _names(seen),
        )


def _near_ceiling(run: Run) -> Iterator[Finding]:
    near = {
        one.cell: one.share
        for one in generator.readings(run.result, run.rows)
        if one.share is not None and not one.at_least and one.share > generator.NEAR_CEILING
    }
    if near:
        yield Finding(
            Kind.NEAR_CEILING,
            Severity.WARNING,
            "Echo throughput came near what the load generator itself reaches with a peer that "
            "does next to nothing: "
            + ", ".join(f"{cell}: {100 * share:.0f} % of it" for cell, share in near.items())
            + ".",
            "Read it as at least so much; differences between cells that are both near the "
            "generator's ceiling say little.",
            _names(near),
        )


def _near_noise_floor(run: Run) -> Iterator[Finding]:
    near = {
        one.cell: one
        for one in generator.readings(run.result, run.rows)
        if one.times is not None and one.times < generator.NEAR_FLOOR
    }
    if near:
        yield Finding(
            Kind.NEAR_NOISE_FLOOR,
            Severity.NOTE,
            "Half of the echoes took less than "
            f"{generator.NEAR_FLOOR:g} times as long as with a peer that does next to nothing: "
            + ", ".join(
                f"{cell}: {short(one.latency_ms or 0)} beside {short(one.floor_ms or 0)} ms"
                for cell, one in near.items()
            )
            + ".",
            "A good part of these is the kernel and the harness: subtract the floor before saying "
            "how many times faster one is than the other.",
            _names(near),
        )


def _open_loop_busy(run: Run, cell: Cell) -> float | None:
    """Share of its core that the server used while latency was measured, mean over trials."""
    shares = [
        float(outcome.trial.generator["open_loop_server_busy"])
        for outcome in run.outcomes.get(("echo", cell), ())
        if outcome.trial and outcome.trial.generator.get("open_loop_server_busy") is not None
    ]
    return statistics.fmean(shares) if shares else None


_CHECKS: tuple[Callable[[Run], Iterator[Finding]], ...] = (
    _interrupted,
    _failed,
    _invalid,
    _single_trial,
    _undersampled,
    _noisy_machine,
    _unsteady_machine,
    _not_pinned,
    _user_space_clock,
    _not_cpu_bound,
    _delayed_ack,
    _near_ceiling,
    _near_noise_floor,
    *disconnect.CHECKS,
)


def _names(cells: Mapping[Cell, object] | Sequence[Cell]) -> tuple[str, ...]:
    return tuple(str(cell) for cell in cells)


def _causes(rows: Sequence[Row]) -> str:
    """Each cause once, with how many numbers it spoils; the rows have the figures."""
    causes = Counter(
        re.sub(r"^\d+ of \d+ trials \w+: | \([^()]*\)$", "", reason)
        for row in rows
        for reason in row.reasons[:1]
    )
    return "; ".join(f"{cause} ({count})" for cause, count in causes.most_common())


def _some_reasons(rows: Sequence[Row]) -> str:
    """The first few distinct reasons, and how many more there are."""
    reasons = list(dict.fromkeys(reason for row in rows for reason in row.reasons))
    shown = "; ".join(reasons[:3])
    return f"{shown}; and {len(reasons) - 3} more" if len(reasons) > 3 else shown
