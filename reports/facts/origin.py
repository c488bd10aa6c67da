"""Where the numbers of a result come from, in a line: the day, the machine, the versions."""

from __future__ import annotations

from typing import Any

from loadtests.record.results import Result
from reports.facts.run import python_name

#: What the numbers depend on, of all that is installed.
_PACKAGES = (
    "flask-socketio",
    "python-socketio",
    "python-engineio",
    "eventlet",
    "gevent",
    "simple-websocket",
    "werkzeug",
)


def where(result: Result) -> str:
    """``2026-11-22, AMD EPYC, 2 cores, Linux 6.1, Python 3.11.7; flask-socketio 5.7.0, …``."""
    environment = result.environment
    packages = environment.get("packages")
    listed: dict[str, Any] = packages if isinstance(packages, dict) else {}
    machine = [
        result.started[:10],
        environment.get("cpu"),
        f"{environment['cores']} cores" if environment.get("cores") else None,
        " ".join(str(environment[key]) for key in ("system", "kernel") if environment.get(key)),
        python_name(str(environment.get("python") or "")),
    ]
    versions = [f"{name} {listed[name]}" for name in _PACKAGES if listed.get(name)]
    parts = [", ".join(str(part) for part in machine if part), ", ".join(versions)]
    return "; ".join(part for part in parts if part)
