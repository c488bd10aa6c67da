"""``python -m tests.protocol FOLDER``: run the published test suites and print what came of them.

Exit codes: 0 the suites ran, whatever they found; 2 the call is wrong, or something is not there;
4 a server or a suite could not be run.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click

from loadtests import ROOT
from loadtests.generator.arguments import COUNT, NAMES, SECONDS
from loadtests.machine.launch import (
    Launched,
    LaunchError,
    last_words,
    serving,
    started,
)
from loadtests.machine.processes import process
from loadtests.record import command_line
from loadtests.record.exits import Exit
from servers.modes import ADAPTERS
from tests.protocol.table import Run, joined, markdown, parse

NAME = "python -m tests.protocol"

#: Suite -> its repository's folder.
SUITES = {"engine.io": "engine.io-protocol", "socket.io": "socket.io-protocol"}
#: Their clients, in versions that fit the suites' package.json and the Node of today. ws 8.5.0,
#: which the suites lock, hands over two messages of one segment in one go, and the suites miss the
#: second (socketio/socket.io-protocol #32). node-fetch 3.2.0 sends a request on a connection that
#: the one before it had asked to be closed (node-fetch #1735).
CLIENTS = {"ws": "8.16.0", "node-fetch": "3.3.2"}
#: The official server, as a control.
CONTROL = "node"
SERVER = Path(__file__).with_name("server.py")
REFERENCE = Path(__file__).with_name("reference.js")
#: The address in the suites.
HOST, PORT = "127.0.0.1", 3000
#: For a whole suite: each test ends after two or five seconds (mocha's default, and the suites').
_SUITE_LIMIT_S = 180.0

_HELP = f"""\b
FOLDER holds clones of the two suites, with their packages:

\b
  git clone https://github.com/socketio/engine.io-protocol
  git clone https://github.com/socketio/socket.io-protocol
  cd engine.io-protocol/test-suite; npm install {" ".join(f"{k}@{v}" for k, v in CLIENTS.items())}
  cd socket.io-protocol/test-suite; the same

\b
The server "{CONTROL}" is the official one (make node installs it): what fails there as well is not
the fault of a mode. Port {PORT} must be free, since the suites know no other.
"""


class CallError(Exception):
    """What is wrong with the call, in one line."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the suites are run.

    Attributes:
        alone: each test in a mocha of its own.
        ping_interval: of the servers' heartbeat, in seconds.
        ping_timeout: of the same.
    """

    alone: bool
    ping_interval: float
    ping_timeout: float


@click.command(cls=command_line.Command, epilog=_HELP)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--modes",
    type=NAMES,
    metavar="A,B",
    help=f"Of {CONTROL}, {', '.join(ADAPTERS)} (default: all).",
)
@click.option("--times", type=COUNT, metavar="N", default=1, help="Runs of each (default: 1).")
@click.option(
    "--alone",
    is_flag=True,
    help="Each test in a mocha of its own, so that none meets what another left behind.",
)
# With others than the suites' own it shows what passes only because a client that answers no ping
# is given up.
@click.option(
    "--ping-interval", type=SECONDS, metavar="S", default=0.3, help="The suites want 0.3."
)
@click.option("--ping-timeout", type=SECONDS, metavar="S", default=0.2, help="The suites want 0.2.")
def cli(folder: Path, modes: list[str] | None, times: int, **options: Any) -> int:
    """Run the Engine.IO and Socket.IO projects' server test suites."""
    try:
        found = _modes(modes)
        suites = {suite: _suite(folder, name) for suite, name in SUITES.items()}
        _need_port()
        for suite, place in suites.items():
            _run_suite(suite, place, list(product(range(times), found)), Options(**options))
    except CallError as error:
        return command_line.complain(NAME, str(error), Exit.WRONG_CALL)
    except LaunchError as error:
        return command_line.complain(NAME, str(error), Exit.FAILED)
    return Exit.FINE


def _run_suite(suite: str, place: Path, order: Sequence[tuple[int, str]], options: Options) -> None:
    runs: dict[str, list[Run]] = {}
    try:
        for number, mode in order:
            print(f"{suite} against {mode}, run {number + 1}", file=sys.stderr, flush=True)
            runs.setdefault(mode, []).append(_run(suite, place, mode, options))
    finally:  # what was found before something went wrong is not lost
        print(markdown(suite, runs), flush=True)


def _modes(asked: Sequence[str] | None) -> list[str]:
    """Those that were asked for, or all that can serve here."""
    official = (ROOT / "node_modules" / "socket.io" / "package.json").is_file()
    lacks: dict[str, str | None] = {
        CONTROL: None if official else f"{CONTROL} needs npm packages; run: make node"
    }
    lacks |= {name: adapter.MODE.missing() for name, adapter in ADAPTERS.items()}
    if asked is None:
        for missing in filter(None, lacks.values()):
            print(f"left out: {missing}", file=sys.stderr)
        return [name for name, lack in lacks.items() if lack is None]
    for name in asked:
        if name not in lacks:
            raise CallError(f"no mode {name}; there are {', '.join(lacks)}")
        if (lack := lacks[name]) is not None:
            raise CallError(lack)
    return list(dict.fromkeys(asked))


def _suite(folder: Path, name: str) -> Path:
    """The folder of a suite that is whole."""
    if shutil.which("node") is None:
        raise CallError("node is not installed")
    place = (folder / name / "test-suite").resolve()
    if not (place / "test-suite.js").is_file():
        raise CallError(f"{place} holds no test-suite.js; see --help")
    for package, wanted in CLIENTS.items():
        try:
            text = (place / "node_modules" / package / "package.json").read_text(encoding="utf-8")
            found = json.loads(text)["version"]
        except (OSError, ValueError, KeyError):
            found = None
        if found != wanted:
            raise CallError(
                f"{package} {wanted} is needed, found {found or 'none'}; "
                f"in {place} run: npm install {package}@{wanted}"
            )
    return place


def _need_port() -> None:
    with socket.socket() as probe:
        # As the servers bind: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError as error:
            raise CallError(f"port {PORT}, which the suites use, is taken ({error})") from None


def _run(suite: str, place: Path, mode: str, options: Options) -> Run:
    """Run a suite against a fresh server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _server(suite, mode, folder, options):
            if not options.alone:
                return _mocha(place, folder)
            titles = sorted(_mocha(place, folder, "--dry-run").titles)
            return joined(_mocha(place, folder, f"--grep=^{_literal(it)}$") for it in titles)


def _server(
    suite: str, mode: str, folder: Path, options: Options
) -> AbstractContextManager[Launched[Any]]:
    log = folder / "server.log"
    interval_s, timeout_s = options.ping_interval, options.ping_timeout
    if mode == CONTROL:
        command = ["node", str(REFERENCE), suite, str(PORT), f"{interval_s:g}", f"{timeout_s:g}"]
        return started(mode, command, type=dict, log=log)
    return serving(
        mode,
        ping_interval_s=interval_s,
        ping_timeout_s=timeout_s,
        log=log,
        journal=folder / "journal.jsonl",
        command=(sys.executable, str(SERVER), suite),
        host=HOST,
        port=PORT,
    )


def _literal(title: str) -> str:
    """A regular expression of JavaScript that matches this text."""
    return re.sub(r"[^\w ]", lambda found: f"\\{found[0]}", title)


def _mocha(place: Path, folder: Path, *more: str) -> Run:
    """Run mocha to its end.

    Raises:
        LaunchError: it did not end in time, or left no report.
    """
    report, log = folder / "report.json", folder / "mocha.log"
    report.unlink(missing_ok=True)
    command = ["node", "--dns-result-order=ipv4first"]  # the suites say localhost
    command += [str(place / "node_modules" / "mocha" / "bin" / "mocha"), "--no-config"]
    # Many tests leave their connections open, for which mocha would wait.
    command += ["--no-package", "--exit", "--reporter=json", f"--reporter-option=output={report}"]
    command += [*more, str(place / "test-suite.js")]
    with log.open("wb") as output, process(command, core=None, stdout=output) as running:
        try:
            running.wait(_SUITE_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise LaunchError(f"mocha in {place} did not end in {_SUITE_LIMIT_S:g} s") from None
    try:
        return parse(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LaunchError(
            f"mocha in {place} left no report ({error}); it said: {last_words(log)}"
        ) from None


if __name__ == "__main__":
    command_line.run_as_program(cli, NAME)
