"""Which pair comes next: a screen that stops where it is settled, then fresh pairs for suspicions.

Only fresh pairs, whose number is fixed before they are measured, convict. So looking often and
testing much, which the screen does, cannot raise the share of false alarms.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from loadtests.arithmetic.fitness import CONTRAST_LEVEL
from loadtests.arithmetic.power import fewest_pairs
from loadtests.arithmetic.screening import Rule, Screened, Standing, pairs_to_confirm, screened
from loadtests.gate.pairs import TWIN, Done, Kind, Pair, Question, labelled, pairs_in, questions_of
from loadtests.gate.pairs import values as values_of
from loadtests.record.gate import BASE, HEAD
from loadtests.record.results import PlannedTrial, Trial
from loadtests.record.words import Purpose, Transport
from loadtests.run.experiment import Experiment
from loadtests.scenarios.scenario import LAUNCH_S, Variant

#: A pair without a number that is to be trusted is measured once more.
_TRIES = 2
#: Counts want to be seen twice.
_PAIRS_FOR_COUNTS = 2
#: A kind whose trials fail so often in a row is not tried again.
_FAILURES = 2


class Pairing:
    """The pairs of a comparison; see ``run.schedule.Schedule``.

    Args:
        experiment: what is measured; its modes are the cells' names.
        rule: of the decisions.
        now_s: monotonic time, seconds.
        limit_s: how long it may take; None for as long as it takes.

    Attributes:
        planned: see Schedule.
        pairs: those that are whole so far.
        alone: trials of head for limits, for which it has the core for itself.
        fresh: of each kind with a suspicion, how many pairs are to confirm it.
        out_of_time: whether the time was up before all was settled.
    """

    def __init__(
        self,
        experiment: Experiment,
        rule: Rule,
        *,
        now_s: Callable[[], float],
        limit_s: float | None = None,
    ) -> None:
        self.planned: list[PlannedTrial] = []
        self.fresh: dict[Kind, int] = {}
        self.pairs: list[Pair] = []
        self.alone: list[Done] = []
        self.out_of_time = False
        self._experiment = experiment
        self._rule = rule
        self._now_s, self._begun_s, self._limit_s = now_s, now_s(), limit_s
        self._shuffler = random.Random(f"{experiment.seed}/gate")
        self._variants = dict(_kinds(experiment))
        self._half: Done | None = None
        self._tried: dict[Purpose, Counter[Kind]] = defaultdict(Counter)
        self._blocks = 0
        self._took_s: dict[Kind, float] = {
            kind: _expected_s(variant) for kind, variant in self._variants.items()
        }

    @property
    def kinds(self) -> list[Kind]:
        """What is measured in pairs."""
        return list(self._variants)

    def questions(self, kind: Kind) -> list[Question]:
        """What pairs of a kind answer."""
        return questions_of(kind, self._variants[kind].rows())

    def gated(self, kind: Kind) -> list[Question]:
        """Those that can convict, counts aside."""
        names = self._experiment.gate.metrics
        return [each for each in self.questions(kind) if each.is_gated(names) and not each.is_count]

    def came(self, planned: PlannedTrial, trial: Trial) -> None:
        """See Schedule."""
        if planned.purpose is Purpose.LIMIT:
            self.alone.append((planned, trial))
        elif self._half is None or self._half[0].block != planned.block:
            self._half = planned, trial
        else:
            self.pairs += pairs_in([self._half, (planned, trial)])
            self._half = None

    def left_s(self) -> float:
        """See Schedule; as if nothing were suspicious and all were settled at the first look."""
        every = self._experiment.gate.contrast
        beside = 1 + 1 / every if every else 1.0
        return beside * sum(
            max(0, self._least(kind) - self._tried[Purpose.SCREEN][kind]) * self._took_s[kind]
            for kind in self._variants
            if self._is_open(kind)
        )

    def groups(self) -> Iterator[list[PlannedTrial]]:
        """See Schedule."""
        yield from self._screen()
        yield from self._contrast()
        yield from self._confirm()
        yield from self._held_alone()

    def _screen(self) -> Iterator[list[PlannedTrial]]:
        order = self.kinds
        every, count = self._experiment.gate.contrast, 0
        while wanting := [kind for kind in order if self._is_open(kind)]:
            self._shuffler.shuffle(wanting)
            for kind in wanting:
                if not self._fits(kind):
                    self.out_of_time = True
                    return
                yield from self._pair(kind, Purpose.SCREEN)
                count += 1
                if every and count % every == 0:
                    yield from self._another_contrast()

    def _contrast(self) -> Iterator[list[PlannedTrial]]:
        """As many pairs of two bases as can show at all that they differ."""
        while self._experiment.gate.contrast and (short := self._contrasted_least()):
            if not self._fits(short):
                self.out_of_time = True
                return
            yield from self._another_contrast()

    def _another_contrast(self) -> Iterator[list[PlannedTrial]]:
        kind = self._contrasted_least()
        if kind is not None:
            yield from self._pair(kind, Purpose.CONTRAST)

    def _contrasted_least(self) -> Kind | None:
        """Of the scenario with the fewest pairs of two bases, the cell with the fewest.

        None where every scenario has as many as are wanted.
        """
        tried = self._tried[Purpose.CONTRAST]
        gated = {kind: self.gated(kind) for kind in self._variants if self._shares(kind)}
        metrics = {(each.row, each.metric) for found in gated.values() for each in found}
        if not metrics:
            return None
        wanted = fewest_pairs(2 * len(metrics), CONTRAST_LEVEL)  # two-sided
        totals: Counter[str] = Counter()
        for kind in gated:
            totals[kind.scenario] += tried[kind]
        short = [kind for kind, found in gated.items() if found and totals[kind.scenario] < wanted]
        self._shuffler.shuffle(short)
        return min(short, key=lambda kind: (totals[kind.scenario], tried[kind]), default=None)

    def _confirm(self) -> Iterator[list[PlannedTrial]]:
        found = {kind: self.suspects(kind) for kind in self._variants}
        tests = sum(map(len, found.values()))
        for kind, suspects in found.items():
            if suspects:
                worse = {each: self.screen(each) for each in suspects}
                self.fresh[kind] = pairs_to_confirm(worse, suspects, self._rule, tests)
        self._cut_to_time(tests)
        while wanting := [kind for kind in self.fresh if self._wants_fresh(kind)]:
            self._shuffler.shuffle(wanting)
            for kind in wanting:
                yield from self._pair(kind, Purpose.CONFIRM)

    def _held_alone(self) -> Iterator[list[PlannedTrial]]:
        """Trials of head with the core for itself, where limits ask for its figures."""
        limited = {name.partition("@")[0].rpartition(".")[0] for name in self._experiment.limits}
        kinds = [kind for kind, each in self._variants.items() if limited.intersection(each.rows())]
        for _ in range(self._rule.first):
            self._shuffler.shuffle(kinds)
            for kind in kinds:
                if self._took_s[kind] > self._left_of_limit_s():
                    self.out_of_time = True
                    return
                trial = self._trial(kind, HEAD, Purpose.LIMIT, 0)
                self.planned.append(trial)
                self._blocks += 1
                yield [trial]

    def suspects(self, kind: Kind) -> list[Question]:
        """Gated questions of a kind that the screen found suspicious."""
        suspicious = (Standing.SLOWER, Standing.FASTER)
        return [each for each in self.gated(kind) if self._screened(each).standing in suspicious]

    def screen(self, question: Question) -> list[float]:
        """How much worse head was in each of the screen's pairs."""
        return self._values(question, Purpose.SCREEN)

    def confirmed(self, question: Question) -> list[float]:
        """How much worse head was in as many fresh pairs as were fixed beforehand."""
        found = self._values(question, Purpose.CONFIRM)
        wanted = [count for kind, count in self.fresh.items() if question in self.gated(kind)]
        return found[: wanted[0]] if wanted else []

    def _values(self, question: Question, purpose: Purpose) -> list[float]:
        return values_of((pair for pair in self.pairs if pair.purpose is purpose), question)

    def _is_open(self, kind: Kind) -> bool:
        tried = self._tried[Purpose.SCREEN][kind]
        if self.gave_up(kind):
            return False
        if tried < self._least(kind):
            return True
        if tried >= _TRIES * self._rule.most:
            return False
        found = [self._screened(each) for each in self.gated(kind)]
        return any(
            each.standing is Standing.OPEN and each.pairs < self._rule.most for each in found
        )

    def _least(self, kind: Kind) -> int:
        return self._rule.first if self.gated(kind) else _PAIRS_FOR_COUNTS

    def gave_up(self, kind: Kind) -> bool:
        """Whether its trials failed so often in a row that it is not tried again."""
        mine = [pair for pair in self.pairs if pair.kind == kind and pair.other == HEAD]
        last = mine[-_FAILURES:]
        return len(last) == _FAILURES and all(any(pair.failed) for pair in last)

    def _screened(self, question: Question) -> Screened:
        return screened(self.screen(question), self._rule)

    def _wants_fresh(self, kind: Kind) -> bool:
        wanted, tried = self.fresh[kind], self._tried[Purpose.CONFIRM][kind]
        if self.gave_up(kind) or tried >= _TRIES * wanted:
            return False
        if tried >= wanted and self._took_s[kind] > self._left_of_limit_s():
            self.out_of_time = True  # what was dropped is not measured again
            return False
        return any(
            len(self._values(each, Purpose.CONFIRM)) < wanted for each in self.suspects(kind)
        )

    def _shares(self, kind: Kind) -> bool:
        """Whether the two of a pair can be loaded at the same time."""
        return self._variants[kind].scenario.takes_turns

    def _pair(self, kind: Kind, purpose: Purpose) -> Iterator[list[PlannedTrial]]:
        """Two trials.

        Which server starts first is tossed for in each pair that is loaded at the same time: then
        ratios are symmetric whatever the machine does. Trials that run one after the other are in
        mirrored quartets instead, base-head-head-base: a machine that drifts favours the first.
        """
        begun_s = self._now_s()
        arms = [BASE, TWIN if purpose is Purpose.CONTRAST else HEAD]
        mirrored = self._tried[purpose][kind] % 2 == 1
        if self._shuffler.random() < 0.5 if self._shares(kind) else mirrored:
            arms.reverse()
        self._tried[purpose][kind] += 1
        trials = [self._trial(kind, arm, purpose, place) for place, arm in enumerate(arms)]
        self.planned += trials
        self._blocks += 1
        if self._shares(kind):
            yield trials
        else:
            yield from ([each] for each in trials)
        self._took_s[kind] = self._now_s() - begun_s

    def _trial(self, kind: Kind, arm: str, purpose: Purpose, place: int) -> PlannedTrial:
        return PlannedTrial(
            number=len(self.planned) + place,
            block=self._blocks,
            scenario=kind.scenario,
            mode=labelled(kind.mode, arm),
            transport=kind.transport,
            rows=self._variants[kind].rows(),
            variant=kind.variant,
            group=self._blocks if self._shares(kind) else None,
            purpose=purpose,
        )

    def _fits(self, kind: Kind) -> bool:
        """Whether there is time for another pair and to confirm what is suspicious by now."""
        return self._needed_s([kind]) <= self._left_of_limit_s()

    def _needed_s(self, kinds: Iterable[Kind]) -> float:
        confirming = sum(
            self._rule.confirm_first * self._took_s[kind]
            for kind in self._variants
            if self.suspects(kind)
        )
        return confirming + sum(self._took_s[kind] for kind in kinds)

    def _left_of_limit_s(self) -> float:
        if self._limit_s is None:
            return float("inf")
        return self._limit_s - (self._now_s() - self._begun_s)

    def _cut_to_time(self, tests: int) -> None:
        """Confirm with fewer pairs, or not at all, where there is no time for more."""
        while self.fresh:
            needed_s = sum(count * self._took_s[kind] for kind, count in self.fresh.items())
            if needed_s <= self._left_of_limit_s():
                return
            self.out_of_time = True
            kind = max(self.fresh, key=lambda each: self.fresh[each] * self._took_s[each])
            self.fresh[kind] -= 2
            if self.fresh[kind] < fewest_pairs(tests, self._rule.level):
                del self.fresh[kind]


def cells(experiment: Experiment) -> list[tuple[str, Transport]]:
    """Mode and transport of what is compared: all but those that head lacks on purpose."""
    return [
        (mode, transport)
        for mode in experiment.modes
        for transport in experiment.transports
        if not experiment.gate.is_removed(mode, transport)
    ]


def _kinds(experiment: Experiment) -> Iterator[tuple[Kind, Variant]]:
    for scenario in experiment.scenarios:
        for variant in experiment.variants(scenario):
            for mode, transport in cells(experiment):
                yield Kind(scenario, variant.name, mode, transport), variant


def _expected_s(variant: Variant) -> float:
    """Of a pair: two servers that share their time, or one after the other."""
    return LAUNCH_S + variant.expected_s if variant.scenario.takes_turns else 2 * variant.expected_s


def only(pairs: Sequence[Pair], *purposes: Purpose) -> list[Pair]:
    """Those that are for one of these."""
    return [pair for pair in pairs if pair.purpose in purposes]
