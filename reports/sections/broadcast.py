"""What is said about broadcasts."""

from __future__ import annotations

from matplotlib.figure import Figure

from loadtests.scenarios.broadcast import SCENARIO
from reports.charts import distributions, whiskers
from reports.charts.distributions import Mark
from reports.charts.gallery import ChartKind
from reports.facts.best import Question
from reports.facts.rows import Row, row_names
from reports.facts.run import Facts
from reports.sections.section import Compared, Section, Spent, spent_on

NAME = SCENARIO.name

_MARKS = (
    Mark("delivery_p50", "p50", "p50"),
    Mark("delivery_p99", "p99", "p99", "d", "white"),
    Mark("last_recipient_p50", "last p50", "last recipient p50", ">"),
)


def _wanted(facts: Facts) -> bool:
    return NAME in row_names(facts.rows)


def _delivery(facts: Facts) -> Figure:
    return distributions.strips(facts, NAME, "delivery", _MARKS, "delivery latency, ms")


def _spent(facts: Facts, row: Row) -> Spent:
    found = spent_on(facts, row)
    copies = facts.setting(NAME, "recipients")
    if row.metric.family != "delivery" or found.cpu_us is None or not copies:
        return found
    # All recipients are in one process: a copy waits for those before it.
    return Spent(found.cpu_us * copies, found.busy_percent)


_CHARTS = (
    ChartKind(
        "broadcast-delivery",
        "Broadcast delivery latency by cell",
        "Each hill is the distribution over every copy of every broadcast; further left is "
        "better. The triangle is when, in half of the broadcasts, the last recipient had its copy. "
        f"{whiskers.READING}",
        _delivery,
        _wanted,
    ),
)

SECTION = Section(
    scenario=NAME,
    title="Broadcast",
    meaning="A client sends a message and the server sends a copy to everybody.",
    headlines=("delivery_p50", "last_recipient_p50", "missing", "server_cpu"),
    questions=(
        Question("quickest broadcast to the last recipient (p50)", NAME, "last_recipient_p50"),
    ),
    compared=Compared(
        judged=("delivery_p50", "delivery_p99", "deliveries"),
        told=("generator_cpu", "generator_busy"),
        on="a broadcast",
        spent=_spent,
        median=("delivery_p50", "delivery p50, ms"),
    ),
    per="delivery of a broadcast",
    charts=_CHARTS,
    core=True,
)
