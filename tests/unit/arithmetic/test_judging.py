"""The verdicts: only fresh pairs convict, and both arms are treated alike."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arithmetic.judging import Judged, evidence, judge
from loadtests.arithmetic.screening import Rule, Standing
from loadtests.record.words import Better, Verdict

RULE = Rule()
STEADY = [0.0005 * (number % 5 - 2) + 0.00001 * number for number in range(24)]
#: As far apart as numbers get that say nothing: in either direction, each further out.
ERRATIC = [(-1) ** number * (number + 1) / 24 for number in range(24)]
MIRRORED = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
#: Where a comparison lies, and the noise around it.
PAIRS = st.builds(
    lambda shift, noise: [shift + value for value in noise],
    st.sampled_from([-0.2, -0.06, 0.0, 0.04, 0.1]),
    st.lists(st.floats(-0.15, 0.15), min_size=0, max_size=24),
)
#: No two of one size: what is measured.
CONTINUOUS = st.lists(
    st.floats(-0.05, 0.2).filter(lambda worse: abs(worse) > 1e-9), max_size=24, unique_by=abs
)


def around(worse: float, pairs: int = 12) -> list[float]:
    return [worse + noise for noise in STEADY[:pairs]]


def alone(
    screen: list[float],
    fresh: list[float] | None = None,
    better: Better = Better.LOWER,
    rule: Rule = RULE,
) -> Judged:
    """The verdict on a comparison that has none beside it."""
    return judge({"a": screen}, {} if fresh is None else {"a": fresh}, {"a": better}, rule)["a"]


def negated(values: dict[int, list[float]]) -> dict[int, list[float]]:
    return {key: [-value for value in pairs] for key, pairs in values.items()}


def test_what_the_screen_cleared_is_excluded_and_says_from_which_size_on():
    judged = alone(around(0.0, 6))
    assert judged.verdict is Verdict.EXCLUDED
    assert judged.excluded == pytest.approx(0.0005, abs=2e-4)
    assert (judged.fresh, judged.wanted_pairs) == (None, None)


def test_a_suspect_that_fresh_pairs_confirm_is_slower():
    judged = alone(around(0.1), around(0.1))
    assert (judged.verdict, judged.standing) == (Verdict.SLOWER, Standing.SLOWER)
    assert judged.fresh is not None
    assert judged.fresh.ratio == pytest.approx(math.exp(0.1), rel=1e-3)


def test_a_suspect_without_fresh_pairs_is_nobodys_verdict():
    judged = alone(around(0.1))
    assert (judged.verdict, judged.standing) == (Verdict.INCONCLUSIVE, Standing.SLOWER)
    assert judged.fresh is None


def test_fresh_pairs_without_a_suspicion_convict_of_nothing():
    judged = alone(around(0.0), around(0.3))
    assert (judged.verdict, judged.fresh) == (Verdict.EXCLUDED, None)


def test_a_suspicion_that_fresh_pairs_refute_is_excluded():
    judged = alone(around(0.1), around(0.0))
    assert judged.verdict is Verdict.EXCLUDED
    assert judged.excluded == pytest.approx(0.0005, abs=2e-4)


def test_a_suspicion_that_they_neither_prove_nor_refute_is_inconclusive():
    judged = alone(around(0.1), [0.2, -0.2] * 6)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.wanted_pairs is not None
    assert judged.wanted_pairs > 12


def test_proof_of_a_slowdown_that_is_too_small_to_count_is_no_verdict_of_slower():
    assert alone(around(0.1), around(0.03)).verdict is Verdict.EXCLUDED


def test_a_rate_that_fell_is_slower_and_its_ratio_below_one():
    judged = alone(around(0.1), around(0.1), Better.HIGHER)
    assert judged.verdict is Verdict.SLOWER
    assert judged.fresh is not None
    assert judged.fresh.ratio == pytest.approx(math.exp(-0.1), rel=1e-3)
    assert judged.fresh.p_slower < 0.001 < judged.fresh.p_faster


def test_each_suspect_makes_it_harder_for_the_others():
    """Five pairs have p = 1/32: enough for one suspect, not for two."""
    fresh = around(0.1, 5)
    assert alone(around(0.1), fresh).verdict is Verdict.SLOWER
    both = judge(
        {"a": around(0.1), "b": around(0.1)},
        {"a": fresh, "b": fresh},
        dict.fromkeys("ab", Better.LOWER),
        RULE,
    )
    assert {judged.verdict for judged in both.values()} == {Verdict.INCONCLUSIVE}


def test_a_suspect_whose_fresh_pairs_are_missing_counts_among_the_suspects():
    found = judge(
        {"a": around(0.1), "b": around(0.1)},
        {"a": around(0.1, 5)},
        dict.fromkeys("ab", Better.LOWER),
        RULE,
    )
    assert {judged.verdict for judged in found.values()} == {Verdict.INCONCLUSIVE}


def test_suspects_of_the_other_direction_do_not():
    found = judge(
        {"a": around(0.1), "b": around(-0.1)},
        {"a": around(0.1, 5), "b": around(-0.1, 5)},
        dict.fromkeys("ab", Better.LOWER),
        RULE,
    )
    assert [found[key].verdict for key in "ab"] == [Verdict.SLOWER, Verdict.FASTER]


def test_what_was_faster_than_it_should_be_excludes_even_no_slowdown():
    assert alone(around(-0.2), around(-0.2)).excluded == 0.0


def test_a_bound_beyond_a_doubling_excludes_nothing_worth_saying():
    assert alone([5 * value for value in ERRATIC]).excluded is None


def test_an_open_screen_says_how_many_pairs_it_would_take():
    judged = alone(ERRATIC)
    assert (judged.verdict, judged.standing) == (Verdict.INCONCLUSIVE, Standing.OPEN)
    # s = 0.608, estimate -0.0208: ((1.645 + 0.842) · 0.608 / (0.0953 - 0.0208))² · 1.1 = 452.1
    assert judged.wanted_pairs == 454


def test_more_pairs_than_anybody_measures_are_no_number():
    assert alone([2 * value for value in ERRATIC]).wanted_pairs is None


@pytest.mark.parametrize("pairs", [0, 1])
def test_hardly_any_pairs_say_hardly_anything(pairs):
    judged = alone(around(0.1, pairs))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert (judged.excluded, judged.wanted_pairs) == (None, None)
    assert (judged.screen is None) == (pairs == 0)


def test_evidence_has_the_metrics_own_direction_and_so_have_its_bounds():
    found = evidence([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], Better.HIGHER)
    assert found is not None
    assert found.ratio == pytest.approx(math.exp(-0.35))
    assert (found.low, found.high) == pytest.approx((math.exp(-0.5), math.exp(-0.2)), rel=0.06)
    assert found.p_slower == 1 / 64


@given(
    st.dictionaries(st.integers(0, 5), PAIRS, max_size=6),
    st.dictionaries(st.integers(0, 5), PAIRS, max_size=6),
    st.sampled_from([Better.LOWER, Better.HIGHER]),
)
def test_swapping_base_and_head_mirrors_every_verdict(worse, fresh, better):
    kinds = dict.fromkeys(worse, better)
    found = judge(worse, fresh, kinds, RULE)
    swapped = judge(negated(worse), negated(fresh), kinds, RULE)
    for key, judged in found.items():
        other = swapped[key]
        assert other.verdict is MIRRORED.get(judged.verdict, judged.verdict)
        assert other.wanted_pairs == judged.wanted_pairs
        for mine, theirs in ((judged.screen, other.screen), (judged.fresh, other.fresh)):
            if mine is None or theirs is None:
                assert mine is theirs
                continue
            assert (mine.p_slower, mine.p_faster) == (theirs.p_faster, theirs.p_slower)
            assert mine.ratio * theirs.ratio == pytest.approx(1.0)
            for end, mirrored in ((mine.low, theirs.high), (mine.high, theirs.low)):
                assert (end is None) == (mirrored is None)
                assert end is None or 1 / end == pytest.approx(mirrored)


@given(CONTINUOUS, CONTINUOUS)
def test_what_is_called_slower_has_a_fresh_interval_above_nothing(screen, fresh):
    judged = alone(screen, fresh)
    if judged.verdict is Verdict.SLOWER:
        assert judged.fresh is not None
        assert judged.fresh.low is not None
        assert judged.fresh.low > 1
    if judged.verdict is Verdict.EXCLUDED:
        assert judged.excluded is not None
        assert judged.excluded < RULE.detect
