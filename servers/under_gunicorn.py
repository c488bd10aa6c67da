"""Serving under gunicorn: a master that watches over one worker, which makes the application."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .modes import Application

_PR_SET_PDEATHSIG = 1  # prctl(2)
#: How long the master waits for its worker, which ends at once.
_GRACE_S = 1


def run(application: Application, host: str, port: int, **settings: Any) -> None:
    """Serve until the process is told to stop.

    Args:
        application: made in the worker, after its patching.
        host: interface.
        port: to listen on.
        settings: gunicorn's own, by their names in its configuration.
    """
    from gunicorn.app.base import BaseApplication

    class Served(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            defaults = {
                "bind": address,
                "workers": 1,
                "graceful_timeout": _GRACE_S,
                "timeout": 0,  # a worker that was stopped and goes on is to be the same
                "loglevel": "warning",
                "control_socket_disable": True,  # it would be a file in the user's home
                "when_ready": _end_with_the_terminal,
                "post_fork": _end_with_the_master,
                "post_worker_init": _end_at_once,
                "child_exit": _end_with_the_worker,
            }
            for name, value in (defaults | settings).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            app, _socketio = application()
            return app

    Served().run()


def _end_with_the_terminal(_arbiter: Any) -> None:
    """To gunicorn a hangup means to load the application again: it would stay, with no terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _end_at_once(_worker: Any) -> None:
    """What is open is not waited for, as in the other modes; WebSockets never end by themselves."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: os._exit(0))


def _end_with_the_worker(arbiter: Any, _worker: Any) -> None:
    """A server that died is not to be another one by now."""
    if arbiter.LISTENERS:  # none any more where it was asked to stop (gunicorn.arbiter, 27)
        from gunicorn.errors import HaltServer

        raise HaltServer("the worker died", exit_status=4)


def _end_with_the_master(_arbiter: Any, worker: Any) -> None:
    """A worker whose master is killed would go on serving for as long as it takes to look."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != worker.ppid:  # it went before this was set
            os._exit(1)
