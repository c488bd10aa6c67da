"""What the pairs of a comparison come to: the parts of ``gate.json``. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.arithmetic.fitness import CONTRAST_LEVEL, contrasts, head_invalidates
from loadtests.arithmetic.judging import Judged, evidence, judge
from loadtests.arithmetic.power import fewest_pairs
from loadtests.arithmetic.screening import Rule, Standing
from loadtests.gate.pairs import TWIN, Kind, Pair, Question, values
from loadtests.gate.schedule import Pairing, only
from loadtests.record.gate import BASE, HEAD, Comparison, Contrast, Counted
from loadtests.record.words import Purpose, Verdict

_CONVICTED = (Verdict.SLOWER, Verdict.FASTER)
#: What base never had is head's where it was seen in so many trials.
_SEEN = 2
_IF_GONE = '; if it is gone on purpose: [gate] removed = ["{}"]'


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found; see the fields of ``Gate``."""

    comparisons: Sequence[Comparison]
    counts: Sequence[Counted]
    contrasts: Sequence[Contrast]
    failures: Sequence[str]
    unfit: Sequence[str]
    notes: Sequence[str]


def judged(pairing: Pairing, rule: Rule) -> Findings:
    """Everything that the pairs of a schedule say.

    Args:
        pairing: the schedule, at its end.
        rule: of the decisions.
    """
    contrasted, notes = _contrasts(pairing)
    return Findings(
        comparisons=list(_comparisons(pairing, rule)),
        counts=list(_counts(pairing)),
        contrasts=contrasted,
        failures=[each for kind in pairing.kinds for each in _failures(pairing, rule, kind)],
        unfit=[
            f"two bases that are the same differ in {each.row}.{each.metric}: "
            f"{each.ratio:.3f} over {each.pairs} pairs (p = {each.p:.2g}); this machine, or how "
            "they were built, is not fit to compare on"
            for each in contrasted
            if each.rejected
        ],
        notes=notes,
    )


def _comparisons(pairing: Pairing, rule: Rule) -> Iterator[Comparison]:
    """What can convict, then what is only shown: that is judged by itself, and never confirmed."""
    asked = [
        question
        for kind in pairing.kinds
        for question in pairing.questions(kind)
        if not question.is_count
    ]
    gated = {question for kind in pairing.kinds for question in pairing.gated(kind)}
    worse = {each: pairing.screen(each) for each in asked}
    better = {each: each.definition.better for each in asked}
    found = {
        **judge(
            {each: worse[each] for each in asked if each in gated},
            {each: pairing.confirmed(each) for each in asked if each in gated},
            better,
            rule,
        ),
        **judge({each: worse[each] for each in asked if each not in gated}, {}, better, rule),
    }
    for question in asked:
        if question in gated or found[question].screen is not None:
            yield _comparison(pairing, question, found[question], gated=question in gated)


def _comparison(pairing: Pairing, question: Question, found: Judged, *, gated: bool) -> Comparison:
    mine = [pair for pair in pairing.pairs if pair.answers(question) and pair.other == HEAD]
    compared = [pair for pair in mine if pair.worse(question) is not None]
    return Comparison(
        row=question.row,
        metric=question.metric,
        mode=question.mode,
        transport=question.transport,
        gated=gated,
        verdict=found.verdict,
        screen=found.screen,
        fresh=found.fresh,
        excluded=found.excluded,
        wanted_pairs=found.wanted_pairs,
        dropped=len(mine) - len(compared),
        base=_mean(compared, BASE, question),
        head=_mean(compared, HEAD, question),
        note=_note(found, gated=gated),
    )


def _note(found: Judged, *, gated: bool) -> str:
    """What became of a suspicion, where it convicts nobody."""
    if found.standing in (Standing.OPEN, Standing.CLEARED) or found.verdict in _CONVICTED:
        return ""
    if not gated:
        return "only shown: nothing confirms it"
    if found.fresh is None:
        return f"suspected to be {found.standing}, and there was no time to confirm it"
    return f"suspected to be {found.standing}, and not confirmed"


def _mean(pairs: Sequence[Pair], arm: str, question: Question) -> float | None:
    found = [number for pair in pairs if (number := pair.number(arm, question)) is not None]
    return statistics.fmean(found) if found else None


def _counts(pairing: Pairing) -> Iterator[Counted]:
    """Of trials of the screen and of fresh ones alike: all of them are fresh to a count."""
    for kind in pairing.kinds:
        mine = [pair for pair in pairing.pairs if pair.kind == kind and pair.other == HEAD]
        for question in pairing.questions(kind):
            if not question.is_count:
                continue
            both = [pair for pair in mine if not any(pair.failed)]
            if not both:
                continue
            base, head = (_counted(both, arm, question) for arm in (BASE, HEAD))
            seen = [sum(1 for each in found if each) for found in (base, head)]
            alone = [
                sum(1 for one, other in zip(*arms, strict=True) if one and not other)
                for arms in ((base, head), (head, base))
            ]
            yield Counted(
                row=question.row,
                metric=question.metric,
                mode=question.mode,
                transport=question.transport,
                base=sum(base),
                head=sum(head),
                base_trials=seen[0],
                head_trials=seen[1],
                # Two that share a core share what an overload loses: then how often decides.
                regression=(not seen[0] and seen[1] >= _SEEN) or head_invalidates(*alone),
            )


def _counted(pairs: Sequence[Pair], arm: str, question: Question) -> list[float]:
    found = (pair.measurement(arm, question.row) for pair in pairs)
    return [(each.metrics.get(question.metric) or 0.0) if each else 0.0 for each in found]


def _contrasts(pairing: Pairing) -> tuple[list[Contrast], list[str]]:
    pairs = only(pairing.pairs, Purpose.CONTRAST)
    pooled: dict[tuple[str, str], list[float]] = {}
    directions = {}
    for kind in pairing.kinds:
        mine = [pair for pair in pairs if pair.kind == kind]
        for question in pairing.gated(kind):
            name = question.row, question.metric
            pooled.setdefault(name, []).extend(values(mine, question))
            directions[name] = question.definition.better
    pooled = {name: found for name, found in pooled.items() if found}
    if not pooled:
        return [], []
    found_of = contrasts(pooled)
    result = []
    for (row, metric), found in pooled.items():
        shown = evidence(found, directions[row, metric])
        assert shown is not None, "there is a pair"
        told = found_of[row, metric]
        ends = shown.low, shown.high
        result.append(Contrast(row, metric, len(found), shown.ratio, *ends, told.p, told.rejected))
    fewest = fewest_pairs(2 * len(pooled), CONTRAST_LEVEL)  # two-sided
    least = min(len(found) for found in pooled.values())
    if least >= fewest:
        return result, []
    return result, [
        f"base against base has {least} pairs: fewer than the {fewest} with which it could show "
        "that this run is not fit to compare"
    ]


def _failures(pairing: Pairing, rule: Rule, kind: Kind) -> Iterator[str]:
    """What was to be measured and was not, or what head made unfit by itself."""
    mine = [pair for pair in pairing.pairs if pair.kind == kind]
    if not mine:
        yield f"{kind}: never measured"
        return
    broken = list(_broken(pairing, kind, mine))
    yield from broken
    if not broken:
        gated = pairing.gated(kind)
        total = sum(len(pairing.gated(each)) for each in pairing.kinds)
        for question in gated:
            yield from _unasked(pairing, rule, question, mine, rule.level / total)


def _broken(pairing: Pairing, kind: Kind, pairs: Sequence[Pair]) -> Iterator[str]:
    """Trials that brought nothing: what went well when it was tried again is no failure."""
    mine = [pair for pair in pairs if pair.other == HEAD]
    failed = {
        arm: [trial for pair in mine for one, trial in pair.failed if one == arm]
        for arm in (BASE, HEAD)
    }
    only_head = len(failed[HEAD]) >= _SEEN and not failed[BASE]
    for arm, trials in failed.items():
        spoils = arm == HEAD and (only_head or head_invalidates(len(failed[BASE]), len(trials)))
        if trials and (pairing.gave_up(kind) or spoils):
            reason = trials[-1].reason or "no reason was given"
            told = f"{kind}, {arm}: {len(trials)} of {len(mine)} trials failed: {reason}"
            never = arm == HEAD and only_head and len(trials) == len(mine)
            cell = f"{kind.mode}/{kind.transport}"
            yield told + (_IF_GONE.format(cell) if never else "")
    twins = [trial for pair in pairs for arm, trial in pair.failed if arm == TWIN]
    if len(twins) >= _SEEN:
        yield f"{kind}, {TWIN}: {len(twins)} trials failed: {twins[-1].reason}"


def _unasked(
    pairing: Pairing, rule: Rule, question: Question, pairs: Sequence[Pair], level: float
) -> Iterator[str]:
    """What was never looked at passes nobody; nor does a head that spoils its own trials."""
    mine = [pair for pair in pairs if pair.other == HEAD]
    doubted = [[pair.invalid(arm, question) for arm in (BASE, HEAD)] for pair in mine]
    # A pair of which both are says nothing of the difference.
    base = sum(1 for one, other in doubted if one and not other)
    head = sum(1 for one, other in doubted if other and not one)
    doubts = [pair.doubt(arm, question) for pair in mine for arm in (HEAD, BASE)]
    reason = next((each for each in doubts if each), "")
    if head_invalidates(base, head, level):
        reason = next(other for one, other in doubted if other and not one)
        yield (
            f"{question}: in {head} pairs head's number alone is not to be trusted, in {base} "
            f"base's: {reason}"
        )
    elif (count := len(pairing.screen(question))) < rule.first:
        why = reason or ("the time was up" if pairing.out_of_time else "no number to compare")
        yield f"{question}: {count} of {len(mine)} pairs can be compared, too few to look at: {why}"
