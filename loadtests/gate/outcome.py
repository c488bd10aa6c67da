"""What a comparison ends with."""

from __future__ import annotations

from loadtests.record.exits import Exit
from loadtests.record.gate import Gate
from loadtests.record.words import Kept, Verdict


def exit_code(found: Gate, *, fail_on_inconclusive: bool) -> Exit:
    """What failed comes before what is slower: of half a measurement nothing is to be believed.

    Args:
        found: everything.
        fail_on_inconclusive: whether what is not settled is no pass.
    """
    if found.failures or found.ended == "interrupted":
        return Exit.FAILED
    slower = any(each.gated and each.verdict is Verdict.SLOWER for each in found.comparisons)
    lost = any(each.regression for each in found.counts)
    broken = any(each.kept is Kept.BROKEN for each in found.limits)
    # What base against base says of a run is about ratios: not about messages, nor about limits.
    if lost or broken or (slower and not found.unfit):
        return Exit.REGRESSION
    # A suspicion that fresh pairs did not confirm is none.
    unsettled = any(
        each.gated and each.verdict is Verdict.INCONCLUSIVE and each.fresh is None
        for each in found.comparisons
    ) or any(each.kept is Kept.UNDECIDED for each in found.limits)
    if found.unfit or (unsettled and fail_on_inconclusive):
        return Exit.INCONCLUSIVE
    return Exit.FINE
