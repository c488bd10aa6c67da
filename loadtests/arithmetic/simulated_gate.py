"""A gate without servers: pairs from noise of a known kind, decided by the rules of the real one.

How often it is wrong and how often it finds what is there are shares of such runs. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from loadtests.arithmetic.judging import Judged, judge
from loadtests.arithmetic.screening import Rule, Standing, pairs_to_confirm, screened
from loadtests.record.words import Better, Verdict

_Floats = NDArray[np.float64]

#: Of what is autocorrelated: how much of a trial's noise the next has, too.
_KEPT = 0.7
#: Of what is spiky: how often a trial has one, and how many times wider those are.
_SPIKES, _SPIKE_WIDTH = 0.1, 5.0
#: Of what drifts: over all pairs of a stage, in units of a trial's own noise.
_DRIFT = 30.0


class Noise(StrEnum):
    """What the number of a trial, or of a slice of one, has beside the server's."""

    INDEPENDENT = "independent"  #: normal, each for itself
    DRIFTING = "drifting"  #: that, on a machine that becomes ever slower
    AUTOCORRELATED = "autocorrelated"  #: the next trial's is like this one's: AR(1)
    SPIKY = "spiky"  #: a trial out of ten is disturbed
    TWO_PEAKED = "two-peaked"  #: a trial is at either of two speeds, as of two layouts of memory


class Order(StrEnum):
    """How the two of a pair are set against each other in time.

    The test takes each pair for as likely one way as the other whatever the rest say. That is so
    where each pair is tossed for. In quartets two pairs share a toss, and where a trial resembles
    the one before, two such pairs resemble each other a little: their correlation is up to 0.125 if
    the noise is AR(1), which makes a nominal 5 % about 6.
    """

    TURNS = "turns"  #: both live, slices of load base-head-head-base or the reverse: one pair
    QUARTETS = "quartets"  #: trials base-head-head-base or the reverse: two pairs


@dataclass(frozen=True, slots=True)
class Arms:
    """Two arms, and the noise they are measured with.

    Attributes:
        comparisons: how many there are, numbered from 0; cells are of ``metrics`` of them each.
        metrics: that are measured together, and as long as one of them is open.
        deviation: of the logarithm of a pair's ratio, drift aside; 0.03 for 3 %.
        noise: its kind.
        order: in which a pair is measured.
        slowed: by how much head is slower, as a share, by comparison; the others are identical.
    """

    comparisons: int = 30
    metrics: int = 5
    deviation: float = 0.03
    noise: Noise = Noise.INDEPENDENT
    order: Order = Order.TURNS
    slowed: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A simulated comparison of two arms.

    Attributes:
        judged: by comparison.
        settled: by comparison, the pairs after which the screen decided, or gave up.
        screened: by cell, the pairs that the screen measured.
        confirmed: by cell, the fresh pairs; 0 where nothing was suspected.
    """

    judged: dict[int, Judged]
    settled: list[int]
    screened: list[int]
    confirmed: list[int]

    def found(self, verdict: Verdict) -> set[int]:
        """The comparisons with such a verdict."""
        return {number for number, judged in self.judged.items() if judged.verdict is verdict}


def simulated(arms: Arms, rule: Rule, random: Generator) -> Run:
    """Screen and confirm two arms once, as the gate does.

    Args:
        arms: what there is to be found.
        rule: how it is decided.
        random: where noise comes from.
    """
    worse = dict(enumerate(pairs(arms, rule.most, random).tolist()))
    screens = [screened(worse[number], rule) for number in worse]
    suspects = [
        number
        for number, screen in enumerate(screens)
        if screen.standing in (Standing.SLOWER, Standing.FASTER)
    ]
    more = pairs_to_confirm(worse, suspects, rule)
    later = pairs(arms, more, random).tolist() if suspects else []
    better = dict.fromkeys(worse, Better.LOWER)
    settled = [screen.pairs for screen in screens]
    cells = range(0, arms.comparisons, arms.metrics)
    return Run(
        judged=judge(worse, {number: later[number] for number in suspects}, better, rule),
        settled=settled,
        screened=[max(settled[cell : cell + arms.metrics]) for cell in cells],
        confirmed=[
            more * any(cell <= number < cell + arms.metrics for number in suspects)
            for cell in cells
        ],
    )


def pairs(arms: Arms, count: int, random: Generator) -> _Floats:
    """What pairs say of head: logarithms of ratios by comparison and pair; above 0 it is slower.

    Args:
        arms: what is measured.
        count: of the pairs of each comparison; an odd last one of quartets is half of one.
        random: where noise comes from.
    """
    found = _ORDER[arms.order](arms, count, random)[:, :count]
    effects = np.array([[arms.slowed.get(number, 0.0)] for number in range(arms.comparisons)])
    slower: _Floats = found + np.log1p(effects)
    return slower


def _turns(arms: Arms, count: int, random: Generator) -> _Floats:
    shape = (arms.comparisons, count * 4)
    slices = _NOISE[arms.noise](shape, random).reshape(arms.comparisons, count, 4)
    outer_by_inner: _Floats = slices @ np.array([0.5, -0.5, -0.5, 0.5]) * arms.deviation
    signs = random.choice([-1.0, 1.0], outer_by_inner.shape)
    tossed: _Floats = outer_by_inner * signs
    return tossed


def _quartets(arms: Arms, count: int, random: Generator) -> _Floats:
    quartets = -(-count // 2)
    trials = _NOISE[arms.noise]((arms.comparisons, quartets * 4), random)
    trials = trials.reshape(arms.comparisons, quartets * 2, 2) * (arms.deviation / np.sqrt(2))
    # The second trial by the first: that is head by base, or the reverse.
    later = trials[:, :, 1] - trials[:, :, 0]
    heads_first = random.choice([-1.0, 1.0], (arms.comparisons, quartets))
    signs = np.stack([heads_first, -heads_first], axis=2).reshape(later.shape)
    tossed: _Floats = signs * later
    return tossed


def _independent(shape: tuple[int, int], random: Generator) -> _Floats:
    return random.standard_normal(shape)


def _drifting(shape: tuple[int, int], random: Generator) -> _Floats:
    drifted: _Floats = random.standard_normal(shape) + np.linspace(0, _DRIFT, shape[1])
    return drifted


def _autocorrelated(shape: tuple[int, int], random: Generator) -> _Floats:
    """So wide that two trials in a row differ as much as two independent ones do."""
    steps = random.standard_normal(shape) * np.sqrt(1 - _KEPT**2)
    steps[:, 0] = random.standard_normal(shape[0])
    for number in range(1, shape[1]):
        steps[:, number] += _KEPT * steps[:, number - 1]
    widened: _Floats = steps / np.sqrt(1 - _KEPT)
    return widened


def _spiky(shape: tuple[int, int], random: Generator) -> _Floats:
    """Only ever slower, as when something else takes the processor."""
    spikes = np.abs(random.standard_normal(shape)) * _SPIKE_WIDTH
    disturbed = random.standard_normal(shape) + spikes * (random.random(shape) < _SPIKES)
    # The variance of the spikes: of a half-normal number that is there one time in ten.
    share = _SPIKES * _SPIKE_WIDTH**2 - (_SPIKES * _SPIKE_WIDTH) ** 2 * 2 / np.pi
    scaled: _Floats = disturbed / np.sqrt(1 + share)
    return scaled


def _two_peaked(shape: tuple[int, int], random: Generator) -> _Floats:
    """Nine tenths of the variance is between the two speeds."""
    speeds = random.choice([-1.0, 1.0], shape)
    mixed: _Floats = np.sqrt(0.9) * speeds + np.sqrt(0.1) * random.standard_normal(shape)
    return mixed


_NOISE: dict[Noise, Callable[[tuple[int, int], Generator], _Floats]] = {
    Noise.INDEPENDENT: _independent,
    Noise.DRIFTING: _drifting,
    Noise.AUTOCORRELATED: _autocorrelated,
    Noise.SPIKY: _spiky,
    Noise.TWO_PEAKED: _two_peaked,
}
_ORDER: dict[Order, Callable[[Arms, int, Generator], _Floats]] = {
    Order.TURNS: _turns,
    Order.QUARTETS: _quartets,
}
