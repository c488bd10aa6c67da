"""Disconnect: who goes away, and how long until the other side knows.

Clients go (``measure``), or the server does (``outage``): two kinds of trials, each a scenario of
its own for everybody else, with one table in an experiment.
"""

from __future__ import annotations

from typing import Any

from loadtests.record.results import Measurement
from loadtests.record.words import Client
from loadtests.scenarios.bench import Bench, Outcome, Stage
from loadtests.scenarios.disconnect import rows
from loadtests.scenarios.disconnect.options import SERVER, Disconnect, ServerGone
from loadtests.scenarios.disconnect.place import prepared
from loadtests.scenarios.disconnect.rows import DepartureRow, Official
from loadtests.scenarios.scenario import Heartbeat, Scenario, Variant


def _measure(bench: Bench, options: Disconnect) -> list[Measurement]:
    from loadtests.scenarios.disconnect.measure import measure  # needs gevent

    return measure(bench, options)


def _conduct(stage: Stage, options: ServerGone) -> tuple[dict[str, Any], Outcome]:
    from loadtests.scenarios.disconnect.outage.trial import conduct  # knows the servers

    return conduct(stage, options)


def _heartbeat(options: Disconnect | ServerGone) -> Heartbeat:
    return Heartbeat(options.ping_interval_s, options.ping_timeout_s)


def _variants(options: Disconnect) -> list[Variant]:
    settings = [
        Variant(each.name, SCENARIO, options.at(each), f"{rows.NAME}.sweep")
        for each in options.sweep
    ]
    outages = options.server
    return [
        Variant("", SCENARIO, options),
        *settings,
        *([] if outages is None else [Variant(SERVER, _OUTAGES, outages, f"{rows.NAME}.server")]),
    ]


def _rows(options: Disconnect, variant: str) -> list[str]:
    return [str(DepartureRow(row.cause, row.busy, variant)) for row in options.departing]


_NEEDS_JOURNAL = "the server keeps no journal of disconnects that could be read"

SCENARIO = Scenario(
    name=rows.NAME,
    rank=90,
    options=Disconnect,
    metrics=rows.DEPARTURE_METRICS,
    clients=lambda options: options.connections,
    in_generator=lambda options: options.in_generator,
    expected_s=lambda options: options.expected_s,
    longest_wait_s=lambda options: options.observed_s,
    measure=_measure,
    rows=_rows,
    order=rows.order,
    variants=_variants,
    metrics_of=rows.metrics_of,
    heartbeat=_heartbeat,
    place=prepared,
    needs_journal=_NEEDS_JOURNAL,
    every_client_counts=True,
    times_arrivals=False,
    with_clients=(Client.TRANSPORT_BENCH, Client.REFERENCE),  # heads have no part in it
)

#: The same for trials in which the server goes.
_OUTAGES = Scenario(
    name=rows.NAME,
    rank=90,
    options=ServerGone,
    metrics=rows.OUTAGE_METRICS,
    clients=lambda options: len(Official) * options.clients,
    expected_s=lambda options: options.expected_s,
    conduct=_conduct,
    rows=lambda options, _variant: options.rows,
    heartbeat=_heartbeat,
    needs_journal=_NEEDS_JOURNAL,
    every_client_counts=True,
    times_arrivals=False,
)
