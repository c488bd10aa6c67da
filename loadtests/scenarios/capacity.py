"""Capacity: how much load a server bears before it gets too slow.

A search of its own in every trial: the load goes up until it is too much, is halved from there, and
then goes up and down around the limit. Echoes are sent at random moments, as many people who know
nothing of each other send them: evenly spaced sends would never queue, and flatter every server.
"""

from __future__ import annotations

from typing import Any

from loadtests.record.words import Client
from loadtests.scenarios import capacity_of_broadcast, capacity_of_echo
from loadtests.scenarios.bearing import METRICS, NAME, Capacity, Kind
from loadtests.scenarios.scenario import Scenario, Speaks, Variant

#: On the way up and while halving.
_STEPS_BEFORE = 9
#: Of broadcasts: for so many clients to connect.
_CONNECTING_S = 8.0
#: A first guess, and what each step takes beside its measured time.
_GUESS_S, _BESIDE_S = 1.0, 0.4
_STARTS_WITH = 10


def _echo_s(options: Capacity) -> float:
    return _GUESS_S + (options.steps + _STEPS_BEFORE) * (options.step_s + _BESIDE_S)


def _broadcast_s(options: Capacity) -> float:
    return _CONNECTING_S + _echo_s(options)


def _row(kind: Kind, **more: Any) -> Scenario[Capacity]:
    return Scenario(
        name=NAME,
        rank=34,
        options=Capacity,
        metrics=METRICS[kind],
        metrics_of=_metrics_of,
        rows=lambda _options, _variant: [kind.row],
        # Every step may take the longest: nobody knows before how far a server goes.
        longest_wait_s=lambda options: (
            2 * (options.steps + _STEPS_BEFORE) * (options.drain_s + 5) + 60
        ),
        with_clients=(Client.TRANSPORT_BENCH,),
        **more,
    )


def _metrics_of(row: str) -> Any:
    """The metrics of a row; a stranger's row of another shape has those of echo."""
    return METRICS[Kind.BROADCAST if row == Kind.BROADCAST.row else Kind.ECHO]


_KINDS = {
    Kind.ECHO: _row(
        Kind.ECHO,
        clients=lambda options: options.clients,
        expected_s=_echo_s,
        speaks=Speaks.ECHO,
        overloads=True,
        spreads=True,
        measure=capacity_of_echo.measure,
    ),
    Kind.BROADCAST: _row(
        Kind.BROADCAST,
        clients=lambda _options: _STARTS_WITH,
        in_generator=lambda _options: 0,  # it connects them itself, more and more
        expected_s=_broadcast_s,
        speaks=Speaks.BROADCAST,
        measure=capacity_of_broadcast.measure,
        reaches_all=True,
        spreads=True,
    ),
}

SCENARIO = Scenario(
    name=NAME,
    rank=34,
    options=Capacity,
    metrics=METRICS[Kind.ECHO],
    metrics_of=_metrics_of,
    clients=lambda options: options.clients,
    expected_s=lambda options: sum(_KINDS[kind].expected_s(options) for kind in options.kinds),
    rows=lambda options, _variant: [kind.row for kind in options.kinds],
    variants=lambda options: [Variant(str(kind), _KINDS[kind], options) for kind in options.kinds],
    with_clients=(Client.TRANSPORT_BENCH,),
)
