"""What GitHub Actions is told: the job's summary, and one line that it shows beside the change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loadtests.record.exits import Exit
from loadtests.record.gate import Gate
from reports.facts.errors import WriteError
from reports.facts.gating import headline
from reports.facts.text import shown

_TITLE = "transport-bench"
_LONGEST = 1000


def annotation(gate: Gate, environment: Mapping[str, str]) -> str | None:
    """The one line, where GitHub runs this and there is something to say."""
    if not environment.get("GITHUB_ACTIONS"):
        return None
    first = headline(gate)
    if first.tone == "good":
        return None
    bad = gate.exit_code not in (Exit.FINE, Exit.INCONCLUSIVE)
    title = _property(f"{_TITLE}: {first.word.lower()}")
    return f"::{'error' if bad else 'warning'} title={title}::{_data(shown(str(first), _LONGEST))}"


def append_summary(text: str, environment: Mapping[str, str]) -> None:
    """Add a page to the job's summary, where there is one.

    Raises:
        WriteError: it cannot be written.
    """
    name = environment.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WriteError(
            f"GITHUB_STEP_SUMMARY: {name} cannot be written: {error.strerror}; "
            "unset it to do without"
        ) from error


def inert(text: str) -> str:
    """A line for the log, in which no command of the runner's is read.

    The runner reads ``::name::`` at the beginning of a line, and its older form anywhere in one
    (actions/runner, ActionCommand.cs).
    """
    apart = text.replace("##[", "## [")
    return apart.replace("::", ": :") if apart.lstrip().startswith("::") else apart


def _data(text: str) -> str:
    """As the runner reads a message (actions/toolkit, command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
