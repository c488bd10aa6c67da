"""Avalanche: all clients lose their server at once, and come back to the next one.

They are the official JavaScript clients with their own delays: they wait 1 s, half of that more or
less, then twice as long, up to 5 s. What it shows is what a restart of a server is for those who
were connected, and for those of them who are back while others still come.
"""

from __future__ import annotations

from typing import Any

import msgspec

from loadtests.scenarios.avalanche.numbers import METRICS, NAME
from loadtests.scenarios.bench import Outcome, Stage
from loadtests.scenarios.disconnect.options import HOSTS_S
from loadtests.scenarios.scenario import LAUNCH_S, Count, NotNegative, Positive, Scenario

#: From when a server answers again to when the last client is back.
_BACK_S = 5.0


class Avalanche(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server is killed under many clients, and another one started.

    Attributes:
        clients: how many are connected.
        down_s: from the kill of one server to the start of the next.
        connect_rate_hz: how many clients connect per second at first.
        patience_s: how much longer than their own delays take the last client is waited for; an
            attempt that hangs takes socket.io-client 20 s.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    clients: Count = 500
    down_s: NotNegative = 2
    connect_rate_hz: Positive = 150
    patience_s: Positive = 20
    blocks: Count | None = None

    @property
    def expected_s(self) -> float:
        """About how long a trial takes after launching."""
        return HOSTS_S + self.clients / self.connect_rate_hz + self.down_s + LAUNCH_S + _BACK_S


def _conduct(stage: Stage, options: Avalanche) -> tuple[dict[str, Any], Outcome]:
    from loadtests.scenarios.avalanche.trial import conduct  # knows the servers

    return conduct(stage, options)


SCENARIO = Scenario(
    name=NAME,
    rank=45,
    options=Avalanche,
    metrics=METRICS,
    clients=lambda options: options.clients,
    expected_s=lambda options: options.expected_s,
    longest_wait_s=lambda options: options.patience_s,
    conduct=_conduct,
    needs_journal="a server of one's own cannot be killed and started again",
    every_client_counts=True,
    times_arrivals=False,
)
