"""A chart as the page shows it: wide or narrow, with what somebody takes along who links to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from reports.charts.compact import compact
from reports.charts.gallery import Chart, described, inline
from reports.facts.markdown import told
from reports.sections.drawn import Drawn

#: Of what a chart is of, in Markdown.
_ABOUT = 200
_NOTHING = Markup("")


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as the page shows it.

    Attributes:
        name: its anchor.
        svg: for a wide page.
        narrow: for a phone; empty where the wide one scrolls.
        png: the path of its file beside the page; empty where there is none.
        numbers: what it shows at first sight.
        label: what is read aloud in the place of both; empty where the SVG has it.
        markdown: paragraphs to paste elsewhere; empty likewise.
        rules: the styles of its classes, where they are not in the SVG.
    """

    name: str
    title: str
    reading: str
    svg: Markup
    narrow: Markup = _NOTHING
    png: str = ""
    markdown: tuple[str, ...] = ()
    numbers: str = ""
    label: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)


def pictures(charts: Sequence[Drawn], place: str, about: str) -> tuple[Picture, ...]:
    """The charts of a place of the page.

    Args:
        charts: all of them.
        place: a scenario's name, or another.
        about: what the run was, in a line.
    """
    return tuple(_of_run(drawn.chart, about) for drawn in charts if drawn.place == place)


def picture(chart: Chart, name: str = "", title: str = "") -> Picture:
    """A chart of another page, under another name where the page has two of the kind."""
    kind = chart.kind
    # Safe: the drawing is ours, and the texts in it are escaped.
    svg = Markup(inline(chart, name))
    return Picture(name or kind.name, title or kind.title, kind.reading, svg)


def rules(shown: Iterable[Picture]) -> dict[str, str]:
    """The styles of all classes, each once."""
    found: dict[str, str] = {}
    for one in shown:
        found |= one.rules
    return found


def _of_run(chart: Chart, about: str) -> Picture:
    kind, label = chart.kind, described(chart)
    wide = compact(chart.svg, kind.name)
    narrow = compact(chart.narrow, f"{kind.name} narrow")
    png = f"charts/{kind.name}.png"
    return Picture(
        name=kind.name,
        title=kind.title,
        reading=kind.reading,
        svg=Markup(wide.svg),
        narrow=Markup(narrow.svg),
        png=png,
        markdown=tuple(_markdown(chart, png, about)),
        numbers=chart.numbers,
        label=label,
        rules={**wide.rules, **narrow.rules},
    )


def _markdown(chart: Chart, png: str, about: str) -> Iterator[str]:
    yield f"**{chart.kind.title}.** {told(chart.numbers or chart.kind.reading)}"
    yield f"![{chart.kind.title}]({png})"
    yield told(about, _ABOUT)
