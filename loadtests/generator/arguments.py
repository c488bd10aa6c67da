"""What a command line may be given, refused in one line where it makes no sense."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from loadtests.client.told import OPTIONS
from loadtests.record.command_line import system_words
from loadtests.record.label import problem_of
from loadtests.record.words import Transport
from loadtests.run.experiment import PROFILES
from loadtests.scenarios.registry import SCENARIOS
from servers.modes import ADAPTERS

_OR = {"echo": "; or acknowledgement, which is the default.", "broadcast": "."}

#: A whole number from 1 on.
COUNT = click.IntRange(min=1)


class Numbers(click.FloatRange):
    """Numbers within bounds, which is what nan is not."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See click."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):  # which is neither above nor below
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


#: A time above 0, up to an hour.
SECONDS = Numbers(min=0, min_open=True, max=3600)


class _Names(click.ParamType[list[str]]):
    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[str]:
        if isinstance(value, list):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        if not names:
            self.fail("no name is given.", param, ctx)
        return names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that could go on behind the last comma; the option's own name says of what."""
        there = {"modes": ADAPTERS, "transports": list(Transport), "scenarios": SCENARIOS}
        said, comma, begun = incomplete.rpartition(",")
        return [
            CompletionItem(said + comma + name)
            for name in there.get(param.name or "", ())
            if name.startswith(begun) and name not in said.split(",")
        ]


#: ``a,b``
NAMES = _Names()


class _Experiment(click.ParamType[str]):
    name = "experiment"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The profiles; files where none begins like that."""
        known = sorted(path.stem for path in PROFILES.glob("*.toml"))
        fitting = [CompletionItem(name) for name in known if name.startswith(incomplete)]
        return fitting or [CompletionItem(incomplete, type="file")]


#: A profile's name or a TOML file.
EXPERIMENT = _Experiment()


class _Label(click.ParamType[str]):
    name = "label"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        label = str(value)
        if problem := problem_of(label):
            self.fail(problem, param, ctx)
        return label


#: What stands for a mode: in names of files, charts and summary.csv.
LABEL = _Label()


class _Place(click.ParamType[Path]):
    name = "path"

    def __init__(self, *, folder: bool) -> None:
        self._folder = folder

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(value)
        try:
            # JSON, which tells other processes where to write, has no other bytes.
            str(path.absolute()).encode()
        except UnicodeEncodeError:
            self.fail(f"{str(path)!r} is not UTF-8, or the locale is not.", param, ctx)
        try:
            is_there, is_folder = path.exists(), path.is_dir()
        except (
            OSError
        ) as error:  # too long a name, or a folder above it that may not be looked into
            self.fail(f"{system_words(error)}.", param, ctx)
        if is_there and is_folder is not self._folder:
            self.fail(f"{path} is a {'file' if self._folder else 'folder'}.", param, ctx)
        return path


#: A file, and a folder, that will be written.
FILE, FOLDER = _Place(folder=False), _Place(folder=True)


def beside(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command that measures the option to do so while another one does."""
    option = click.option(
        "--beside",
        is_flag=True,
        envvar="TRANSPORT_BENCH_BESIDE",
        help="Measure even while another run on this machine does.",
    )
    decorated: Callable[..., int] = option(command)
    return decorated


def messages(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options for messages of somebody's own application."""
    command = click.option(
        "--first",
        multiple=True,
        metavar="JSON",
        help="What each client says before: an event, data and answer.",
    )(command)
    command = click.option(
        "--echo-matched-by",
        type=click.Choice(["payload", "order"]),
        help="How the event that answers finds its message.",
    )(command)
    for kind, answer in (("broadcast", "that brings it to everybody"), ("echo", "that answers")):
        for part, metavar, text in (
            ("answer", "EVENT", f"The event {answer}" + _OR[kind]),
            ("data", "JSON", "Its data, with {{payload}} where messages may differ."),
            ("event", "EVENT", f"What to send for {kind}, to an application of your own."),
        ):
            command = click.option(f"--{kind}-{part}", metavar=metavar, help=text)(command)
    return command


def connections(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options for what connections are told."""
    options = [
        click.option(each.name, multiple=each.repeatable, metavar=each.form, help=each.help)
        if each.form
        else click.option(each.name, is_flag=True, help=each.help)
        for each in OPTIONS
    ]
    options.append(
        click.option(
            "--no-compression",
            is_flag=True,
            help="Do not offer to compress WebSocket messages, as browsers do.",
        )
    )
    for option in reversed(options):
        command = option(command)
    return command
