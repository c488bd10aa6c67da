"""What mocha found, as Markdown tables; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Why a test failed that a run does not name: the run ended before its turn.
NOT_RUN = "it was not run"
_LONGEST_REASON = 120


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a suite, or of a part of it.

    Attributes:
        passed: full titles of the tests that passed.
        failed: full title of each that did not -> why, in one line.
    """

    passed: frozenset[str]
    failed: Mapping[str, str]

    @property
    def titles(self) -> frozenset[str]:
        """Every test that it names."""
        return self.passed | frozenset(self.failed)


def parse(report: str) -> Run:
    """Read the output of mocha's JSON reporter.

    mocha names a test more than once if it fails more than once (an error that arrives after its
    end), and among both kinds if it fails after it passed. Here it is one test, and it failed, for
    the reason that came first.

    Raises:
        ValueError: it is no such output.
    """
    try:
        content = json.loads(report)
        failed: dict[str, str] = {}
        for test in content["failures"]:
            failed.setdefault(test["fullTitle"], _reason(test["err"].get("message", "")))
        passed = frozenset(test["fullTitle"] for test in content["passes"])
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"this is no report of mocha's: {error!r}") from None
    return Run(passed - failed.keys(), failed)


def joined(runs: Iterable[Run]) -> Run:
    """Runs of one test each, as one run of all."""
    passed: frozenset[str] = frozenset()
    failed: dict[str, str] = {}
    for run in runs:
        passed |= run.passed
        failed |= run.failed
    return Run(passed - failed.keys(), failed)


def markdown(suite: str, runs: Mapping[str, Sequence[Run]]) -> str:
    """Two tables and the reasons.

    Args:
        suite: its name.
        runs: name of a server -> its runs, at least one of each.
    """
    titles = sorted({title for each in runs.values() for run in each for title in run.titles})
    counts = {
        server: {title: _failures(title, each) for title in titles} for server, each in runs.items()
    }
    lines = [f"### {suite}", "", "| server | passed | failed | varied | tests | runs |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for server, each in runs.items():
        of = counts[server].values()
        passed, failed = sum(n == 0 for n in of), sum(n == len(each) for n in of)
        varied = len(titles) - passed - failed
        cells = (server, passed, failed, varied, len(titles), len(each))
        lines.append(_row(str(cell) for cell in cells))
    failing = [title for title in titles if any(counts[server][title] for server in runs)]
    if failing:
        lines += ["", _row(["failing test", *runs]), _row(["---"] * (1 + len(runs)))]
        for title in failing:
            cells_of = (_cell(counts[server][title], len(each)) for server, each in runs.items())
            lines.append(_row([title, *cells_of]))
        lines += ["", *(line for title in failing for line in _reasons(title, runs))]
    return "\n".join(lines) + "\n"


def _failures(title: str, runs: Sequence[Run]) -> int:
    return sum(title not in run.passed for run in runs)


def _cell(failures: int, runs: int) -> str:
    if failures == 0:
        return ""
    return "fails" if failures == runs else f"{failures} of {runs}"


def _reasons(title: str, runs: Mapping[str, Sequence[Run]]) -> list[str]:
    """The test, and each reason with those who gave it."""
    who: dict[str, dict[str, int]] = {}
    for server, each in runs.items():
        for run in each:
            if title not in run.passed:
                given = who.setdefault(run.failed.get(title, NOT_RUN), {})
                given[server] = given.get(server, 0) + 1
    lines = [f"- {title}"]
    for reason, given in who.items():
        times = (f"{server} {number}×" for server, number in given.items())
        lines.append(f"  - `{reason}`: {', '.join(times)}")
    return lines


def _reason(message: str) -> str:
    """The first line, with nothing that would end a cell or a code span."""
    first = message.strip().splitlines()[0] if message.strip() else "no reason given"
    return first.replace("`", "'").replace("|", "¦")[:_LONGEST_REASON]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
