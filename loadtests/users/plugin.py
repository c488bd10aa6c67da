"""What any locustfile with a SocketIOUser gets: options, checks, and the latencies' table.

Importing it is enough; it listens to Locust's events.
"""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import gevent
from flask import jsonify, request
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.record.exits import Exit
from loadtests.record.words import Transport
from loadtests.users.preflight import files_problem, host_problem, raise_open_files
from loadtests.users.recording import recorder_of
from loadtests.users.table import Results
from loadtests.users.telling import add_target_options, target_of

#: ``--transport`` -> the session's transports.
TRANSPORTS: dict[str, tuple[Transport, ...]] = {
    "polling": (Transport.POLLING,),
    "websocket": (Transport.WEBSOCKET,),
    "upgrade": (Transport.POLLING, Transport.WEBSOCKET),
}

#: Name of an option -> raises ArgumentTypeError for a value that will not do. Locust's page sends
#: whatever was typed into its form, and argparse is not asked again.
FORM_CHECKS: dict[str, Callable[[str], Any]] = {}

logger = logging.getLogger(__name__)


def one_of(*choices: str) -> Callable[[str], str]:
    """A check that a value is one of these."""

    def check(text: str) -> str:
        if text not in choices:
            raise ArgumentTypeError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return check


FORM_CHECKS["transport"] = one_of(*TRANSPORTS)


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """``--transport``, also on the web page's start form, and what connections are told."""
    parser.add_argument(  # in a group of argparse's, Locust would not show it in its form
        "--transport",
        choices=list(TRANSPORTS),
        default=str(Transport.WEBSOCKET),
        help="what carries a session; upgrade begins with polling and goes over to WebSocket",
    )
    add_target_options(parser)


@events.init.add_listener
def set_up(
    environment: Environment, runner: Any = None, web_ui: Any = None, **_others: Any
) -> None:
    """Refuse what cannot work, before anything is spawned, and say in the end how long it took."""
    options: Any = environment.parsed_options
    if getattr(options, "assigned", False):  # a trial has a conductor, who does all that
        return
    try:
        target_of(options)
    except ValueError as error:
        _refuse(f"{error}")
    raise_open_files()
    recorder = recorder_of(environment)
    if runner is None or isinstance(runner, WorkerRunner):
        return
    if getattr(options, "headless", False) and not isinstance(runner, MasterRunner):
        problem = _problem(environment, environment.host, options.num_users or 1, options)
        if problem is not None:
            _refuse(problem)
    environment.events.test_start.add_listener(_check)
    results = Results(environment, recorder)
    environment.events.test_stop.add_listener(results.test_stopped)
    environment.events.quit.add_listener(results.quitting)
    if web_ui is not None:
        results.add_to(web_ui)
        web_ui.app.before_request(lambda: _refuse_form(environment))


def _refuse(problem: str) -> NoReturn:
    print(f"locust: error: {problem}", file=sys.stderr)
    sys.exit(Exit.WRONG_CALL)


def _check(environment: Environment, **_event: Any) -> None:
    runner: Any = environment.runner
    users, options = runner.target_user_count, environment.parsed_options
    problem = _problem(environment, environment.host, users, options)
    if problem is None:
        return
    logger.error(problem)
    if getattr(options, "headless", False):
        environment.process_exit_code = Exit.WRONG_CALL
        gevent.spawn(runner.quit)
    # Ends the greenlet that was about to spawn users, and that greenlet only.
    raise gevent.GreenletExit


def _refuse_form(environment: Environment) -> Any:
    """Answer the page's form as Locust answers one without a number of users: it is shown there."""
    if request.endpoint != "locust.swarm":
        return None
    problem = _form_problem(environment, request.form)
    if problem is None:
        return None
    logger.error(problem)
    return jsonify({"success": False, "message": problem, "host": environment.host})


def _form_problem(environment: Environment, form: Mapping[str, str]) -> str | None:
    for name in FORM_CHECKS.keys() & form.keys():
        try:
            FORM_CHECKS[name](form[name])
        except ArgumentTypeError as error:
            return f"{name}: {error}"
    if not form.get("user_count", "").isdecimal():
        return None  # Locust says so itself
    options = Namespace(**vars(environment.parsed_options) | dict(form))
    host = form.get("host", environment.host)
    return _problem(environment, host, int(form["user_count"]), options)


def _problem(environment: Environment, host: str | None, users: int, options: Any) -> str | None:
    runner, classes = environment.runner, environment.user_classes
    is_master = isinstance(runner, MasterRunner)
    problem = host_problem(host, classes, resolve=not is_master, options=options)
    if problem is not None:
        return problem
    processes = max(1, runner.worker_count) if isinstance(runner, MasterRunner) else 1
    return files_problem(users, processes, classes, options)
