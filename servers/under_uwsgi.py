"""Serving under uWSGI: a master, a router that speaks HTTP, a worker that makes the application.

uWSGI is a program with a Python of its own inside, so nothing that was imported here can be handed
to it. The process becomes uWSGI instead, whose worker runs the same program with the same arguments
once more, as multiprocessing's "spawn" does, up to where it would serve.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from socket import SOMAXCONN
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from .modes import Application

_ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = Path(sysconfig.get_path("scripts")) / "uwsgi"
#: What the worker needs to run the program again. uWSGI takes variables in UWSGI_ for options.
_AGAIN = "SERVED_UNDER_UWSGI"
#: How long the master waits for its worker, which ends at once.
_GRACE_S = 1
_HIGHEST_BACKLOG = Path("/proc/sys/net/core/somaxconn")

#: What the program has made, in the worker.
_made: list[Flask] = []
_port: int | None = None


def is_inside() -> bool:
    """Whether this process is uWSGI's; its own module exists there only."""
    return "uwsgi" in sys.modules


def require() -> None:
    """Find uWSGI, with all that it needs for WebSocket.

    Raises:
        ImportError: it is not installed, or was built without.
    """
    try:
        import_module("uwsgidecorators")  # the one that the package installs
    except ModuleNotFoundError as error:
        if error.name != "uwsgi":  # which it imports, and which exists inside only
            raise
    if not _PROGRAM.is_file():
        raise ImportError(f"{_PROGRAM} does not exist")
    built_with = subprocess.run([_PROGRAM, "--cflags"], capture_output=True, text=True, check=False)
    if "-DUWSGI_SSL" not in built_with.stdout.split():
        raise ImportError(
            "the one here was built without OpenSSL, and cannot answer a WebSocket handshake: "
            "pip uninstall uwsgi pyuwsgi; pip cache remove uwsgi; apt install libssl-dev"
        )


def run(application: Application, host: str, port: int, **settings: str | int) -> None:
    """Serve until the process is told to stop.

    Args:
        application: made in the worker, after its patching.
        host: interface.
        port: to listen on.
        settings: uWSGI's own options, with ``_`` for ``-``; True for one that takes no value.
    """
    if is_inside():
        app, _socketio = application()
        _made.append(app)
        return
    again = {"argv": sys.argv, "path": sys.path, "program": _program(), "port": port}
    sys.stdout.flush()
    sys.stderr.flush()
    environment = os.environ | {_AGAIN: json.dumps(again)}
    os.execve(_PROGRAM, command(host, port, settings), environment)


def command(host: str, port: int, settings: Mapping[str, str | int]) -> list[str]:
    """The command line of uWSGI; the arguments are those of ``run``."""
    options: dict[str, str | int] = {
        "strict": True,  # an option that it does not know is an error
        "master": True,
        "processes": 1,
        "http": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "listen": _backlog(),
        "pythonpath": str(_ROOT),
        "module": f"{__name__}:application()",
        "lazy-apps": True,  # in the worker, not in the master before it forks
        "need-app": True,  # ends where there is none; it would answer 500 to everything
        "no-orphans": True,  # a worker dies with its master (prctl(2), PR_SET_PDEATHSIG)
        "die-on-term": True,  # to uWSGI SIGTERM means to start again
        "worker-reload-mercy": _GRACE_S,
        # The same for SIGHUP: it would stay, with no terminal.
        "hook-master-start": f"unix_signal:{signal.SIGHUP:d} kill_them_all",
        "disable-logging": True,  # its line per request
    }
    for name, value in settings.items():
        options[name.replace("_", "-")] = value
    words = [str(_PROGRAM)]
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return words


def application() -> Flask:
    """Run the program again; uWSGI calls this in its worker.

    Raises:
        ChildProcessError: it has done so before, and a server that died is not to be another one.
    """
    # KeyboardInterrupt would leave the worker without an application: to its master, a failure.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.modules["uwsgi"].workers()[0]["respawn_count"]:
        raise ChildProcessError("the worker died")
    again: dict[str, Any] = json.loads(os.environ.pop(_AGAIN))
    sys.argv[:], sys.path[:] = again["argv"], again["path"]
    # uWSGI puts a file on standard error in its place (plugins/python/python_plugin.c, 2.0.31).
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115  # a descriptor
    global _port
    _port = again["port"]
    kind, name = again["program"]
    run = runpy.run_module if kind == "module" else runpy.run_path
    run(name, run_name="__main__")
    [app] = _made
    return app


def port_inside() -> int | None:
    """The port that uWSGI's router has taken, in its worker; None anywhere else.

    There it has been settled, and whom the server may be reached by has been told.
    """
    return _port


def _program() -> tuple[str, str]:
    """What Python was started with: ("module", its name) or ("file", its path)."""
    main = sys.modules["__main__"]
    if main.__spec__ is not None:
        return "module", main.__spec__.name
    path = os.path.abspath(cast("str", main.__file__))  # noqa: PTH100  # links are part of a name
    return "file", path


def _backlog() -> int:
    """As many connections as the system lets wait; uWSGI refuses to start with more."""
    try:
        return int(_HIGHEST_BACKLOG.read_text())
    except OSError:  # only Linux tells
        return min(128, SOMAXCONN)
