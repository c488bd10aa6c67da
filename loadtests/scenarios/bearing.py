"""What capacity can be told: its tables, its rows and its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from loadtests.record.words import Better, Metric, Transport, Unit
from loadtests.scenarios.scenario import EVERY_TRIAL, Count, PayloadBytes, Positive, table

NAME = "capacity"


class Kind(StrEnum):
    """Of what a server's capacity is looked for; a row and a kind of trials each."""

    ECHO = "echo"  #: messages per second
    BROADCAST = "broadcast"  #: recipients, at a stated rate of broadcasts

    @property
    def row(self) -> str:
        """Its row's name."""
        return f"{NAME}:{self}"


_Resolution = Annotated[float, Meta(ge=0.01, le=0.5)]


class Capacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The highest load whose p99 stays within a limit, with nothing lost or refused.

    Attributes:
        kinds: of load.
        clients: connections that echo.
        websocket_limit_ms, polling_limit_ms: of the p99 of echo latency, and of delivery.
        broadcast_hz: broadcasts per second, whose recipients are counted.
        payload_bytes: as in echo.
        step_s: how long a load is measured at least; it lasts longer where a p99 wants it.
        steps: of the last part of a search, from which the result is made.
        resolution: how far two of them are apart, as a share of the load.
        least_hz, most_hz: no fewer and no more messages per second are tried.
        most_recipients: no more recipients are tried.
        drain_s: how long the last replies of a step may take before they count as lost.
        blocks: in how many of the experiment's blocks it has trials; None for all.
    """

    kinds: Annotated[list[Kind], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(Kind)
    )
    clients: Count = 40
    websocket_limit_ms: Positive = 50
    polling_limit_ms: Positive = 200
    broadcast_hz: Positive = 10
    payload_bytes: PayloadBytes = 32
    step_s: Positive = 0.8
    steps: Annotated[int, Meta(ge=2, le=1000)] = 6
    resolution: _Resolution = 0.05
    least_hz: Positive = 5
    most_hz: Positive = 50_000
    most_recipients: Annotated[int, Meta(ge=2, le=100_000)] = 5000
    drain_s: Positive = 2.0
    blocks: Count | None = 3

    def __post_init__(self) -> None:
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("a kind is named twice")
        if self.least_hz >= self.most_hz:
            raise ValueError("least_hz is not below most_hz: there is nothing to look for")
        if self.broadcast_hz * self.step_s < _FEWEST_BROADCASTS:
            raise ValueError(
                f"broadcast_hz × step_s is below {_FEWEST_BROADCASTS} broadcasts: a step would say "
                f"nothing; step_s = {_FEWEST_BROADCASTS / self.broadcast_hz:g} would do"
            )
        if min(self.websocket_limit_ms, self.polling_limit_ms) > self.drain_s * 1000:
            raise ValueError("drain_s is shorter than a limit: nothing could exceed it")

    def limit_ms(self, transport: Transport) -> float:
        """The limit over one transport."""
        polling = transport is Transport.POLLING
        return self.polling_limit_ms if polling else self.websocket_limit_ms


#: A step with fewer broadcasts says nothing of a p99.
_FEWEST_BROADCASTS = 5

_LATENCY = Metric("latency_p99", Unit.MILLISECONDS, Better.NEITHER, "latency p99", "99 of 100 answers came within this, over the steps just below the capacity", "latency", 0.99)  # fmt: skip

METRICS: Mapping[Kind, Mapping[str, Metric]] = {
    Kind.ECHO: table(
        Metric("capacity", Unit.MESSAGES_PER_SECOND, Better.HIGHER, "capacity", "the highest offered load, at random moments, with which the p99 of latency stays within the limit and nothing is lost"),
        _LATENCY,
        *EVERY_TRIAL.values(),
    ),
    Kind.BROADCAST: table(
        Metric("capacity", Unit.CLIENTS, Better.HIGHER, "capacity", "the largest number of recipients that have 99 of 100 copies of a broadcast within the limit, with none missing"),
        _LATENCY,
        *EVERY_TRIAL.values(),
    ),
}  # fmt: skip
