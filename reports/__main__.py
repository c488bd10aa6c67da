"""``python -m reports``: explain runs.

``build RUN`` writes what docs/result-format.md lists; ``disconnect RESULT...`` docs/disconnect.md.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

from loadtests.record.results import ResultError, read
from reports.facts.errors import ReportError
from reports.summary import summarise


class Exit(IntEnum):
    """The exit codes of every command of this project that this room uses."""

    FINE = 0
    USAGE = 2  #: the call or a file is wrong
    MISSING = 4  #: a measurement failed or is missing


class _Parser(argparse.ArgumentParser):
    """One line for an error, not the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those of the command line if None.

    Returns:
        The exit code.
    """
    # A terminal that cannot show "×" gets a "?", not a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        if options.command == "disconnect":
            return _disconnect(options.results, options.out)
        return _build(options.run, quiet=options.quiet)
    except (ResultError, ReportError) as error:
        return _wrong(str(error))
    except OSError as error:
        return _wrong(f"{error.filename or 'a file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("python -m reports: interrupted; run it again", file=sys.stderr)
        return Exit.MISSING


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m reports", description="Explain the results of a run.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="write tables, charts and the page of a run")
    build.add_argument("run", type=Path, metavar="RUN", help="a run folder or its result.json")
    build.add_argument("--quiet", action="store_true", help="print the page's path only")
    disconnect = commands.add_parser(
        "disconnect", help="write docs/disconnect.md from results, and its charts beside it"
    )
    disconnect.add_argument(
        "results",
        type=Path,
        nargs="+",
        metavar="RESULT",
        help="result files or run folders; the page's short answer comes from the first",
    )
    disconnect.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the page; its charts go into images/ beside it (printed, without charts, if absent)",
    )
    return parser


def _disconnect(results: Sequence[Path], out: Path | None) -> int:
    summaries = [summarise(read(path)) for path in results]
    from reports.pages.disconnect import render

    if out is None:
        print(render(summaries), end="")
        return Exit.FINE
    from reports.pages.pictures import draw_into

    text = render(summaries, draw_into(summaries, out.parent / "images"))
    out.write_text(text, encoding="utf-8", newline="\n")
    print(out)
    return Exit.FINE


def _build(run: Path, *, quiet: bool) -> int:
    summary = summarise(read(run))
    # matplotlib takes a second to load, which a wrong call need not wait for.
    from reports.build import build
    from reports.pages.terminal import console, show

    page = build(summary, run if run.is_dir() else run.parent)
    if not quiet:
        show(summary, console())
    print(page)
    return Exit.MISSING if summary.failed else Exit.FINE


def _wrong(message: str) -> int:
    print(f"python -m reports: {' '.join(message.split())}", file=sys.stderr)
    return Exit.USAGE


if __name__ == "__main__":
    sys.exit(main())
