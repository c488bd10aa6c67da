"""``transport-bench completion SHELL``: what completes the command's words in a shell.

click's own: what it prints calls the command again for each word, with a variable that asks it for
completions in place of doing anything.
"""

from __future__ import annotations

from collections.abc import Mapping

import click
from click.shell_completion import get_completion_class, shell_complete

from loadtests.record import command_line
from loadtests.record.exits import Exit
from transport_bench import PROGRAM

SHELLS = ("bash", "zsh")
#: The variable that asks, under the name that click makes of a program's.
VARIABLE = f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE"


def is_asked(environment: Mapping[str, str]) -> bool:
    """Whether a shell wants to know how a word goes on.

    Args:
        environment: of this process.
    """
    return environment.get(VARIABLE, "").endswith("_complete")


def answer(program: click.Command, environment: Mapping[str, str]) -> int:
    """Print the completions that the shell asks for.

    Args:
        program: whose words they are.
        environment: says of which shell, and the words so far.

    Returns:
        The exit code.
    """
    return shell_complete(program, {}, PROGRAM, VARIABLE, environment[VARIABLE])


def script(shell: str) -> str:
    """What a shell reads once, so that it can ask.

    Args:
        shell: one of ``SHELLS``.
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows these"
    # Its source() would run a bash to look at its age, and complain in two lines.
    template = kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE)
    return template.source_template % template.source_vars()


@click.command("completion", cls=command_line.Command)
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
def command(shell: str) -> int:
    """Print what completes the names of commands, modes, transports, scenarios and profiles.

    In ~/.bashrc: eval "$(transport-bench completion bash)". In ~/.zshrc, below compinit: eval
    "$(transport-bench completion zsh)". Bash 4.4 or later.
    """
    print(script(shell))
    return Exit.FINE
