"""Pages: how long an ordinary page of the same process takes, by how many sockets are open.

Sockets that are connected and say nothing but heartbeats; beside them a few visitors ask for a page
on a schedule, over connections that are kept as browsers keep them, and then as fast as they can.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import msgspec
import numpy as np
from msgspec import Meta

from loadtests.arithmetic import validity
from loadtests.arithmetic.distribution import histogram
from loadtests.arithmetic.pacing import staggered
from loadtests.arithmetic.samples import NEVER, Nanoseconds, quantiles_ms
from loadtests.arithmetic.usage import Usage, between, metrics
from loadtests.arithmetic.validity import names_of
from loadtests.client.errors import tallied
from loadtests.record.generator_facts import SliceFacts
from loadtests.record.results import Measurement
from loadtests.record.words import Better, Client, Metric, Unit
from loadtests.scenarios.bench import LEAD_NS, Bench, Place
from loadtests.scenarios.crowd import Crowd
from loadtests.scenarios.errors import TrialFailed, Unfinished
from loadtests.scenarios.numbered import Numbered
from loadtests.scenarios.scenario import EVERY_TRIAL, Count, Positive, Scenario, Speaks, table
from loadtests.scenarios.turns import Interrupted

NAME = "pages"
#: Of its rows.
ROWS = Numbered(NAME)
_WARM_PAGES = 5
_Sockets = Annotated[int, Meta(ge=0, le=100_000)]
_Path = Annotated[str, Meta(pattern=r"^/[\x21-\x7e]*$", max_length=2000)]


class Pages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page, beside more and more open sockets.

    Attributes:
        sockets: how many are open; a row each.
        path: of the page.
        visitors: connections that ask for it, one page at a time each.
        rate_hz: pages per second over all visitors in the open loop.
        latency_s: of the open loop.
        throughput_s: of the closed loop, in which every visitor asks again at once.
        patience_s: a page that takes longer is lost.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    sockets: Annotated[list[_Sockets], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [0, 50, 200]
    )
    path: _Path = "/"
    visitors: Count = 4
    rate_hz: Positive = 40
    latency_s: Positive = 2.5
    throughput_s: Positive = 0.7
    patience_s: Positive = 3.0
    blocks: Count | None = None

    def __post_init__(self) -> None:
        if sorted(set(self.sockets)) != self.sockets:
            raise ValueError("sockets must go up: each is above the one before")
        if self.rate_hz * self.latency_s < _FEWEST:
            raise ValueError(
                f"rate_hz × latency_s is below {_FEWEST} pages; "
                f"latency_s = {_FEWEST / self.rate_hz:g} would do"
            )


_FEWEST = 20

METRICS = table(
    Metric("page_p50", Unit.MILLISECONDS, Better.LOWER, "page p50", "half of the pages were there within this, from when they were due to be asked for (open loop)", "page", 0.5),
    Metric("page_p99", Unit.MILLISECONDS, Better.LOWER, "page p99", "99 of 100 pages were there within this", "page", 0.99),
    Metric("throughput", Unit.PER_SECOND, Better.HIGHER, "pages", "pages per second when every visitor asks again as soon as the page is there (closed loop)"),
    Metric("lost", Unit.MESSAGES, Better.LOWER, "lost", "pages that did not come within the patience, or not with status 200"),
    Metric("connected", Unit.CLIENTS, Better.NEITHER, "connected", "sockets that were open meanwhile"),
    *(metric for metric in EVERY_TRIAL.values() if metric.name != "receive_lag_p99"),
)  # fmt: skip


class Browser(Protocol):
    """Asks for a page over one connection, which it keeps."""

    def get(self) -> str:
        """Ask for it and read all of it; why it did not come, or nothing."""


@dataclass(slots=True)
class Visits:
    """What came of one number of sockets.

    Attributes:
        connected: sockets that were open.
        refused: why others could not be.
        due_ns, asked_ns, there_ns: of each page of the open loop; NEVER for one that did not come.
        failures: why they did not.
        pages: that came in the closed loop.
        missed: that did not come in the closed loop.
        usage: over the closed loop.
        open_usage: over the open loop.
    """

    connected: int
    refused: str
    due_ns: array[int] = field(default_factory=lambda: array("q"))
    asked_ns: array[int] = field(default_factory=lambda: array("q"))
    there_ns: array[int] = field(default_factory=lambda: array("q"))
    failures: list[str] = field(default_factory=list)
    pages: int = 0
    missed: int = 0
    usage: Usage = field(default_factory=lambda: Usage(1, 0, None))
    open_usage: Usage = field(default_factory=lambda: Usage(1, 0, None))

    @property
    def latency_ns(self) -> Nanoseconds:
        """Of every page that was due."""
        there = np.asarray(self.there_ns, dtype=np.int64)
        never = there == NEVER
        due = np.asarray(self.due_ns, dtype=np.int64)
        return np.where(never, NEVER, np.where(never, 0, there) - due)


def measure(bench: Bench, options: Pages) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: there is no such page.
        Unfinished: the run was interrupted.
    """
    bench.judged = ()  # a server that has no room for sockets is measured with those it has
    crowd = Crowd(bench)
    browsers = _browsers(bench, options)
    found: list[Measurement] = []
    try:
        for sockets in options.sockets:
            refused = crowd.become(sockets)
            visits = Visits(len(crowd.sessions), refused)
            with bench.turns.turn() as turn:
                _visit(bench, options, browsers, visits, first=not found)
            disturbed = turn.disturbance.reason if turn.disturbance is not None else None
            seconds = (visits.usage.wall_ns + visits.open_usage.wall_ns) / 1e9
            bench.slices.append(SliceFacts(turn.begun_s, seconds))
            taken = summarise(ROWS.row(sockets), visits, bench.meter.server_mib())
            lost = taken.metrics["lost"] or 0
            found.append(taken.disturbed_by(disturbed, list(METRICS), lost=lost))
    except Interrupted:
        raise Unfinished from None
    finally:
        bench.turns.rest()
        crowd.leave()
    return found


def _visit(
    bench: Bench, options: Pages, browsers: Sequence[Browser], visits: Visits, *, first: bool
) -> None:
    from gevent import joinall, spawn

    warming = [spawn(_warm, browser) for browser in browsers]
    joinall(warming)
    failures = [each.value for each in warming if each.value]
    if first and len(failures) == len(browsers):
        raise TrialFailed(f"no page at {options.path}: {tallied(failures)}")
    start_ns = bench.now_ns() + LEAD_NS
    end_ns = start_ns + round(options.latency_s * 1e9)
    schedules = staggered(start_ns, options.rate_hz, len(browsers))
    begin = bench.meter.read()
    joinall(
        [
            spawn(_on_schedule, bench, browser, schedule, end_ns, visits)
            for browser, schedule in zip(browsers, schedules, strict=True)
        ]
    )
    visits.open_usage = between(begin, bench.meter.read())
    begin = bench.meter.read()
    until_ns = bench.now_ns() + round(options.throughput_s * 1e9)
    joinall([spawn(_again, bench, browser, until_ns, visits) for browser in browsers])
    visits.usage = between(begin, bench.meter.read())


def _warm(browser: Browser) -> str:
    """Have what a server and a connection do once behind them."""
    for _ in range(_WARM_PAGES):
        if why := browser.get():
            return why
    return ""


def _on_schedule(
    bench: Bench, browser: Browser, schedule: Any, end_ns: int, visits: Visits
) -> None:
    from gevent.event import Event

    number = 0
    while (due_ns := schedule.due_ns(number)) < end_ns:
        number += 1
        due = Event()
        bench.alarm.at(due_ns, due.set)
        due.wait()
        visits.due_ns.append(due_ns)
        visits.asked_ns.append(bench.now_ns())
        place = len(visits.there_ns)
        visits.there_ns.append(NEVER)
        if why := browser.get():
            visits.failures.append(why)
        else:
            visits.there_ns[place] = bench.now_ns()


def _again(bench: Bench, browser: Browser, until_ns: int, visits: Visits) -> None:
    while bench.now_ns() < until_ns:
        if browser.get():
            visits.missed += 1
        else:
            visits.pages += 1


class _KeptConnection:
    """A Browser by geventhttpclient."""

    def __init__(self, place: Place, path: str, patience_s: float) -> None:
        from geventhttpclient import HTTPClient

        told = place.target
        cookies = "; ".join(f"{name}={value}" for name, value in told.cookies.items())
        self._path = path
        self._client = HTTPClient.from_url(
            place.url,
            concurrency=1,
            connection_timeout=patience_s,
            network_timeout=patience_s,
            headers={**told.headers, **({"Cookie": cookies} if cookies else {})},
            insecure=told.insecure,
        )

    def get(self) -> str:
        """See Browser."""
        try:
            response = self._client.get(self._path)
            response.read()
            status = int(response.status_code)
        except Exception as error:
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return "" if status == 200 else f"status {status}"


def _browsers(bench: Bench, options: Pages) -> list[Browser]:
    return [
        _KeptConnection(bench.place, options.path, options.patience_s)
        for _ in range(options.visitors)
    ]


def summarise(row: str, visits: Visits, server_mib: float | None) -> Measurement:
    """The row of one number of sockets."""
    latency = visits.latency_ns
    lateness = np.asarray(visits.asked_ns, dtype=np.int64) - np.asarray(
        visits.due_ns, dtype=np.int64
    )
    common, unavailable = metrics(visits.usage, visits.pages, server_mib)
    lost = int(np.count_nonzero(latency == NEVER))
    values: dict[str, float | None] = {
        **quantiles_ms(METRICS, "page", latency),
        "throughput": visits.pages / (visits.usage.wall_ns / 1e9),
        "lost": float(lost),
        "connected": float(visits.connected),
        # Behind a page that is late the next one is asked for late: that is the server's.
        **quantiles_ms(METRICS, "lateness", lateness),
        **common,
    }
    times = names_of(METRICS, "page")
    invalid = validity.lost_quantiles(METRICS, values, lost, len(latency))
    invalid |= validity.busy_generator(times, visits.open_usage)
    invalid |= validity.busy_generator(("throughput", "server_cpu"), visits.usage)
    invalid |= validity.lost_in_loop(
        ("throughput", "server_cpu"), lost=visits.missed, answered=visits.pages
    )
    notes = {}
    if visits.refused:
        notes["connected"] = f"not all sockets could connect: {visits.refused}"
    if visits.failures:
        notes["lost"] = tallied(visits.failures)
    return Measurement(
        row=row,
        metrics=values,
        invalid=invalid,
        unavailable=unavailable,
        samples={"page": len(latency)},
        distributions={"page": histogram(latency)},
        notes=notes,
    )


SCENARIO = Scenario(
    name=NAME,
    rank=39,
    options=Pages,
    metrics=METRICS,
    clients=lambda options: options.sockets[-1] + options.visitors,
    in_generator=lambda _options: 0,  # it connects them itself, more and more
    expected_s=lambda options: (
        len(options.sockets) * (options.latency_s + options.throughput_s + 0.3)
        + options.sockets[-1] / 150
    ),
    longest_wait_s=lambda options: (
        60
        + len(options.sockets)
        * options.patience_s
        * (options.rate_hz * options.latency_s / options.visitors + _WARM_PAGES)
    ),
    rows=lambda options, _variant: [ROWS.row(sockets) for sockets in options.sockets],
    order=ROWS.order,
    with_clients=(Client.TRANSPORT_BENCH,),
    speaks=Speaks.NOTHING,
    measure=measure,
)
