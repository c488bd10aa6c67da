"""How many recipients have their copy of each broadcast in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.arithmetic.samples import quantile
from loadtests.arithmetic.search import Counted, Range
from loadtests.arithmetic.usage import between, together
from loadtests.record.results import Measurement
from loadtests.scenarios.bearing import Capacity, Kind
from loadtests.scenarios.bench import Bench, hint
from loadtests.scenarios.broadcast import Broadcast, BroadcastSlice, Deliveries, collect, slice_of
from loadtests.scenarios.capacity_numbers import NOTHING, Near, summary
from loadtests.scenarios.climbing import Step, climb
from loadtests.scenarios.errors import TrialFailed
from loadtests.scenarios.gathering import Gathering, gathering

#: Recipients at first, and at least.
_FIRST, _LEAST = 20, 1
#: Published and not measured, at the beginning of each step.
_SETTLE_S = 0.15
_GROWTH = 2.0
#: A first look is so much shorter, but has a few broadcasts.
_LOOK_SHARE, _LOOK_BROADCASTS = 0.5, 4


@dataclass(frozen=True, slots=True)
class _Piece:
    """One step's broadcasts: when, and what came of each copy."""

    slice: BroadcastSlice
    deliveries: Deliveries


def measure(bench: Bench, options: Capacity) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: nobody could connect, or nothing was delivered.
    """
    bench.judged = ()  # a server that loses clients at a high load says so in its own words
    steps = _Steps(bench, options, gathering(bench, options.payload_bytes))
    try:
        allowed = steps.gathering.most or options.most_recipients
        within = Range(
            start=_FIRST,
            least=_LEAST,
            most=min(options.most_recipients, allowed),
            growth=_GROWTH,
            resolution=options.resolution,
            whole=True,
        )
        limit_ns = steps.limit_ns
        found = climb(bench, within, limit_ns, options.steps, steps.attempt)
        pieces = [step.piece for step in found.borne if step.piece is not None]
        return [summary(Kind.BROADCAST, found, steps.near(pieces), bench.meter.server_mib())]
    finally:
        steps.gathering.leave()


@dataclass(slots=True)
class _Steps:
    """Broadcasts to more recipients or fewer.

    Attributes:
        last: the latest step that had any; where a search ends before its last part, that is all
            there is.
    """

    bench: Bench
    options: Capacity
    gathering: Gathering
    last: _Piece | None = None

    @property
    def limit_ns(self) -> int:
        """Of delivery."""
        return round(self.options.limit_ms(self.bench.place.transport) * 1e6)

    @property
    def _look_s(self) -> float:
        return max(_LOOK_SHARE * self.options.step_s, _LOOK_BROADCASTS / self.options.broadcast_hz)

    def attempt(self, load: float, look: bool) -> Step[_Piece | None]:
        """Publish to so many recipients, at the rate that is asked for."""
        bench, options, many = self.bench, self.options, round(load)
        refused = self.gathering.become(many)
        if refused:
            if not self.gathering.there:
                raise TrialFailed(f"no client could connect: {refused}")
            now = bench.meter.read()
            usage = between(now, bench.meter.read())
            return Step(None, Counted(load, 0, 0), None, None, 0, usage, refused)
        offer = Broadcast(
            recipients=many,
            publishers=1,
            rate_hz=options.broadcast_hz,
            measure_s=self._look_s if look else options.step_s,
            payload_bytes=options.payload_bytes,
            settle_s=_SETTLE_S,
            drain_s=options.drain_s,
            rounds=1,
        )
        casts = self.gathering.broadcasts()
        piece = slice_of(bench, offer, casts, number=1)
        deliveries = collect(casts.published, casts.received(), [piece])
        self.last = _Piece(piece, deliveries)
        if not piece.answered and not self.gathering.lost():
            raise TrialFailed(
                f"none of {len(deliveries.delivery_ns)} copies was delivered; "
                f"{hint(bench, bench.place.broadcast)}"
            )
        beyond = int(np.count_nonzero(deliveries.delivery_ns > self.limit_ns))
        return Step(
            piece=self.last,
            counted=Counted(load, len(deliveries.delivery_ns), beyond),
            p99_ns=quantile(deliveries.delivery_ns, 0.99),
            lateness_p99_ns=quantile(deliveries.lateness_ns, 0.99),
            lost=deliveries.audit.missing,
            usage=piece.usage,
            gone=self.gathering.lost(),
        )

    def near(self, pieces: Sequence[_Piece]) -> Near:
        """What was measured in these; in the last one where there are none."""
        if not pieces:
            if self.last is None:
                raise TrialFailed("no step had any broadcast")
            pieces = [self.last]
        found = [each.deliveries for each in pieces]
        return Near(
            latency_ns=np.concatenate([NOTHING, *(each.delivery_ns for each in found)]),
            lateness_ns=np.concatenate([NOTHING, *(each.lateness_ns for each in found)]),
            receive_lag_ns=np.concatenate([NOTHING, *(each.receive_lag_ns for each in found)]),
            messages=sum(each.slice.messages for each in pieces),
            usage=together([each.slice.usage for each in pieces]),
        )
