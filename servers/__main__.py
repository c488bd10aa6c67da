"""``python -m servers MODE``: patch first, import the application after, say READY, serve.

Exit codes: 0 stopped by SIGTERM or Ctrl-C; 2 the call is wrong, the port is taken or the mode's
package cannot be imported; 4 under gunicorn if its worker died.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import gc
import ipaddress
import json
import math
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import under_uwsgi
from .modes import ADAPTERS, Adapter, Application

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIO

#: As it was called: ``transport-bench serve`` sets the variable (loadtests/record/called.py).
_COMMAND = os.environ.get("TRANSPORT_BENCH_COMMAND")
NAME = f"{_COMMAND} serve" if _COMMAND else "python -m servers"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000


# Not click: its import makes a thread-local (click.globals, 8.5), which would be before patch(),
# and so never be patched.
class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = _Parser(
        prog=NAME,
        description="Serve the echo/broadcast application in one of Flask-SocketIO's modes.",
        epilog="The environment's SECRET_KEY is Flask's; without it there is a random one.",
    )
    result.add_argument(
        "mode", type=_mode, metavar="MODE", help=f"how to serve it: {', '.join(ADAPTERS)}"
    )
    result.add_argument("--host", default=DEFAULT_HOST, help="interface (default: %(default)s)")
    result.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)"
    )
    result.add_argument(
        "--ping-interval", type=_positive, default=25, metavar="S", help="default: %(default)s"
    )
    result.add_argument(
        "--ping-timeout", type=_positive, default=20, metavar="S", help="default: %(default)s"
    )
    result.add_argument(
        "--journal", type=Path, metavar="FILE", help="append every connect and disconnect here"
    )
    return result


#: Makes what is served, from what the command line says.
Make = Callable[[argparse.Namespace], "tuple[Flask, SocketIO]"]


def main(
    argv: Sequence[str] | None = None,
    customise: Callable[[Flask, SocketIO], None] | None = None,
    *,
    arguments: argparse.ArgumentParser | None = None,
    make: Make | None = None,
) -> None:
    """Serve until told to stop.

    Args:
        argv: the command line, without the program.
        customise: called with the application before it is served; the tests put servers with a
            known fault here, so that they differ from the measured one in the fault only.
        arguments: the command line, where it is another; what ``parser`` has is in it.
        make: what is served, where that is not the application under test.
    """
    _open_what_is_closed()
    # First: what patches can swallow a KeyboardInterrupt (eventlet's does), and the server run on.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    # Flask would take the debugger and the reloader from the environment, twice over.
    os.environ["FLASK_DEBUG"] = "0"
    options = (arguments or parser()).parse_args(argv)
    adapter = ADAPTERS[options.mode]
    if lack := adapter.MODE.missing():
        _refuse(lack)
    inside = under_uwsgi.port_inside()
    port = inside or _free_port(options.host, options.port)
    try:
        adapter.patch()
    except ImportError as error:  # it is there, and broken
        _refuse(
            f"mode {options.mode} cannot be served ({error}); "
            f"pip install {' '.join(adapter.MODE.packages)}"
        )

    if inside is None and not _is_loopback(options.host):
        print(
            f"{NAME}: listening on {options.host}: whoever reaches this machine can use "
            "this server, and read what is broadcast",
            file=sys.stderr,
        )
    application = partial(_application, options, port, make or _ours, customise)
    _serve(adapter, application, options.host, port)


def _application(
    options: argparse.Namespace,
    port: int,
    make: Make,
    customise: Callable[[Flask, SocketIO], None] | None,
) -> tuple[Flask, SocketIO]:
    """Make the application, in the process that serves it."""
    app, socketio = make(options)
    if customise is not None:
        customise(app, socketio)
    socketio.start_background_task(_announce, app, socketio, options.mode, options.host, port)
    return app, socketio


def _ours(options: argparse.Namespace) -> tuple[Flask, SocketIO]:
    """The application under test."""
    # Only now: whatever these import must find the patched standard library.
    from .app import create_app
    from .journal import Journal

    return create_app(
        ADAPTERS[options.mode].MODE.async_mode,
        mode=options.mode,
        secret_key=os.environ.get("SECRET_KEY"),
        ping_interval_s=options.ping_interval,
        ping_timeout_s=options.ping_timeout,
        journal=Journal(options.journal) if options.journal else None,
    )


def _serve(adapter: Adapter, application: Application, host: str, port: int) -> None:
    try:
        adapter.serve(application, host, port)
    except OSError as error:  # the port was taken meanwhile, or there is no room for Flask's banner
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is still to be written of it
        where = f"{error.filename}: " if error.filename is not None else ""
        _refuse(f"cannot serve: {where}{error.strerror or error}")


def _announce(app: Any, socketio: Any, mode: str, host: str, port: int) -> None:
    """Say where it is, and READY to a program, once the port accepts: the server does not tell."""
    from .ready import describe

    try:
        line = json.dumps(describe(app, socketio, mode, host, port))
    except Exception:  # nobody else would hear of it: this runs by itself
        traceback.print_exc()
        os._exit(2)
    # Start-up leaves a full collection due, of tens of milliseconds, that would fall into the first
    # seconds of some servers and not of others. It is part of starting: over before READY.
    gc.collect()
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while True:
        try:
            socket.create_connection((reachable, port), timeout=1).close()
            break
        except OSError:
            socketio.sleep(0.01)
    shown = f"[{reachable}]" if ":" in reachable else reachable
    with suppress(OSError):
        print(f"{mode}: http://{shown}:{port}/ (Ctrl-C ends it)", file=sys.stderr, flush=True)
    if not sys.stdout.isatty():  # a program is there to read it
        with suppress(OSError):  # or is no more, or the disk is full: others may still come
            print(line, flush=True)


def _open_what_is_closed() -> None:
    """Have a standard stream that is closed lead nowhere: a socket would get its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # It takes the lowest number that is free, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _free_port(host: str, port: int) -> int:
    """Check that the port can be bound, and choose one for 0."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the servers bind: a port in TIME_WAIT is free, one that somebody listens on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            _refuse(f"port {port} does not exist; give one from 1 to 65535, or 0 for a free one")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                _refuse(
                    f"port {port} on {host} is taken; choose another with --port, "
                    "or 0 for a free one"
                )
            _refuse(f"cannot listen on {host}:{port}: {error.strerror or error}")
        bound: int = probe.getsockname()[1]
        return bound


def _stop(_number: int, _frame: Any) -> NoReturn:
    # Not SystemExit: the handler may run inside any request, and python-engineio's bare `except:`
    # clauses would swallow it. There is nothing to lose: the journal is unbuffered.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(0)


def _mode(text: str) -> str:
    if text not in ADAPTERS:
        close = difflib.get_close_matches(text, ADAPTERS, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise argparse.ArgumentTypeError(f"{text!r} is none; {guess}known: {', '.join(ADAPTERS)}")
    return text


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def _refuse(reason: str) -> NoReturn:
    print(f"{NAME}: {reason}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
