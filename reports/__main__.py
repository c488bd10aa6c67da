"""``python -m reports``: explain runs.

``build RUN`` writes what docs/result-format.md lists; ``disconnect RESULT...`` docs/disconnect.md,
``answers RESULT...`` docs/answers.md; ``compare BASE HEAD`` holds two runs against each other;
``gate FOLDER`` explains a ``gate.json``; ``advise RUN`` says who bears a load; ``docs`` and
``site OUT`` write what the project publishes of its own results.
"""

from __future__ import annotations

from loadtests.record import command_line

NAME = "python -m reports"

if __name__ == "__main__":
    command_line.begin(NAME)

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from loadtests import ROOT
from loadtests.record import files
from loadtests.record.exits import Exit
from loadtests.record.gate import FILE_NAME as GATE
from loadtests.record.gate import read as read_gate
from loadtests.record.places import RUNS
from loadtests.record.results import FILE_NAME as RESULT
from loadtests.record.results import ResultError, read
from reports.facts import loads
from reports.facts.errors import ReportError, WriteError
from reports.facts.loads import Needs
from reports.facts.text import shown
from reports.pages.asking import Rate, Time, needs_of
from reports.summary import summarise

_PATH = click.Path(path_type=Path)
#: An error is one line, however much of a file it quotes.
_LINE = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the arguments are those of the command line if None.

    Returns:
        The exit code.
    """
    return command_line.run(cli, NAME, arguments)


@click.group(cls=command_line.Commands, no_args_is_help=False)
def cli() -> None:
    """Explain the results of a run.

    Exit codes: 0 fine; 2 the call or a file is wrong; 4 a measurement failed or is missing.
    """


@cli.command()
@click.argument("run", type=_PATH, default=RUNS / "latest")
@click.option("--quiet", is_flag=True, help="Print the page's path only.")
@click.option(
    "--reference",
    metavar="MODE",
    help="Hold the other modes against this one (eventlet if not given).",
)
def build(run: Path, quiet: bool, reference: str | None) -> int:
    """Write tables, charts and the page of a run.

    RUN is a run folder or its result.json (default: the latest run), or the folder of a gate.
    """
    if run == RUNS / "latest" and not run.exists():
        problem = f"there is no run in {RUNS} yet; say where yours is. See --help."
        return command_line.complain(f"{NAME} build", problem, Exit.WRONG_CALL)
    of_gate = (run / GATE).is_file() and not (run / RESULT).exists()
    if of_gate:
        return _explained(lambda: _gate(run, quiet=quiet))
    return _explained(lambda: _build(run, quiet=quiet, reference=reference))


@cli.command()
@click.argument("results", type=_PATH, nargs=-1, required=True, metavar="RESULT...")
@click.option(
    "--out",
    type=_PATH,
    metavar="FILE",
    help="The page; its charts go into images/ beside it (printed, without charts, if absent).",
)
def disconnect(results: Sequence[Path], out: Path | None) -> int:
    """Write docs/disconnect.md from results, and its charts beside it.

    RESULT is a result file or a run folder; the page's short answer comes from the first.
    """
    return _explained(lambda: _disconnect(results, out))


@cli.command()
@click.argument("results", type=_PATH, nargs=-1, required=True, metavar="RESULT...")
@click.option("--out", type=_PATH, metavar="FILE", help="The page (printed if absent).")
def answers(results: Sequence[Path], out: Path | None) -> int:
    """Write docs/answers.md from results: what people ask, with numbers.

    RESULT is a result file or a run folder; each question is answered from the one with the most
    trials of its numbers, and one that none answers is an error.
    """
    return _explained(lambda: _answers(results, out))


@cli.command()
def docs() -> int:
    """Write what README and docs/ have of docs/results: tables, sentences, pictures."""
    return _explained(_docs)


@cli.command()
@click.argument("out", type=_PATH)
def site(out: Path) -> int:
    """Write the pages of docs/results into OUT: every run's, and one that lists them."""
    return _explained(lambda: _site(out))


@cli.command()
@click.argument("base", type=_PATH)
@click.argument("head", type=_PATH)
@click.option(
    "--out",
    type=_PATH,
    metavar="DIR",
    help="Where the page goes; made if absent (compare/ beside the result of HEAD if not given).",
)
def compare(base: Path, head: Path, out: Path | None) -> int:
    """Hold a stored run against another: advice, never a failure.

    BASE and HEAD are run folders or their result.json. Where they come from two machines nothing is
    called faster or slower. Writes index.html, compare.md and compare.json.
    """
    return _explained(lambda: _compare(base, head, out))


@cli.command()
@click.argument("folder", type=_PATH)
@click.option("--quiet", is_flag=True, help="Print the page's path only.")
def gate(folder: Path, quiet: bool) -> int:
    """Write the pages of a gate.

    FOLDER holds gate.json. The exit code is about writing; what the gate decided is in the file. On
    GitHub it adds to the job's summary, and says in one line what got slower.
    """
    return _explained(lambda: _gate(folder, quiet=quiet))


@cli.command()
@click.argument("run", type=_PATH)
@click.option(
    "--clients", type=click.IntRange(*loads.CLIENTS), required=True, help="Connected at once."
)
@click.option("--echo-rate", type=Rate(), help="Messages per second of each client.")
@click.option(
    "--broadcast-rate",
    type=Rate(),
    help="Broadcasts per second of the whole application, each to all clients.",
)
@click.option(
    "--p99", type=Time(loads.P99_MS), help="Within this 99 of 100 echoes and copies, as in 100ms."
)
@click.option(
    "--detect-within",
    type=Time(loads.DETECT_MS),
    help="Within this a client that fell silent is noticed, as in 10s.",
)
@click.option("--json", "is_json", is_flag=True, help="Print it as JSON.")
def advise(
    run: Path,
    clients: int,
    echo_rate: float | None,
    broadcast_rate: float | None,
    p99: float | None,
    detect_within: float | None,
    is_json: bool,
) -> int:
    """Say which cells bear a load, by what a run measured.

    RUN is a run folder or its result.json. Each need is met, not met or not measured, and why;
    nothing is read off beyond what was measured.
    """
    needs = needs_of(clients, echo_rate, broadcast_rate, p99, detect_within)
    return _explained(lambda: _advise(run, needs, is_json=is_json))


def _explained(act: Callable[[], Exit]) -> Exit:
    """What a command comes to, if files and results are as they should be."""
    try:
        return act()
    except WriteError as error:
        return command_line.complain(NAME, str(error), Exit.FAILED)
    except (ResultError, ReportError) as error:
        return command_line.complain(NAME, shown(str(error), _LINE), Exit.WRONG_CALL)
    except OSError as error:  # what is read says ResultError: this was to be written
        return command_line.complain(NAME, command_line.system_words(error), Exit.FAILED)
    except KeyboardInterrupt:
        return command_line.complain(NAME, "interrupted; run it again", Exit.FAILED)


def _disconnect(results: Sequence[Path], out: Path | None) -> Exit:
    summaries = [summarise(read(path)) for path in results]
    from reports.pages.disconnect import render

    if out is None:
        print(render(summaries), end="")
        return Exit.FINE
    from reports.pages.pictures import draw_into

    text = render(summaries, draw_into(summaries, out.parent / "images"))
    files.replace(out, text.encode())
    print(out)
    return Exit.FINE


def _answers(results: Sequence[Path], out: Path | None) -> Exit:
    from reports.pages.answers import render

    text = render([summarise(read(path)) for path in results])
    if out is None:
        print(text, end="")
    else:
        files.replace(out, text.encode())
        print(out)
    return Exit.FINE


def _docs() -> Exit:
    from reports.pages.documents import write

    for path in write(ROOT):
        print(path.relative_to(ROOT))
    return Exit.FINE


def _site(out: Path) -> Exit:
    from reports.site import write_site

    print(write_site(ROOT, out))
    return Exit.FINE


def _build(run: Path, *, quiet: bool, reference: str | None) -> Exit:
    summary = summarise(read(run), reference)
    # matplotlib takes a second to load, which a wrong call need not wait for.
    from reports.build import build
    from reports.pages.terminal import console, show

    page = build(summary, run if run.is_dir() else run.parent)
    if not quiet:
        show(summary, console())
    print(page)
    return Exit.FAILED if summary.failed else Exit.FINE


def _compare(base: Path, head: Path, out: Path | None) -> Exit:
    from reports.facts.sides import beside

    found = beside(summarise(read(base)), summarise(read(head)))
    from reports.build import build_comparison
    from reports.pages.compare import show
    from reports.pages.terminal import console

    folder = out or (head if head.is_dir() else head.parent) / "compare"
    page = build_comparison(found, folder)
    show(found, console())
    print(page)
    return Exit.FINE


def _advise(run: Path, needs: Needs, *, is_json: bool) -> Exit:
    from reports.facts.run import facts_of
    from reports.pages.advise import as_json, show, told_of
    from reports.pages.terminal import console

    told = told_of(facts_of(read(run)), needs)
    if is_json:
        print(as_json(told), end="")
    else:
        show(told, console())
    return Exit.FINE


def _gate(folder: Path, *, quiet: bool) -> Exit:
    from reports.facts.gating import checked

    found = checked(read_gate(folder))
    from reports.build import build_gate
    from reports.pages import github
    from reports.pages.gate import show
    from reports.pages.gate_markdown import gate_markdown
    from reports.pages.terminal import console

    page = build_gate(found, folder if folder.is_dir() else folder.parent)
    if not quiet:
        show(found, console())
    github.append_summary(gate_markdown(found), os.environ)
    line = github.annotation(found, os.environ)
    if line is not None:
        print(line)
    print(page)
    return Exit.FINE


if __name__ == "__main__":
    command_line.run_as_program(cli, NAME)
