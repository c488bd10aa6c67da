"""``transport-bench serve MODE``: becomes ``python -m servers MODE``.

Another program, not a function of this one: a mode patches the standard library before anything is
imported, and here something is.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from loadtests.record.places import NODE
from servers.modes import ADAPTERS
from transport_bench import ROOMS


class _Word(click.ParamType[str]):
    name = "word"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The modes: options are the other program's."""
        return [CompletionItem(mode) for mode in ADAPTERS if mode.startswith(incomplete)]


@click.command(
    "serve",
    # All of it is for the other program, --help too.
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=_Word())
def command(words: tuple[str, ...]) -> NoReturn:
    """Serve the application under test, until Ctrl-C."""
    path = os.pathsep.join(filter(None, [str(ROOMS), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "TRANSPORT_BENCH_NODE": str(NODE)}
    sys.stdout.flush()
    sys.stderr.flush()
    # -P: a servers/ in the folder where the user is would be found first.
    os.execve(sys.executable, [sys.executable, "-P", "-m", "servers", *words], environment)
