"""A Locust process that has a trial coming: its assignment is read from standard input."""

from __future__ import annotations

import os
import sys
from typing import Any

import gevent
import msgspec
from locust import events
from locust.runners import MasterRunner, WorkerRunner

from loadtests.machine.launch import HOME_KEPT
from loadtests.record.exits import Exit
from loadtests.run.bench_user import BenchUser
from loadtests.run.conductor import Measure
from loadtests.run.ensemble import Ensemble
from loadtests.run.trial import Assignment, Orders
from loadtests.run.worker import Worker


def listen(measures: dict[str, Measure] | None = None) -> None:
    """Add ``--assigned`` to Locust's options, and act on it.

    Args:
        measures: scenario -> what takes the measurements in place of its own.
    """

    @events.init_command_line_parser.add_listener
    def add_option(parser: Any) -> None:
        parser.add_argument(
            "--assigned",
            action="store_true",
            include_in_web_ui=False,
            help="read a trial's assignment from standard input; python -m loadtests run uses it",
        )

    @events.init.add_listener
    def take_assignment(environment: Any, **_others: Any) -> None:
        if not environment.parsed_options.assigned:
            return
        if isinstance(environment.runner, WorkerRunner):  # its master takes the assignment
            _home()
            BenchUser.ensemble = Worker(environment.runner)
        else:
            _take(environment, measures or {})


def _take(environment: Any, measures: dict[str, Measure]) -> None:
    """Wait for orders, and have their trials conducted once the users are there."""
    line = sys.stdin.buffer.readline()  # UTF-8, whatever the locale is
    if not line:  # whoever started this process has gone
        sys.exit(Exit.FAILED)
    _home()
    orders = msgspec.json.decode(line, type=Orders)
    takes = {each.scenario: _measure_of(each, measures) for each in orders.assignments}
    runner = environment.runner if isinstance(environment.runner, MasterRunner) else None
    ensemble = Ensemble(orders, takes, lambda: gevent.spawn(environment.runner.quit), runner)
    # Users know their servers from their conductors; Locust wants a host all the same.
    environment.host = orders.assignments[0].place.url
    # A server that did not start has none, which was not known when this process was started.
    environment.parsed_options.num_users = ensemble.users
    BenchUser.ensemble = ensemble

    def begin(**_event: Any) -> None:
        ensemble.begin()
        gevent.spawn(_hear, ensemble)

    environment.events.test_start.add_listener(begin)


def _home() -> None:
    """Locust has read its configuration: what else is at home may be found again."""
    if home := os.environ.pop(HOME_KEPT, ""):
        os.environ["HOME"] = home


def _measure_of(assignment: Assignment, measures: dict[str, Measure]) -> Measure:
    measure = measures.get(assignment.scenario, assignment.variant.scenario.measure)
    assert measure is not None, "the runner conducts the others by itself"
    return measure


def _hear(ensemble: Ensemble) -> None:
    """Wait for another word of the runner's, which is to stop; that it has gone is one, too."""
    gevent.socket.wait_read(sys.stdin.fileno())
    ensemble.stop()
