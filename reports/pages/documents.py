"""What README and docs/ say and show of the results in docs/results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.record import files
from loadtests.record.results import read
from reports.facts.errors import ReportError
from reports.facts.origin import where
from reports.pages import answers, disconnect
from reports.pages.exports import in_short
from reports.pages.pictures import draw_into, picture, wanted
from reports.summary import Summary, summarise

RESULTS, IMAGES = Path("docs/results"), Path("docs/images")
#: The run that README shows.
SHOWN = "default"
#: Pictures of that run, beside those of docs/disconnect.md.
PICTURES = ("echo-latency",)

_BLOCK = re.compile(
    r"(?P<begin><!-- (?P<name>[\w-]+): made by make docs -->\n).*?"
    r"(?P<end><!-- end of (?P=name) -->)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A result that the project publishes.

    Attributes:
        name: of its file.
        path: of that.
        summary: of the run.
    """

    name: str
    path: Path
    summary: Summary


def stored(root: Path) -> list[Stored]:
    """All of them, in the order of their names.

    Raises:
        ReportError: there is none, or none that README shows.
        ResultError: one cannot be read.
    """
    paths = sorted((root / RESULTS).glob("*.json"))
    if SHOWN not in [path.stem for path in paths]:
        raise ReportError(f"{root / RESULTS} has no {SHOWN}.json, which README shows")
    return [Stored(path.stem, path, summarise(read(path))) for path in paths]


def texts(root: Path, results: Sequence[Stored]) -> dict[Path, str]:
    """Path -> what is to stand there.

    Raises:
        ReportError: README has no place for what is made, or a question has no answer.
    """
    summaries = [each.summary for each in results]
    shown = next(each.summary for each in results if each.name == SHOWN)
    readme = root / "README.md"
    charts = wanted(summaries)
    return {
        readme: filled(readme.read_text(encoding="utf-8"), {"in-short": _shown(shown)}),
        root / "docs" / "answers.md": answers.render(summaries),
        root / "docs" / "disconnect.md": disconnect.render(summaries, charts),
    }


def filled(text: str, made: Mapping[str, str]) -> str:
    """A text with what is made in its blocks.

    Raises:
        ReportError: one of them has no block, or a block has nothing.
    """
    found = {block["name"] for block in _BLOCK.finditer(text)}
    if found != made.keys():
        raise ReportError(f"README has blocks {sorted(found)}, and made are {sorted(made)}")
    return _BLOCK.sub(lambda block: f"{block['begin']}{made[block['name']]}\n{block['end']}", text)


def _shown(summary: Summary) -> str:
    blocks = len({planned.block for planned in summary.result.plan})
    origin = f"*{blocks} blocks of `make bench`, {where(summary.result)}.*"
    return "\n\n".join([origin, *filter(None, in_short(summary))])


def pictures(root: Path, results: Sequence[Stored]) -> Iterator[tuple[Path, bytes]]:
    """Path -> the picture that is to stand there, but for those of docs/disconnect.md."""
    shown = next(each.summary for each in results if each.name == SHOWN)
    for name in PICTURES:
        yield root / IMAGES / f"{name}.png", picture(shown, name)


def write(root: Path) -> list[Path]:
    """Write all of it; what has changed.

    Args:
        root: of the checkout.

    Raises:
        ReportError: see ``texts``.
        OSError: a file cannot be read or written.
    """
    results = stored(root)
    draw_into([each.summary for each in results], root / IMAGES)
    changed = []
    for path, text in texts(root, results).items():
        if path.read_text(encoding="utf-8") != text:
            files.replace(path, text.encode())
            changed.append(path)
    for path, content in pictures(root, results):
        files.replace(path, content)
    return changed
