"""Which charts there are, what each shows, and how it becomes a file."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import matplotlib
from matplotlib.figure import Figure

from reports.charts import distributions, dots, style
from reports.facts.rows import scenarios_of
from reports.facts.run import provenance
from reports.sections import reference_chart
from reports.sections.disconnect.charts import connections, detection, heartbeat, outages, phase
from reports.summary import Summary

_PNG_DPI = 192
_EDGE_INCHES = 0.14


def _always(_: Summary) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """A chart that a run with this scenario has.

    Attributes:
        name: of its files.
        scenarios: it is drawn where the run has one of them; it stands with the first it has.
        title: its caption's first words, and what is read aloud in its place.
        reading: one or two sentences: how to read it.
        wanted: whether the run has what it shows.
    """

    name: str
    scenarios: tuple[str, ...]
    title: str
    reading: str
    draw: Callable[[Summary], Figure]
    wanted: Callable[[Summary], bool] = _always


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart.

    Attributes:
        scenario: the section that it belongs to: ``echo``, ``broadcast``, ``disconnect``; a row
            name of the reference for that client's.
        svg: a whole SVG document.
        png: twice as many pixels as the page shows.
    """

    kind: Kind
    scenario: str
    svg: str
    png: bytes


KINDS = (
    Kind(
        "echo-latency",
        ("echo",),
        "Echo latency by cell",
        "Each hill is the distribution of all echoes of a cell, its highest point drawn equally "
        "high everywhere; further left is better. Markers are means over trials, whiskers their "
        "95 % intervals.",
        distributions.echo_latency,
    ),
    Kind(
        "echo-percentiles",
        ("echo",),
        "Echo latency by percentile",
        "Read upwards from 99 on the bottom axis to see what the slowest of a hundred echoes "
        "took; lower is better. Bold lines are all trials together, thin lines single trials. Lost "
        "messages count as slower than all that arrived, so a line ends where they begin.",
        distributions.echo_percentiles,
    ),
    Kind(
        "echo-throughput",
        ("echo",),
        "Closed-loop throughput by cell",
        "Every client sends again as soon as its reply has come; further right is better. Small "
        "open dots are single trials, the filled marker is their mean.",
        dots.throughput,
    ),
    Kind(
        "broadcast-delivery",
        ("broadcast",),
        "Broadcast delivery latency by cell",
        "Each hill is the distribution over every copy of every broadcast; further left is "
        "better. The triangle is when, in half of the broadcasts, the last recipient had its copy.",
        distributions.broadcast_delivery,
    ),
    Kind(
        "disconnect-detection",
        ("disconnect",),
        "Disconnect detection by cause",
        "Every point is one client that went away, placed at the time until the server noticed; "
        "further left is better. What takes milliseconds has an axis of its own, left of the "
        "seconds. Shaded is when python-engineio's rules have it noticed; crosses are clients "
        "outside the window of their own phase, diamonds at the right edge were not noticed at "
        "all.",
        detection.detection,
        detection.wanted,
    ),
    Kind(
        "disconnect-phase",
        ("disconnect",),
        "Detection by phase of the heartbeat",
        "Every point is one client that fell silent, placed by how long before it had answered "
        "its last heartbeat: the later in its interval, the sooner the next ping goes "
        "unanswered. The band is what the rules imply; its height is the server's scan, which "
        "visits each client once in about ping_timeout. A client that the server sends to is "
        "looked at with each message, so its band is narrow.",
        phase.phase,
        phase.wanted,
    ),
    Kind(
        "disconnect-heartbeat",
        ("disconnect",),
        "Which heartbeat to choose",
        "Each stroke is one ping_interval/ping_timeout in seconds, from the median to the worst "
        "silent client; further left is cheaper, lower is sooner. A heartbeat is two messages, a "
        "ping and a pong; the upper axis is what they take of the server's CPU. Open markers are "
        "the rules' word, not a measurement: the middle and the end of the window.",
        heartbeat.heartbeat,
        heartbeat.wanted,
    ),
    Kind(
        "disconnect-connections",
        ("disconnect",),
        "Detection by number of connections",
        "The same silent clients among so many connections: the scan takes about ping_timeout "
        "for one round, however many there are. Points, shade and crosses as above.",
        connections.connections,
        connections.wanted,
    ),
    Kind(
        "disconnect-server",
        ("disconnect",),
        "When the server goes",
        "Every point is one client whose server went away: how long until its disconnect event, "
        "and, from when a server could be reached again, until it was connected again. The "
        "strokes are when half, 95 % and all of them had; shaded is when the client library's "
        "rules have it notice.",
        outages.server,
        outages.wanted,
    ),
    Kind(
        "cpu-per-message",
        ("echo", "broadcast"),
        "CPU time per message by cell",
        "Filled markers are the server's CPU time per message, open ones the load generator's; "
        "further left is better. The further right of the two sets the pace: it should be the "
        "server.",
        dots.cpu,
    ),
    Kind(
        "reference-medians",
        ("echo:reference", "broadcast:reference"),
        "Medians with both clients",
        "Filled markers were measured with our client, open ones with python-socketio's; the grey "
        "bar is the margin within which the two agree. Where they part, read beside it what each "
        "load generator's CPU did.",
        reference_chart.medians,
    ),
)


def draw_all(summary: Summary) -> list[Chart]:
    """Every chart that this run has data or planned cells for."""
    names = scenarios_of(summary.rows)
    present = {*names, *(name.partition(":")[0] for name in names)}
    charts = []
    for kind in KINDS:
        scenario = next((name for name in kind.scenarios if name in present), None)
        if scenario is not None and kind.wanted(summary):
            charts.append(draw_one(kind, summary, scenario))
    return charts


def draw_one(kind: Kind, summary: Summary, scenario: str | None = None) -> Chart:
    """One chart; for the section of its own first scenario where none is named."""
    # The salt makes identifiers, and so the whole file, the same for the same numbers.
    with matplotlib.rc_context(cast("Any", style.RC | {"svg.hashsalt": kind.name})):
        figure = kind.draw(summary)
        figure.suptitle(kind.title, x=0.005, ha="left", fontsize=14, fontweight="bold")
        # A chart is shown away from its page as well; this says what it is of.
        figure.supxlabel(provenance(summary), x=0.995, ha="right", fontsize=8.5, color=style.QUIET)
        with warnings.catch_warnings():
            # A label may be in any script; the SVG keeps it as text, whatever this font has.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            svg, png = _files(figure)
    return Chart(kind, scenario or kind.scenarios[0], svg, png)


def _files(figure: Figure) -> tuple[str, bytes]:
    svg, png = io.StringIO(), io.BytesIO()
    # One layout for both files, computed once: it takes as long as drawing.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    # The layout's solver differs in the last digits from time to time, and identifiers in the SVG
    # are made from positions: rounded, the same numbers give the same file.
    for axes in figure.axes:
        left, bottom, width, height = (round(edge, 6) for edge in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    # "tight" lets no text be cut off, however long somebody's label is.
    edges: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": _EDGE_INCHES}
    figure.savefig(svg, format="svg", metadata=nothing, **edges)
    figure.savefig(png, format="png", dpi=_PNG_DPI, metadata={"Software": None}, **edges)
    return svg.getvalue(), png.getvalue()


def inline(chart: Chart) -> str:
    """The SVG element alone, for a page that holds several.

    Identifiers get the chart's name in front, since matplotlib starts from ``figure_1`` in every
    file, and an identifier must be unique in a page.
    """
    svg = chart.svg[chart.svg.index("<svg") :]
    # Inside a page the rule would reach beyond the chart.
    svg = svg.replace("*{stroke-linejoin", "svg *{stroke-linejoin")
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    name = chart.kind.name
    svg = re.sub(r'(\bid=")', rf"\1{name}-", svg)
    svg = re.sub(r'(\bhref="#|\burl\(#)', rf"\1{name}-", svg)
    label = html.escape(f"{chart.kind.title}. {chart.kind.reading}")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
