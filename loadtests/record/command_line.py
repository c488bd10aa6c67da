"""What the commands of this project have in common: click's, with one line for what is wrong."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Any, NoReturn

import click

from loadtests.record import called, output
from loadtests.record.exits import Exit


class Command(click.Command):
    """A command that takes each option once: of two values one would be lost without a word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click."""
        _values, _rest, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, times in Counter(order).items():
            if times > 1 and isinstance(parameter, click.Option) and not parameter.multiple:
                raise click.UsageError(f"{parameter.opts[0]} is given {times} times.", ctx)
        return super().parse_args(ctx, args)


class Commands(click.Group):
    """Several of them."""

    command_class = Command


def run(command: click.Command, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        command: whose callback returns an exit code.
        name: how it is called, such as ``python -m loadtests``.
        arguments: those of the command line if None.

    Returns:
        The exit code.
    """
    name = called.command(name)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Not click's main(), which would have its own lines and exit codes for what goes wrong.
        with command.make_context(name, given) as context:
            code: int = command.invoke(context)
            return code
    except click.exceptions.Exit as done:  # --help was printed
        return done.exit_code
    except click.UsageError as error:
        program = name if error.ctx is None else error.ctx.command_path
        message = error.format_message()
        end = "" if message.endswith((".", "?")) else "."
        return complain(program, f"{message}{end} See --help.", Exit.WRONG_CALL)
    except KeyboardInterrupt:
        return complain(name, "interrupted", Exit.FAILED)


def begin(name: str) -> None:
    """Before a program imports what takes long: a signal ends it with one line from now on."""
    _handle(partial(_leave, name))


def run_as_program(command: click.Command, name: str) -> NoReturn:
    """The same for a whole process: its output may fail, SIGTERM ends it as Ctrl-C does."""
    standard_output = output.install()
    _handle(_interrupt)
    code = run(command, name)
    sys.stdout.flush()
    if standard_output.failure is not None:
        lost = "what it would have shown is lost, files are not"
        failed = complain(name, f"standard output: {standard_output.failure}; {lost}", Exit.FAILED)
        code = code or failed
    sys.exit(code)


def _handle(act: Callable[[int, FrameType | None], Any]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # a shell's way to say "not this one"
            signal.signal(number, act)


def _leave(name: str, _number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(complain(name, "interrupted", Exit.FAILED))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def complain(name: str, problem: str, code: Exit) -> Exit:
    """Say what is wrong, in one line and without codes that would steer the terminal."""
    line = " ".join(f"{called.command(name)}: {problem}".split())
    print("".join(one if one.isprintable() else "?" for one in line), file=sys.stderr)
    return code


def system_words(error: OSError) -> str:
    """An error of the system with its file, without its number."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}"
