"""Names of commands as whoever called one knows them.

From a checkout there are ``make`` and ``python -m``; installed, one command stands for all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

#: Set where the installed command was called, for all processes of it. ``servers/__main__.py``,
#: which imports nothing of ours, reads it too.
VARIABLE = "TRANSPORT_BENCH_COMMAND"

#: What is said in a checkout -> what follows the installed command's name, the longest first.
_INSTALLED = {
    "python -m loadtests": "",
    "python -m reports build": " report",
    "python -m reports gate": " report",
    "python -m reports": "",
    "make calibrate": " calibrate",
    "make node": " doctor --install",
}


def command(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """A command's name, for messages.

    Args:
        name: in a checkout, such as ``python -m loadtests gate``.
        environment: says what was called.

    Returns:
        The name with which it can be called again.
    """
    program = environment.get(VARIABLE)
    if not program:
        return name
    for said, stands in _INSTALLED.items():
        if name == said or name.startswith(f"{said} "):
            return program + stands + name.removeprefix(said)
    return name


#: Extra of ours -> what it brings (pyproject.toml).
_EXTRAS = {"browser": "playwright"}


def package(extra: str, environment: Mapping[str, str] = os.environ) -> str:
    """The command that installs what an extra of ours has.

    Args:
        extra: its name.
        environment: says what was called.
    """
    # Not the extra's own name: where this package came from only who installed it knows.
    return f"pip install {_EXTRAS[extra]}" if environment.get(VARIABLE) else "make setup"
