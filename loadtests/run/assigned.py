"""A Locust process that has a trial coming: its assignment is read from standard input."""

from __future__ import annotations

import os
import sys
from typing import Any

import gevent
import msgspec
from locust import events

from loadtests.machine.launch import HOME_KEPT
from loadtests.record.exits import Exit
from loadtests.run.bench_user import BenchUser
from loadtests.run.conductor import Conductor, Measure
from loadtests.run.trial import Assignment


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
        if environment.parsed_options.assigned:
            _take(environment, measures or {})


def _take(environment: Any, measures: dict[str, Measure]) -> None:
    """Wait for the assignment, and have its trial conducted once the users are there."""
    line = sys.stdin.readline()
    if not line:  # whoever started this process has gone
        sys.exit(Exit.FAILED)
    # Locust has read its configuration: what else is at home may be found again.
    if home := os.environ.pop(HOME_KEPT, ""):
        os.environ["HOME"] = home
    assignment = msgspec.json.decode(line, type=Assignment)
    environment.host = assignment.place.url
    measure = measures.get(assignment.scenario, assignment.variant.scenario.measure)
    assert measure is not None, "the runner conducts the others by itself"
    conductor = Conductor(assignment, measure, lambda: gevent.spawn(environment.runner.quit))
    BenchUser.conductor = conductor
    environment.events.test_start.add_listener(lambda **_: gevent.spawn(conductor.run))
