"""Serves somebody else's application: ``python elsewhere.py --app MODULE:OBJECT MODE``.

Run by its path, in the interpreter that has the application. Nothing of ours is on the import path
then: a ``servers.py`` or an ``app.py`` of theirs is what they import by that name.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import argparse

    from flask import Flask
    from flask_socketio import SocketIO

#: The namespace beside theirs that has the events which every scenario knows.
NAMESPACE = "/transport-bench"
#: What this package is called in their process.
_OURS = "_transport_bench_servers"
#: What the modes' own code needs.
OLDEST = (3, 10)
#: With this word alone it says which modes can be served here.
MODES = "--modes"


class Unusable(Exception):
    """The application cannot be served; one line says why."""


def main() -> None:
    """Serve it until told to stop."""
    _leave_the_path()
    if sys.version_info < OLDEST:
        _refuse(f"{sys.executable} is Python {sys.version.split()[0]}; 3.10 or later can serve")
    program = _ours("__main__")
    if importlib.util.find_spec("flask_socketio") is None:
        _refuse(f"{sys.executable} has no Flask-SocketIO; run: pip install flask-socketio")
    if sys.argv[1:] == [MODES]:
        found = {name: each.MODE.missing() for name, each in program.ADAPTERS.items()}
        print(json.dumps(found))
        return
    arguments = program.parser()
    arguments.prog = "transport-bench"
    arguments.add_argument("--app", required=True, metavar="MODULE:OBJECT")
    arguments.add_argument("--keep-heartbeat", action="store_true")
    arguments.add_argument("--made-of", type=_made_of, metavar="FILE", help="what it must be")
    program.main(arguments=arguments, make=_made)


def _leave_the_path() -> None:
    """Have the folder where this runs in place of the one where this file is."""
    here = Path(__file__).resolve().parent
    kept = [each for each in sys.path if Path(each or ".").resolve() not in (here, here.parent)]
    sys.path[:] = list(dict.fromkeys([str(Path.cwd()), *kept]))


def _ours(module: str) -> Any:
    """A module of this package, under a name that nobody else has."""
    if _OURS not in sys.modules:
        here = Path(__file__).resolve().parent
        spec = importlib.util.spec_from_file_location(
            _OURS, here / "__init__.py", submodule_search_locations=[str(here)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = sys.modules[_OURS] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
    return importlib.import_module(f"{_OURS}.{module}")


def _made(options: argparse.Namespace) -> tuple[Flask, SocketIO]:
    """Their application, with our namespace beside their own."""
    try:
        wanted = _ours("modes").ADAPTERS[options.mode].MODE
        app, socketio = _imported(options, wanted.async_mode)
        if options.made_of is not None:
            _check_origin(options.made_of)
        if socketio.async_mode != wanted.async_mode:
            raise Unusable(
                f"{options.app} has async_mode={socketio.async_mode!r} in its code, so it cannot "
                f"be served in mode {options.mode}"
            )
    except Unusable as error:
        _refuse(str(error))
    if options.made_of is not None:
        _ours("proof").served = options.made_of["files"]
    add_beside(socketio, _ours("journal").Journal(options.journal) if options.journal else None)
    return app, socketio


def add_beside(socketio: SocketIO, journal: Any = None) -> None:
    """Give an application the namespace beside its own.

    Args:
        socketio: its own.
        journal: see ``app.create_app``.
    """
    _ours("app").add_events(socketio, NAMESPACE, journal, says_who_goes=False)


def _imported(options: argparse.Namespace, async_mode: str) -> tuple[Flask, SocketIO]:
    os.environ.pop("FLASK_RUN_FROM_CLI", None)  # Flask-SocketIO would take threads for that
    try:
        import flask_socketio
    except ImportError as error:
        raise Unusable(f"{sys.executable} has no Flask-SocketIO ({error})") from error
    _prefer(options, async_mode)
    if options.made_of is not None:
        _check_place(options.app)
    served, flask_socketio.SocketIO.run = flask_socketio.SocketIO.run, _run_at_import
    try:
        return _both(_object(options.app), options.app)
    finally:
        flask_socketio.SocketIO.run = served
        print(flush=True)  # READY is a line of its own, whatever was printed before


def _check_place(named: str) -> None:
    """See that the application is in the folder where this runs, and not installed elsewhere.

    Raises:
        Unusable: it would be imported from another place.
    """
    package = named.partition(":")[0].partition(".")[0]
    found = importlib.util.find_spec(package)
    places = [] if found is None else [found.origin, *(found.submodule_search_locations or [])]
    if found is not None and not any(
        each and Path(each).resolve().is_relative_to(Path.cwd()) for each in places
    ):
        raise Unusable(
            f"{package} would be imported from an installation and not from the version that is "
            "to be compared; say by --app-dir where it lies in its repository"
        )


def _made_of(path: str) -> dict[str, Any]:
    """The files that it is to be made of, where these are, and where they come from."""
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="ascii"))
    return found


def _check_origin(made_of: dict[str, Any]) -> None:
    """See that nothing was imported from where somebody works on it, as what is installed there.

    Raises:
        Unusable: a module is; it would be the same in every version.
    """
    origin = Path(made_of["origin"]).resolve()
    others = [Path(each).resolve() for each in (made_of["laid_out"], sys.prefix, sys.base_prefix)]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name.partition(".")[0] in ("__main__", _OURS):
            continue
        path = Path(file).resolve()
        if path.is_relative_to(origin) and not any(map(path.is_relative_to, others)):
            raise Unusable(
                f"{name} is imported from the working tree ({path.relative_to(origin)}) and not "
                "from the version that is to be compared: is it installed there as editable, or on "
                "PYTHONPATH?"
            )


def _prefer(options: argparse.Namespace, async_mode: str) -> None:
    """Have servers be made as they are wanted, where the application does not say otherwise.

    A heartbeat that a scenario is about is not the application's to choose.
    """
    import socketio

    usual = {"async_mode": async_mode}
    heartbeat = {"ping_interval": options.ping_interval, "ping_timeout": options.ping_timeout}
    made = socketio.Server.__init__

    def init(self: Any, *arguments: Any, **given: Any) -> None:
        # What one server publishes in a queue that all of them have is not for the others' clients.
        queue = given.get("client_manager")
        if queue is not None and hasattr(queue, "channel"):
            queue.channel = f"{queue.channel}-transport-bench-{os.getpid()}"
        for name, value in usual.items():
            if given.get(name) is None:
                given[name] = value
        for name, value in heartbeat.items():
            if not options.keep_heartbeat or given.get(name) is None:
                given[name] = value
        made(self, *arguments, **given)

    socketio.Server.__init__ = init


def _run_at_import(*_: Any, **__: Any) -> NoReturn:
    raise Unusable(
        "the application calls socketio.run() as it is imported; put that under "
        'if __name__ == "__main__":'
    )


def _object(named: str) -> Any:
    """What ``MODULE:OBJECT`` names.

    Raises:
        Unusable: there is no such.
    """
    module, colon, name = named.partition(":")
    if not (module and colon and name):
        raise Unusable(f"--app {named}: give MODULE:OBJECT, such as app:socketio")
    found = _attempted(f"{module} cannot be imported", lambda: importlib.import_module(module))
    for part in name.split("."):
        if part not in dir(found):
            public = [each for each in dir(found) if not each.startswith("_")]
            raise Unusable(f"{module} has no {name}; it has {', '.join(sorted(public)[:20])}")
        owner = found
        found = _attempted(f"{named} cannot be had", lambda: getattr(owner, part))  # noqa: B023  # at once
    return found


def _attempted(problem: str, act: Callable[[], Any]) -> Any:
    """What their code gives.

    Raises:
        Unusable: it raises; the last line of its traceback and where, all of it is in the log.
    """
    try:
        return act()
    except Unusable:
        raise
    except BaseException as error:  # sys.exit at import is one as well
        traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        # Where it lies is nobody else's business: the reason goes into files that are passed on.
        words = str(error).replace(f"{Path.cwd()}{os.sep}", "").replace(str(Path.home()), "~")
        said = f"{type(error).__name__}: {words}".rstrip(": ")
        place = f"{Path(last.filename).name}, line {last.lineno}"
        raise Unusable(f"{problem}: {said} ({place})") from error


def _both(found: Any, named: str) -> tuple[Flask, SocketIO]:
    """The Flask application and its SocketIO, of either, or of what makes them.

    Raises:
        Unusable: it is none of these.
    """
    from flask import Flask
    from flask_socketio import SocketIO

    if callable(found) and not isinstance(found, (Flask, SocketIO)):
        found = _attempted(f"{named}() raises", found)
    each = found if isinstance(found, tuple) else (found,)
    socketio = next((one for one in each if isinstance(one, SocketIO)), None)
    app = next((one for one in each if isinstance(one, Flask)), None)
    if socketio is None and app is not None:
        socketio = app.extensions.get("socketio")
        if socketio is None:
            raise Unusable(f"{named} is a Flask application without a SocketIO")
    if socketio is None:
        raise Unusable(
            f"{named} is no SocketIO, no Flask application that has one, and nothing that makes "
            f"these: it is {type(found).__name__}"
        )
    if getattr(socketio, "server", None) is None:
        raise Unusable(
            f"{named} has no application yet; name what calls its init_app, such as a factory"
        )
    return app or socketio.sockio_mw.flask_app, socketio


def _refuse(reason: str) -> NoReturn:
    sys.stdout.flush()
    print(f"transport-bench: {reason}", file=sys.stderr, flush=True)
    # A worker of gunicorn would call SystemExit a crash of its own, and tell of that last.
    os._exit(2)


if __name__ == "__main__":
    main()
