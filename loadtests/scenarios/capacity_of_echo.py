"""How many echoes per second a server answers in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.arithmetic.samples import quantile
from loadtests.arithmetic.search import Counted, Range
from loadtests.record.results import Measurement
from loadtests.scenarios.bearing import Capacity, Kind
from loadtests.scenarios.bench import Bench
from loadtests.scenarios.capacity_numbers import Near, summary
from loadtests.scenarios.climbing import Step, climb
from loadtests.scenarios.echo_loops import Window
from loadtests.scenarios.errors import Unfinished
from loadtests.scenarios.random_echoes import RandomEchoes
from loadtests.scenarios.turns import Interrupted

#: A step lasts until it has so many messages, but no longer than so long; a first look is shorter.
_MESSAGES, _LONGEST_S = 600, 6.0
_LOOK_SHARE = 0.4
#: From one load to the next, on the way up from half of the guess.
_GROWTH = 1.5


def measure(bench: Bench, options: Capacity) -> list[Measurement]:
    """One trial.

    Raises:
        TrialFailed: nothing was answered.
        Unfinished: the run was interrupted.
    """
    bench.judged = ()  # a server that loses clients at a high load says so in its own words
    steps = _Steps(
        echoes=RandomEchoes(bench, options.payload_bytes, options.drain_s),
        step_s=options.step_s,
        limit_ns=round(options.limit_ms(bench.place.transport) * 1e6),
    )
    try:
        with bench.turns.turn():
            start_hz = steps.echoes.guess_hz() / 2
        within = Range(
            start=start_hz,
            least=options.least_hz,
            most=options.most_hz,
            growth=_GROWTH,
            resolution=options.resolution,
        )
        found = climb(bench, within, steps.limit_ns, options.steps, steps.attempt)
    except Interrupted:
        raise Unfinished from None
    finally:
        steps.echoes.stop()
    near = steps.near([step.piece for step in found.borne])
    return [summary(Kind.ECHO, found, near, bench.meter.server_mib())]


@dataclass(slots=True)
class _Steps:
    """Loads offered to one server.

    Attributes:
        echoes: of its clients.
        step_s: how long a load is measured at least.
        limit_ns: of latency.
        last: the latest window; where a search ends before its last part, that is all there is.
    """

    echoes: RandomEchoes
    step_s: float
    limit_ns: int
    last: Window | None = None

    def attempt(self, load: float, look: bool) -> Step[Window]:
        """Offer so many messages per second."""
        seconds = min(max(self.step_s, _MESSAGES / load), _LONGEST_S)
        offered = self.echoes.at(load, _LOOK_SHARE * seconds if look else seconds)
        opened = offered.opened
        beyond = int(np.count_nonzero(opened.latency_ns > self.limit_ns))
        self.last = offered.window
        return Step(
            piece=offered.window,
            counted=Counted(load, len(opened.latency_ns), beyond),
            p99_ns=quantile(opened.latency_ns, 0.99),
            lateness_p99_ns=quantile(opened.lateness_ns, 0.99),
            lost=opened.lost,
            usage=opened.usage,
            gone=offered.gone,
            over=bool(offered.gone),
        )

    def near(self, windows: Sequence[Window]) -> Near:
        """What was measured in these; in the last one where there are none."""
        if not windows:
            assert self.last is not None
            windows = [self.last]
        opened = self.echoes.together(windows)
        return Near(
            latency_ns=opened.latency_ns,
            lateness_ns=opened.lateness_ns,
            receive_lag_ns=opened.receive_lag_ns,
            messages=self.echoes.answered(windows),
            usage=opened.usage,
        )
