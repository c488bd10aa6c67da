"""Quantiles of the same echoes as reported and as captured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loadtests.arithmetic.samples import Nanoseconds, quantile
from loadtests.generator.bench_client.measured import ContenderFailed, Quantiles

if TYPE_CHECKING:  # see trials.py
    from loadtests.generator.bench_client.capture import Identity, Passage

#: Publisher, number, due, sent and arrived, the last one only if the reply came.
Reported = Sequence[int]


class Disagreement(ContenderFailed):
    """The two accounts are not of the same echoes; the message says what is missing."""


#: Of all echoes; more would make the quantiles those of other echoes.
_MOST_UNSEEN_SHARE = 0.01


def compare(
    reported: Sequence[Reported], captured: Mapping[Identity, Passage]
) -> tuple[int, Quantiles, Quantiles]:
    """Median and 99th percentile over the echoes that both know.

    What a capture can see is the service time: when a message was due, and how long it waited in
    the generator, it cannot know. Quantiles are those of the reports (``samples.quantile``).

    Returns:
        How many echoes the capture lacks, p50, p99.

    Raises:
        Disagreement: no echo was reported, one was never answered, or the capture lacks too many.
    """
    unanswered = sum(len(each) < 5 for each in reported)
    if unanswered or not reported:
        raise Disagreement(f"{unanswered} of {len(reported)} echoes were never answered")
    known = [each for each in reported if (each[0], each[1]) in captured]
    unseen = len(reported) - len(known)
    if unseen > _MOST_UNSEEN_SHARE * len(reported):
        raise Disagreement(f"the capture lacks {unseen} of {len(reported)} echoes")
    _, _, due, sent, arrived = np.asarray(known, dtype=np.int64).T
    took = np.asarray([captured[each[0], each[1]].took_ns for each in known], dtype=np.int64)
    p50, p99 = (
        Quantiles(
            captured=_milliseconds(took, q),
            service=_milliseconds(arrived - sent, q),
            latency=_milliseconds(arrived - due, q),
            lateness=_milliseconds(sent - due, q),
        )
        for q in (0.5, 0.99)
    )
    return unseen, p50, p99


def _milliseconds(values_ns: Nanoseconds, q: float) -> float:
    found = quantile(values_ns, q)
    assert found is not None, "what never arrived was sorted out"
    return found / 1e6
