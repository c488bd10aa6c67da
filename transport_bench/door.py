"""Which room answers to which command. None is loaded before it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from loadtests import __version__
from loadtests.record import command_line
from transport_bench import PROGRAM


@dataclass(frozen=True, slots=True)
class Route:
    """Where a command is.

    Attributes:
        module: that has it, as ``command`` or as one of its ``cli``.
        help: a few words for the list of all.
        name: in that ``cli``; None for ``command``.
    """

    module: str
    help: str
    name: str | None = None

    def command(self) -> click.Command:
        """The command, of a module that is loaded now."""
        module = import_module(self.module)
        found: click.Command
        found = module.command if self.name is None else module.cli.commands[self.name]
        return found


_MEASURES, _EXPLAINS = "loadtests.__main__", "reports.__main__"

#: In the order in which somebody comes to need them.
ROUTES = {
    "run": Route(_MEASURES, "Measure modes and transports, then write the report.", "run"),
    "report": Route(_EXPLAINS, "Write the report of a run again.", "build"),
    "advise": Route(_EXPLAINS, "Say which cells of a run bear a load of your own.", "advise"),
    "compare": Route(_EXPLAINS, "Hold a stored run against another.", "compare"),
    "gate": Route(_MEASURES, "Say whether one version is slower than another.", "gate"),
    "serve": Route("transport_bench.serve", "Serve the application under test, with a page."),
    "init": Route("transport_bench.init", "Write an experiment and a workflow for an application."),
    "doctor": Route("transport_bench.doctor", "Say what this machine lacks, and what that costs."),
    "calibrate": Route(_MEASURES, "Measure the load generator itself.", "calibrate"),
    "noise": Route(_MEASURES, "Say how small a difference this machine can tell.", "noise"),
    "bench-client": Route(_MEASURES, "Compare our load client with others.", "bench-client"),
    "completion": Route("transport_bench.completion", "Print what completes words in a shell."),
}


class Door(command_line.Commands):
    """A group that loads the command which is called, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click."""
        return list(ROUTES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click."""
        return ROUTES[cmd_name].command() if cmd_name in ROUTES else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click, which would look for the nearest name among those that are loaded."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=ROUTES, ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click, which would load them all for their first sentences."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, route.help) for name, route in ROUTES.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """See click; the same."""
        fitting = {name: each for name, each in ROUTES.items() if name.startswith(incomplete)}
        commands = [CompletionItem(name, help=each.help) for name, each in fitting.items()]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(PROGRAM, cls=Door, no_args_is_help=False)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli(**_options: Any) -> None:
    """Eventlet, gevent or plain Flask? WebSocket or long-polling? Measured on your machine.

    Exit codes: 0 fine; 2 the call or a file is wrong; 3 inconclusive (gate); 4 a measurement failed
    or is missing; 99 gate found head slower, or bench-client a target that is not met.
    """
