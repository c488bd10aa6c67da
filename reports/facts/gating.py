"""What a gate came to (``gate.json``), in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests.record.exits import Exit
from loadtests.record.gate import ArmFacts, Comparison, Counted, Evidence, Gate, Limited
from loadtests.record.words import Better, Kept, Metric, Status, Verdict, scenario_of
from loadtests.scenarios.registry import SCENARIOS, metrics_of
from reports.facts import verdicts
from reports.facts.changes import BASE, HEAD, Change, in_order, number, usable
from reports.facts.errors import ReportError
from reports.facts.fingerprints import unlike
from reports.facts.numbers import EMPTY, counted, percent, short, times
from reports.facts.rows import Cell
from reports.facts.stats import Ratio
from reports.facts.tables import Entry, Table
from reports.facts.text import shown

COMPLETE = "complete"
_BRIEF = 80
_KEPT = {Kept.KEPT: Status.OK, Kept.BROKEN: Status.FAILED, Kept.UNDECIDED: Status.INVALID}

#: What the lines of the chart are, and how the tables are read.
READING = (
    "Each end of an interval is a one-sided 95 % bound, over pairs that were measured together. "
    "Only fresh pairs convict; advisory metrics are shown and cannot make the gate fail. No "
    "regression does not mean equal: it means that a slowdown of the stated size is excluded, or "
    "was not confirmed."
)


@dataclass(frozen=True, slots=True)
class Headline:
    """The whole of it in one line.

    Attributes:
        tone: ``good``, ``warn`` or ``bad``.
        word: what happened.
        text: in our words.
        quoted: words of others' (labels, reasons), or empty.
    """

    tone: str
    word: str
    text: str
    quoted: str = ""

    def __str__(self) -> str:
        """All of it."""
        return f"{self.word}: {self.text}{': ' if self.quoted else '.'}{self.quoted}"


def changes_of(gate: Gate) -> list[Change]:
    """Every comparison, what moved first.

    Raises:
        ReportError: a row or a metric that this version does not know.
    """
    return in_order(_change(one) for one in gate.comparisons)


def checked(gate: Gate) -> Gate:
    """The same, if this version can say anything of it.

    Raises:
        ReportError: a row or a metric that it does not know, or a size that is none.
    """
    named = [(one.row, one.metric) for one in gate.comparisons]
    named += [(one.row, one.metric) for one in gate.counts]
    named += [(one.row, one.metric) for one in gate.contrasts]
    for row, metric in named:
        metric_of(row, metric)
    if not 0 < gate.detect <= 10:
        raise ReportError(f"the gate's detect is {gate.detect:g}, no share above 0: write it anew")
    return gate


def metric_of(row: str, name: str) -> Metric:
    """The declaration of a metric.

    Raises:
        ReportError: this version does not know it.
    """
    found = metrics_of(row).get(name) if scenario_of(row) in SCENARIOS else None
    if found is None:
        raise ReportError(
            f"the gate has a metric {row}.{name}, which this version does not know; "
            "report it with the version that wrote it"
        )
    return found


def headline(gate: Gate) -> Headline:
    """What it came to: by its exit code, and whatever else is to be said as loudly."""
    gated = [one for one in gate.comparisons if one.gated]
    match gate.exit_code:
        case Exit.REGRESSION:
            return _regression(gate, gated)
        case Exit.FAILED:
            return _failed(gate)
        case Exit.WRONG_CALL:
            wrong = "the call or a file is wrong"
            return Headline("bad", "Wrong call", wrong, _first(gate.failures))
        case Exit.INCONCLUSIVE | Exit.FINE:
            return _passed(gate, gated)
        case other:
            return Headline("bad", "Unknown", f"the gate ended with {other}")


def _regression(gate: Gate, gated: Sequence[Comparison]) -> Headline:
    slower = [one for one in gated if one.verdict is Verdict.SLOWER]
    counts = [one for one in gate.counts if one.regression]
    broken = [one for one in gate.limits if one.kept is Kept.BROKEN]
    parts = []
    if slower:
        parts.append(f"{len(slower)} of {counted(len(gated), 'comparison')} slower")
    if counts:
        parts.append(f"{counted(len(counts), 'count')} that base never had")
    if broken:
        parts.append(f"{counted(len(broken), 'limit')} broken")
    worst = ""
    if slower:
        first = next(
            one for one in changes_of(gate) if one.verdict is Verdict.SLOWER and one.decides
        )
        said = verdicts.phrase(Verdict.SLOWER, first.ratio)
        worst = f"{first.name}, {_brief(str(first.cell))}, {said}"
    elif counts:
        worst = f"{counts[0].row}.{counts[0].metric}, {_brief(str(cell_of(counts[0])))}"
    elif broken:
        worst = f"{_brief(broken[0].limit)}, {_brief(str(cell_of(broken[0])))}"
    return Headline("bad", "Regression", ", ".join(parts) or "something is slower", worst)


def _failed(gate: Gate) -> Headline:
    count = len(gate.failures)
    if gate.ended != COMPLETE and not count:
        return Headline("bad", "Failed", "the comparison was not finished", gate.ended)
    text = f"{counted(count, 'measurement')} failed or missing"
    return Headline("bad", "Failed", text, _first(gate.failures))


def _passed(gate: Gate, gated: Sequence[Comparison]) -> Headline:
    if gate.unfit:
        return Headline("warn", "Inconclusive", "this run decides nothing", _first(gate.unfit))
    undecided = sum(one.verdict is Verdict.INCONCLUSIVE for one in gated)
    limits = sum(one.kept is Kept.UNDECIDED for one in gate.limits)
    size = percent(round(gate.detect * 100, 6)).removesuffix(".0")
    excluded = sum(one.verdict in (Verdict.EXCLUDED, Verdict.FASTER) for one in gated)
    text = f"no slowdown of {size} % or more in {excluded} of {counted(len(gated), 'comparison')}"
    if undecided or limits or gate.exit_code == Exit.INCONCLUSIVE:
        parts = [f"{counted(undecided, 'comparison')} undecided"] if undecided else []
        parts += [f"{counted(limits, 'limit')} undecided"] if limits else []
        return Headline("warn", "Inconclusive", "; ".join([*parts, text]), _suspected(gated))
    if not gated and not gate.limits and not gate.counts:
        return Headline("warn", "Nothing compared", "no comparison can make this gate fail")
    faster = sum(one.verdict is Verdict.FASTER for one in gated)
    return Headline("good", "No regression", text + (f"; {faster} faster" if faster else ""))


def _suspected(gated: Sequence[Comparison]) -> str:
    """The gravest suspicion that there was no time to confirm; nothing where there is none."""
    found = [
        one
        for one in gated
        if one.note and one.verdict is Verdict.INCONCLUSIVE and one.fresh is None
    ]
    if not found:
        return ""
    worst = max(found, key=_badness)
    return f"{worst.row}.{worst.metric}, {_brief(str(cell_of(worst)))}, {worst.note}"


def _badness(one: Comparison) -> float:
    """How much worse head looks, as a factor."""
    found = ratio_of(one.evidence)
    if found is None:
        return 0.0
    higher = metric_of(one.row, one.metric).better is Better.HIGHER
    return 1 / found.value if higher else found.value


def arms(gate: Gate) -> tuple[ArmFacts, ArmFacts]:
    """Base and head, as far as the file tells."""
    named = {arm.name: arm for arm in gate.arms}
    return named.get(BASE, ArmFacts(BASE)), named.get(HEAD, ArmFacts(HEAD))


def arm_name(arm: ArmFacts) -> str:
    """What an arm is, in a few words: its ref, its commit, or what it was told."""
    code = arm.ref or (arm.commit or "")[:10] or "working tree"
    parts = [_brief(code) + (" (dirty)" if arm.dirty else ""), _brief(", ".join(arm.requires))]
    return ", ".join(part for part in (*parts, _brief(arm.mode or "")) if part)


def _first(lines: Sequence[str]) -> str:
    return shown(lines[0], 5 * _BRIEF) if lines else ""


def _brief(label: str) -> str:
    """Somebody's label in a line that must be short; tables have all of it."""
    return shown(label, _BRIEF)


def about(gate: Gate) -> str:
    """What was compared, in a line."""
    base, head = arms(gate)
    return f"{gate.experiment}: {arm_name(base)} → {arm_name(head)}"


def arms_table(gate: Gate) -> Table:
    """Both arms: code, what they were told, and the packages that are not the same."""
    both = arms(gate)
    facts = [
        {
            "ref": arm.ref or "",
            "commit": arm.commit or "",
            "dirty": "yes: changes that no commit holds" if arm.dirty else "no",
            "requires": ", ".join(arm.requires),
            "mode": arm.mode or "",
            "environment": ", ".join(arm.environment),
            "source": arm.source or "",
        }
        for arm in both
    ]
    lines = [
        (Entry(name), *(Entry(each[name] or EMPTY) for each in facts))
        for name in facts[0]
        if any(each[name] for each in facts)
    ]
    for one in unlike(both[0].versions, both[1].versions):
        lines.append((Entry(one.what), Entry(one.base, strong=True), Entry(one.head, strong=True)))
    return Table("The two arms, and the packages that differ", ("", BASE, HEAD), tuple(lines))


def counts_table(counts: Iterable[Counted]) -> Table:
    """What was lost, doubled or not noticed."""
    return Table(
        "Counts",
        ("count", "cell", BASE, HEAD, ""),
        tuple(
            (
                Entry(f"{one.row}.{one.metric}"),
                Entry(str(cell_of(one))),
                Entry(_counted(one.base, one.base_trials)),
                Entry(_counted(one.head, one.head_trials)),
                Entry("regression", status=Status.FAILED) if one.regression else Entry("as before"),
            )
            for one in counts
        ),
    )


def _counted(total: float, trials: int) -> str:
    """``7 in 2 trials``; ``none`` is in no trial at all."""
    return f"{short(total)} in {counted(trials, 'trial')}" if total else "none"


def limits_table(limits: Iterable[Limited]) -> Table:
    """Head against the experiment's limits."""
    lines = []
    for one in limits:
        ends = ""
        if one.low is not None and one.high is not None:
            ends = f" [{short(one.low)}, {short(one.high)}]"
        read = EMPTY if one.estimate is None else f"{short(one.estimate)}{ends} {one.unit}"
        said = f"{one.kept}: {one.note}" if one.note else str(one.kept)
        status = _KEPT[one.kept]
        lines.append(
            (Entry(one.limit), Entry(str(cell_of(one))), Entry(read), Entry(said, status=status))
        )
    return Table("Limits", ("limit", "cell", HEAD, ""), tuple(lines))


def contrasts_table(gate: Gate) -> Table:
    """Base against base."""
    lines = []
    for one in gate.contrasts:
        found = usable(one.ratio, one.low, one.high)
        status = Status.FAILED if one.rejected else Status.OK
        said = "they differ: this run decides nothing" if one.rejected else "no difference"
        lines.append(
            (
                Entry(f"{one.row}.{one.metric}"),
                Entry(str(one.pairs)),
                Entry(times(found) if found else EMPTY),
                Entry(f"{one.p:.2g}"),
                Entry(said, status=status),
            )
        )
    head = ("metric", "pairs", "base / base", "p", "")
    return Table("Base against base", head, tuple(lines))


def cell_of(one: Comparison | Counted | Limited) -> Cell:
    """Where it was measured."""
    return Cell(one.mode, one.transport)


def ratio_of(found: Evidence | None) -> Ratio | None:
    """Head by base; None where nothing was measured."""
    return None if found is None else usable(found.ratio, found.low, found.high)


def _change(one: Comparison) -> Change:
    metric = metric_of(one.row, one.metric)
    found = ratio_of(one.evidence)
    words = verdicts.phrase(one.verdict, found, bound=one.excluded, more=one.wanted_pairs)
    return Change(
        row=one.row,
        cell=cell_of(one),
        metric=metric,
        ratio=found,
        verdict=one.verdict,
        words=f"{words}; {one.note}" if one.note else words,
        base=number(one.base, metric),
        head=number(one.head, metric),
        basis=_basis(one),
        decides=one.gated,
        moved=one.verdict in (Verdict.SLOWER, Verdict.FASTER),
    )


def _basis(one: Comparison) -> str:
    found = one.evidence
    if found is None:
        return "no pairs"
    fresh = "fresh " if one.fresh is not None else ""
    dropped = f", {one.dropped:,} dropped" if one.dropped else ""
    return f"{found.pairs:,} {fresh}pair{'s' if found.pairs != 1 else ''}{dropped}"
