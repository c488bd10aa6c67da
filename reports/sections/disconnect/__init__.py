"""What is said about disconnects."""

from __future__ import annotations

from loadtests.scenarios.disconnect import SCENARIO
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.sections.disconnect import checks, tables
from reports.sections.disconnect.charts import connections, detection, heartbeat, outages, phase
from reports.sections.section import Compared, Section

_CHARTS = (
    ChartKind(
        "disconnect-detection",
        "Disconnect detection by cause",
        "Every point is one client that went away, placed at the time until the server noticed; "
        "further left is better. The axis is broken: milliseconds on a log scale, then seconds. "
        "Shaded is when python-engineio's rules have it noticed; crosses are clients "
        "outside the window of their own phase, diamonds at the right edge were not noticed at "
        "all.",
        detection.detection,
        detection.wanted,
        ("disconnect:freeze", "detection_p50"),
    ),
    ChartKind(
        "disconnect-phase",
        "Detection by phase of the heartbeat",
        "Every point is one client that fell silent, placed by how long before it had answered "
        "its last heartbeat: the later in its interval, the sooner the next ping goes "
        "unanswered. The band is what the rules imply; its height is the server's scan, which "
        "visits each client once in about ping_timeout. A client that the server sends to is "
        "looked at with each message, so its band is narrow.",
        phase.phase,
        phase.wanted,
        ("disconnect:freeze", "detection_p50"),
    ),
    ChartKind(
        "disconnect-heartbeat",
        "Which heartbeat to choose",
        "Each stroke is one ping_interval/ping_timeout in seconds, from the median to the worst "
        "silent client; further left is cheaper, lower is sooner. A heartbeat is two messages, a "
        "ping and a pong; the upper axis is what they take of the server's CPU. Open markers are "
        "the rules' word, not a measurement: the middle and the end of the window.",
        heartbeat.heartbeat,
        heartbeat.wanted,
    ),
    ChartKind(
        "disconnect-connections",
        "Detection by number of connections",
        "The same silent clients among so many connections: the scan takes about ping_timeout "
        "for one round, however many there are. Points, shade and crosses as above.",
        connections.connections,
        connections.wanted,
    ),
    ChartKind(
        "disconnect-server",
        "When the server goes",
        "Every point is one client whose server went away: how long until its disconnect event, "
        "and, from when a server could be reached again, until it was connected again. The "
        "strokes are when half, 95 % and all of them had; shaded is when the client library's "
        "rules have it notice.",
        outages.server,
        outages.wanted,
        ("disconnect:server-kill", "noticed_p50"),
    ),
)

SECTION = Section(
    scenario=SCENARIO.name,
    title="Disconnect",
    meaning="Clients go away, and the time runs until the server's disconnect handler is called.",
    # Main rows of idle clients only: those of a sweep differ in what was set, and those that the
    # server sends to in how often it does, and silent ones in a single draw of the server's scan.
    questions=(
        Question("quickest to notice a killed client (p50)", "disconnect:kill", "detection_p50"),
    ),
    compared=Compared(judged=("detection_p50",), on="a heartbeat"),
    charts=_CHARTS,
    checks=(*checks.CHECKS, checks.at_the_librarys_heartbeat),
    tables=tables.tables,
    short_tables=tables.short_tables,
    note="Median (mean over trials) and the worst client of all trials; what the handler was given "
    "as reason, with how often where it was not always the same; when python-engineio's rules have "
    "it noticed. The rules and what to set: docs/disconnect.md.",
    core=True,
)
