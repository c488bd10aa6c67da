"""What the users of a process have seen: gathered raw, made into statistics twice a second.

It goes two ways: into Locust's own statistics, and into histograms of full precision that travel
from workers to the master with Locust's own reports.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import numpy as np
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.arithmetic.board import Board, Measure
from loadtests.arithmetic.series import Series
from loadtests.client import notices
from loadtests.client.arrivals import clocks_apart_ns
from loadtests.client.errors import ConnectionFailed
from loadtests.users.attendance import Headcount
from loadtests.users.rollcall import RollCall
from loadtests.users.statistics import (
    Batch,
    Untimed,
    log_in_bulk,
    log_untimed_in_bulk,
    others_listen,
)

#: How often raw times become statistics.
REPORT_S = 0.5

#: Our part of a worker's report, and the message that brings it when a test ends.
REPORT_KEY = "socketio_latency"
#: The part of it that says who is there; see Headcount.
USERS_KEY = "socketio_users"

logger = logging.getLogger(__name__)


@contextmanager
def errors_logged() -> Iterator[None]:
    """Go on after an error of somebody else's code: the statistics of all depend on it.

    Locust does the same for what listens to its events, but lets its own ways to stop a user
    through (EventHook.fire, locust/event.py). That is for a user's greenlet only.
    """
    try:
        yield
    except Exception:
        logger.exception("the statistics may be incomplete:")


class Recorder:
    """One per Locust environment, see ``recorder_of``.

    Attributes:
        board: of this process; at a master, of all its workers too. What a worker has reported is
            no longer on it.
        checks: called whenever raw times become statistics.
        roll_call: who is there of all users.
        attendance: of this process's users; a worker's is told by its master.
        notices: kind -> how many, of this process; at a master, of its workers too. See
            ``client.notices``.
    """

    def __init__(self, environment: Environment) -> None:
        self.board = Board()
        self._environment = environment
        self._series: dict[tuple[str, str], Series] = {}
        self._untimed: Counter[tuple[str, str, str]] = Counter()
        self.checks: set[Callable[[], None]] = set()
        self._overdue: set[Callable[[], None]] = set()
        self._stopping = False
        self.roll_call = RollCall(environment)
        self.attendance = self.roll_call.attendance
        self._reported_notices: Counter[str] = Counter()
        self._workers_notices: Counter[str] = Counter()
        self._greenlet: gevent.Greenlet | None = None
        self._warned = False
        events = environment.events
        events.test_start.add_listener(self._begin)
        events.reset_stats.add_listener(self._forget)
        events.spawning_complete.add_listener(self._spawning_complete)
        events.test_stopping.add_listener(self._test_stopping)
        events.test_stop.add_listener(self._test_stopped)
        events.report_to_master.add_listener(self._report)
        events.worker_report.add_listener(self._worker_reported)
        if isinstance(environment.runner, MasterRunner):
            environment.runner.register_message(REPORT_KEY, self._last_report)

    def series(self, request_type: str, name: str) -> Series:
        """Where the messages of a name are recorded; always the same object."""
        return self._series.setdefault((request_type, name), Series())

    def count(self, request_type: str, name: str, failure: str = "", many: int = 1) -> None:
        """Count what has no time: cheap, and told to Locust twice a second.

        Args:
            request_type: of Locust's entry.
            name: of Locust's entry.
            failure: what went wrong; empty if nothing did.
            many: how many there were.
        """
        self._untimed[request_type, name, failure] += many

    def lose(self, request_type: str, name: str, failure: str, many: int) -> None:
        """Count what should have been sent and was not, so that it could not be answered either."""
        if many:
            self.board.of(request_type, name).lost += many
            self.count(request_type, name, failure, many)

    def follow(self, action: Callable[[], None]) -> None:
        """Have it called as ``checks`` are, and a last time when the test is stopping."""
        if not self._stopping:
            self._overdue.add(action)

    def closing_words(self) -> list[str]:
        """What is to be said below the final tables, one line each."""
        idle = self.roll_call.no_load() if self._stopping else None
        told = [] if idle is None else [idle]
        return told + [
            f"{kind}: {many} time{'s' * (many != 1)}" for kind, many in sorted(self.notices.items())
        ]

    @property
    def notices(self) -> Counter[str]:
        """See the class."""
        return self._workers_notices + Counter(notices.counted())

    def fire(
        self,
        request_type: str,
        name: str,
        took_ns: int,
        failure: Exception | None = None,
        *,
        lost: bool = False,
    ) -> None:
        """Record something that is rare at once: a connect, a failure.

        Args:
            request_type: of Locust's entry.
            name: of Locust's entry.
            took_ns: how long it took.
            failure: what went wrong, if anything did.
            lost: whether that is that nobody answered.
        """
        if failure is None:
            took = np.array([took_ns], dtype=np.int64)
            self.board.time(request_type, name, Measure.LATENCY, took)
        elif lost:
            self.board.of(request_type, name).lost += 1
        else:
            self.board.of(request_type, name).failed += 1
        self._environment.events.request.fire(
            request_type=request_type,
            name=name,
            response_time=took_ns / 1e6,
            response_length=0,
            exception=failure,
            context={},
        )

    def flush(self) -> None:
        """Make statistics of what has gathered."""
        wall_ns = clocks_apart_ns()
        batches = []
        for (request_type, name), series in self._series.items():
            arrivals = series.take()
            for measure, values_ns in arrivals.times().items():
                self.board.time(request_type, name, measure, values_ns)
            took_ms = arrivals.latency_ms()
            if took_ms:
                self._count_untimed(request_type, name, took_ms.count(None))
                arrived_s = ((arrivals.kernel_ns + wall_ns) / 1e9).tolist()
                lengths = arrivals.lengths.tolist()
                batches.append(Batch(request_type, name, arrived_s, took_ms, lengths))
        if others_listen(self._environment.events.request):
            for batch in batches:
                self._fire_each(batch)
        else:
            log_in_bulk(self._environment.stats, batches)
        self._flush_untimed()

    def _flush_untimed(self) -> None:
        found = [
            Untimed(request_type, name, count, ConnectionFailed(failure) if failure else None)
            for (request_type, name, failure), count in self._untimed.items()
        ]
        self._untimed.clear()
        now_s = time.time()
        if not others_listen(self._environment.events.request):
            log_untimed_in_bulk(self._environment.stats, found, now_s)
            return
        for each in found:
            for _ in range(each.count):
                self._fire_one(each.request_type, each.name, None, 0, each.failure, now_s)

    def _count_untimed(self, request_type: str, name: str, count: int) -> None:
        self.board.of(request_type, name).untimed += count
        if count and not self._warned:
            self._warned = True
            logger.warning(
                "messages from another host arrive: they are counted, not timed, since its clock "
                "is not this one's"
            )

    def _fire_each(self, batch: Batch) -> None:
        columns = zip(batch.arrived_s, batch.took_ms, batch.lengths, strict=True)
        for arrived_s, took_ms, length in columns:
            start_s = arrived_s - (took_ms or 0.0) / 1000
            self._fire_one(batch.request_type, batch.name, took_ms, length, None, start_s)

    def _fire_one(
        self,
        request_type: str,
        name: str,
        took_ms: float | None,
        length: int,
        failure: Exception | None,
        start_s: float,
    ) -> None:
        with errors_logged():
            self._environment.events.request.fire(
                request_type=request_type,
                name=name,
                response_time=took_ms,
                response_length=length,
                exception=failure,
                context={},
                start_time=start_s,
            )

    def start(self) -> None:
        """Make statistics of what gathers from here on, twice a second."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            gevent.sleep(REPORT_S)
            for action in (*self.checks, *self._overdue, self.flush):
                with errors_logged():
                    action()

    def _begin(self, **_event: Any) -> None:
        self._forget()
        self._overdue.clear()
        self._stopping = False
        self.roll_call.begin(time.monotonic_ns())
        notices.forget()
        self._reported_notices.clear()
        self._workers_notices.clear()

    def _forget(self, **_event: Any) -> None:
        for series in self._series.values():
            series.take()
        self._untimed.clear()
        self.board.clear()

    def _test_stopping(self, **_event: Any) -> None:
        self.roll_call.stopping()
        for action in self._overdue:
            with errors_logged():
                action()
        self._overdue.clear()
        self._stopping = True

    def _spawning_complete(self, **_event: Any) -> None:
        if self._environment.reset_stats:  # Locust's own go at this moment too
            self._forget()

    def _test_stopped(self, **_event: Any) -> None:
        with errors_logged():
            self.flush()
        if isinstance(self._environment.runner, WorkerRunner):
            # The next report may be seconds away, and the master is about to print the result.
            data: dict[str, Any] = {}
            self._report(data)
            self._environment.runner.send_message(REPORT_KEY, data)

    def _take_report(self) -> dict[str, Any] | None:
        """What is new since the last one; None if nothing is."""
        seen = Counter(notices.counted())
        new = seen - self._reported_notices
        self._reported_notices = seen
        if not self.board and not new:
            return None
        return self.board.take() | {"notices": dict(new)}

    # With every report go what Locust's statistics have had by then, no more and no less: both are
    # written by `flush`.

    def _report(self, data: dict[str, Any], **_event: Any) -> None:
        report = self._take_report()
        if report is not None:
            data[REPORT_KEY] = report
        data[USERS_KEY] = self.roll_call.headcount()._asdict()

    def _worker_reported(self, client_id: str, data: dict[str, Any], **_event: Any) -> None:
        if REPORT_KEY in data:
            self._add(data[REPORT_KEY])
        if USERS_KEY in data and isinstance(self._environment.runner, MasterRunner):
            headcount = Headcount(**data[USERS_KEY])
            self.roll_call.worker_told(self._environment.runner, client_id, headcount)

    def _last_report(self, msg: Any, **_event: Any) -> None:
        self._worker_reported(msg.node_id, msg.data)

    def _add(self, report: dict[str, Any]) -> None:
        try:
            self.board.add(report)
            self._workers_notices.update(report.get("notices", {}))
        except ValueError as error:
            logger.error("a worker's report is not counted: %s", error)


def recorder_of(environment: Environment) -> Recorder:
    """The recorder of an environment; the first call makes it."""
    found: Recorder | None = getattr(environment, "socketio_recorder", None)
    if found is None:
        found = Recorder(environment)
        vars(environment)["socketio_recorder"] = found
    return found
