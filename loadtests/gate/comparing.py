"""Measures base and head in pairs until it is settled which is slower."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests import __version__
from loadtests.arithmetic.power import detectable, fewest_pairs
from loadtests.arithmetic.screening import Rule
from loadtests.gate.judged import judged
from loadtests.gate.limits import Limit, held
from loadtests.gate.pairs import arm_of
from loadtests.gate.schedule import Pairing
from loadtests.record import called, gate
from loadtests.record.gate import ArmFacts, Gate
from loadtests.record.results import PlannedTrial, Trial
from loadtests.record.words import Status
from loadtests.run.executor import ProcessExecutor
from loadtests.run.experiment import Experiment, ExperimentError
from loadtests.run.runner import Run
from loadtests.run.subjects import Subject

#: By how much two of a pair differ that are alike, docs/method.md; for what is said beforehand.
_USUAL_DEVIATION = 0.035


def compare(
    wanted: Experiment,
    rule: Rule,
    subjects: Mapping[str, Subject],
    arms: Sequence[ArmFacts],
    folder: Path,
    *,
    limits: Sequence[Limit] = (),
    limit_s: float | None = None,
) -> Gate:
    """Measure pairs until it is settled, and judge them.

    Args:
        wanted: what is measured; its modes are the cells' names.
        rule: of the decisions.
        subjects: label (``pairs.labelled``) -> what is served.
        arms: base and head, for the file.
        folder: of the run; exists.
        limits: of head.
        limit_s: how long it may take; None for as long as it takes.

    Raises:
        ExperimentError: so little time can settle nothing.
    """
    pairing = Pairing(wanted, rule, now_s=time.monotonic, limit_s=limit_s)
    _say_beforehand(pairing, rule, limit_s)
    executor = ProcessExecutor(wanted, folder, subjects=subjects)
    result = Run(wanted, folder, executor, pairing).run(_reporter)
    late = result.ended == "complete" and pairing.out_of_time
    found = judged(pairing, rule)
    return Gate(
        format=gate.FORMAT,
        version=__version__,
        started=result.started,
        seconds=result.seconds,
        ended="out of time" if late else result.ended,
        experiment=wanted.name,
        detect=wanted.gate.detect,
        level=rule.level,
        arms=list(arms),
        comparisons=list(found.comparisons),
        counts=list(found.counts),
        limits=held(limits, pairing.alone, wanted.modes),
        contrasts=list(found.contrasts),
        failures=list(found.failures),
        unfit=list(found.unfit),
        notes=[*_notes(wanted, arms), *found.notes],
        environment=result.environment,
    )


def _notes(wanted: Experiment, arms: Sequence[ArmFacts]) -> Iterator[str]:
    for arm in arms:
        if arm.dirty:
            yield f"{arm.name} is a working tree with changes that no commit holds"
    if removed := wanted.gate.removed:
        yield f"head is said to lack {', '.join(removed)}: nothing is known of it"


def _say_beforehand(pairing: Pairing, rule: Rule, limit_s: float | None) -> None:
    """What can be told apart, and how long that takes if nothing is the matter.

    Raises:
        ExperimentError: there is no time for that.
    """
    if limit_s is not None and limit_s < pairing.left_s():
        raise ExperimentError(
            f"in {limit_s / 60:.1f} min there is no time to look even once; "
            f"{pairing.left_s() / 60:.1f} min, fewer cells or fewer scenarios would do"
        )
    tests = max(1, sum(len(pairing.gated(kind)) for kind in pairing.kinds))
    # If all of a mode or a transport is suspicious, not a single number.
    level = rule.level / max(1, tests // 3)
    noise = called.command("python -m loadtests noise")
    pairs = max(rule.confirm_first, fewest_pairs(max(1, tests // 3), rule.level))
    smallest = detectable(pairs, _USUAL_DEVIATION, least=rule.least, level=level)
    print(
        f"{len(pairing.kinds)} cells and scenarios, about {pairing.left_s() / 60:.0f} min if "
        f"nothing is suspicious. To be found: {100 * rule.detect:g} % slower; {pairs} fresh pairs "
        f"prove {100 * (smallest or 1):.0f} % where two that are alike differ by "
        f"{100 * _USUAL_DEVIATION:g} % ({noise} measures that)",
        flush=True,
    )


@contextmanager
def _reporter(_trials: int) -> Iterator[_Lines]:
    yield _Lines()


class _Lines:
    """Says which pair it is; see ``run.progress.Reporter``."""

    def began(self, together: Sequence[PlannedTrial], left_s: float) -> None:
        first = together[0]
        purpose = first.purpose.value if first.purpose else ""
        mode = arm_of(first.mode)[0]
        left = f", about {left_s / 60:.0f} min left" if left_s else ""
        print(
            f"pair {first.block + 1} {purpose}: {first.scenario} {mode} × {first.transport}{left}",
            flush=True,
        )

    def ended(self, planned: PlannedTrial, trial: Trial) -> None:
        if trial.status is not Status.OK:
            print(f"{planned.scenario} {planned.mode} {trial.status}: {trial.reason}", flush=True)
