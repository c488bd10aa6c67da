"""Curve: how long echoes take at one rate after another, from light load to more than is served.

Messages are sent at random moments, as many people send them. A trial goes up until the server
cannot keep up; the rates beyond that have no number, and say why.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.samples import quantiles_ms
from loadtests.arithmetic.usage import metrics
from loadtests.arithmetic.validity import SATURATED_SERVER_PERCENT, names_of
from loadtests.record.generator_facts import SliceFacts
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.errors import Unfinished
from loadtests.scenarios.numbered import Numbered
from loadtests.scenarios.random_echoes import SETTLE_S, Offered, RandomEchoes
from loadtests.scenarios.scenario import (
    EVERY_TRIAL,
    Count,
    PayloadBytes,
    Positive,
    Scenario,
    Speaks,
    table,
    without_numbers,
)
from loadtests.scenarios.turns import Interrupted

NAME = "curve"
#: Of its rows.
ROWS = Numbered(NAME)
#: What the reason of a rate that was not offered any more begins with.
BEYOND = "beyond what the server keeps up with"
_PAUSE_S = 0.1
#: A server falls behind that answers so many messages fewer than were due, as a share and at least.
_BEHIND_SHARE, _BEHIND_FLOOR = 0.1, 10
_Rate = Annotated[int, Meta(ge=1, le=1_000_000)]


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Echoes at several rates, one after the other.

    Attributes:
        rates_hz: messages per second over all clients, in whole numbers.
        clients: connections.
        payload_bytes: as in echo.
        seconds: that each rate is measured.
        drain_s: how long the last replies of a rate may take before they count as lost.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    rates_hz: Annotated[list[_Rate], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [50, 100, 200, 400, 800, 1600, 3200, 6400]
    )
    clients: Count = 40
    payload_bytes: PayloadBytes = 32
    seconds: Positive = 1.5
    drain_s: Positive = 3.0
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if sorted(set(self.rates_hz)) != self.rates_hz:
            raise ValueError("rates_hz must go up: each is above the one before")
        if self.rates_hz[0] * self.seconds < _FEWEST:
            raise ValueError(
                f"the lowest rate sends fewer than {_FEWEST} messages in {self.seconds:g} s; "
                f"seconds = {_FEWEST / self.rates_hz[0]:g} would do"
            )


#: A rate with fewer messages says nothing.
_FEWEST = 20

METRICS = table(
    Metric("latency_p50", Unit.MILLISECONDS, Better.LOWER, "latency p50", "half of the echoes came back within this, from when they were due, at this rate", "latency", 0.5),
    Metric("latency_p99", Unit.MILLISECONDS, Better.LOWER, "latency p99", "99 of 100 echoes came back within this, from when they were due, at this rate", "latency", 0.99),
    Metric("answered", Unit.MESSAGES_PER_SECOND, Better.NEITHER, "answered", "echoes that came back per second of the time in which they were due"),
    Metric("lost", Unit.MESSAGES, Better.LOWER, "lost", "echoes that never came back"),
    *EVERY_TRIAL.values(),
)  # fmt: skip


def measure(bench: Bench, options: Curve) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: nothing was answered, or every client lost its connection.
        Unfinished: the run was interrupted.
    """
    bench.judged = ()  # whose connection a rate ends is that rate's result
    echoes = RandomEchoes(bench, options.payload_bytes, options.drain_s)
    found: list[Measurement] = []
    end = ""
    try:
        with bench.turns.turn():
            echoes.guess_hz()  # what a server does once, it has done
        for rate_hz in options.rates_hz:
            row = ROWS.row(rate_hz)
            if end:
                found.append(without_numbers(METRICS, row, end))
                continue
            offered, disturbed = _offered(bench, echoes, rate_hz, options.seconds)
            taken = summarise(row, offered, bench.meter.server_mib())
            found.append(
                taken.disturbed_by(disturbed, list(METRICS), lost=taken.metrics["lost"] or 0)
            )
            end = _end(rate_hz, offered)
    except Interrupted:
        raise Unfinished from None
    finally:
        echoes.stop()
        bench.turns.rest()
    return found


def _offered(
    bench: Bench, echoes: RandomEchoes, rate_hz: float, seconds: float
) -> tuple[Offered, str | None]:
    """What came of a rate, and what the machine did to it; once more where it did."""
    for _ in range(2):
        with bench.turns.turn() as turn:
            offered = echoes.at(rate_hz, seconds)
        reason = turn.disturbance.reason if turn.disturbance is not None else None
        told = SliceFacts(turn.begun_s, offered.window.usage.wall_ns / 1e9, None, reason or "")
        bench.slices.append(told)
        if reason is None:
            break
    return offered, reason


def _end(rate_hz: int, offered: Offered) -> str:
    """Why no higher rate is to be offered; empty where one is."""
    opened = offered.opened
    if offered.gone:
        return f"{BEYOND}: connections were lost at {rate_hz}/s: {offered.gone}"
    busy = opened.usage.server_percent
    full = busy is not None and busy > SATURATED_SERVER_PERCENT
    if not (opened.lost or full or _behind(offered)):
        return ""
    core = f"; {busy:.0f} % of its core used" if busy is not None else ""
    what = "its queue grew" if opened.lost or _behind(offered) else "its core was full"
    return f"{BEYOND}: {what} at {rate_hz}/s ({opened.lost} lost{core})"


def _behind(offered: Offered) -> bool:
    """Whether fewer answers came than messages were due: the rest is a queue that grows."""
    due = offered.window.due
    return due - offered.answered > max(_BEHIND_SHARE * due, _BEHIND_FLOOR)


def _queued(offered: Offered) -> dict[str, str]:
    if not _behind(offered):
        return {}
    window = offered.window
    seconds = (window.end_ns - window.begin_ns) / 1e9
    reason = (
        "more was offered than was answered, so these are the times of a growing queue "
        f"({offered.answered / seconds:.0f} of {window.due / seconds:.0f} messages a second)"
    )
    return dict.fromkeys(names_of(METRICS, "latency"), reason)


def summarise(row: str, offered: Offered, server_mib: float | None) -> Measurement:
    """The metrics of one rate."""
    opened, window = offered.opened, offered.window
    latency = opened.latency_ns
    came = len(latency) - opened.lost
    # What came while the clocks ran, whichever rate it was due in.
    common, unavailable = metrics(opened.usage, offered.answered, server_mib)
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "latency", latency),
        "answered": came / ((window.end_ns - window.begin_ns) / 1e9),
        "lost": float(opened.lost),
        **quantiles_ms(METRICS, "lateness", opened.lateness_ns),
        **quantiles_ms(METRICS, "receive_lag", opened.receive_lag_ns),
        **common,
    }
    times = names_of(METRICS, "latency")
    late = validity.late_sends(
        METRICS, "latency", latency_ns=latency, lateness_ns=opened.lateness_ns
    )
    invalid = validity.lost_quantiles(METRICS, values, opened.lost, len(latency)) | late
    invalid |= validity.saturated_server(times, opened.usage)
    invalid |= validity.busy_generator(times, opened.usage)
    invalid |= _queued(offered)
    if offered.gone:
        why = f"clients lost their connection: {offered.gone}"
        invalid |= {name: why for name, value in values.items() if value is not None}
    spared = validity.surely_late(
        METRICS, "latency", invalid=invalid, late=late, lateness_ns=opened.lateness_ns
    )
    return Measurement(
        row=row,
        metrics=values,
        invalid=invalid,
        disturbed=[] if opened.lost else spared,
        unavailable=unavailable,
        samples={"latency": len(latency)},
        distributions={"latency": histogram(latency)},
    )


SCENARIO = Scenario(
    name=NAME,
    rank=33,
    options=Curve,
    metrics=METRICS,
    clients=lambda options: options.clients,
    expected_s=lambda options: 1 + len(options.rates_hz) * (SETTLE_S + options.seconds + _PAUSE_S),
    longest_wait_s=lambda options: len(options.rates_hz) * (options.seconds + 2 * options.drain_s),
    rows=lambda options, _variant: [ROWS.row(rate_hz) for rate_hz in options.rates_hz],
    order=ROWS.order,
    with_clients=(Client.TRANSPORT_BENCH,),
    speaks=Speaks.ECHO,
    overloads=True,
    spreads=True,
    measure=measure,
)
