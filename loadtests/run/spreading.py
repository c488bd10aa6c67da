"""Several load generators for one group of trials, over Locust's own distributed mode.

Locust's master conducts (``workers``): it makes the schedules, reads the clocks and makes the
numbers. The users, with their connections, are its workers' (``worker``), which do as they are
told. Here is what both say to each other, in messages of ours beside Locust's, and who has which
users.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from loadtests.run.trial import Orders
from loadtests.scenarios.spread import orders
from loadtests.scenarios.spread.orders import WorkerAnswer

#: How often a worker that does not answer is looked after, and one looks after its sessions.
LOOK_S = 0.25
#: Locust's messages hold a dictionary; ours has one key.
_BYTES = "bytes"
#: They have types, which are to be none of Locust's.
_OURS = "transport-bench {}"


class Here(msgspec.Struct, frozen=True):
    """To the master: a worker of that number has begun."""

    worker: int


class Ordered(msgspec.Struct, frozen=True):
    """To a worker: the trials, and how many workers there are."""

    orders: Orders


class Asked(msgspec.Struct, frozen=True):
    """To a worker: an order for one of the trials, and a number to answer it by."""

    number: int
    cell: int
    order: orders.Every


class Came(msgspec.Struct, frozen=True):
    """To the master: a user of a trial has a session, or has failed."""

    cell: int
    worker: int
    compressed: bool = False
    failure: str = ""


class Ended(msgspec.Struct, frozen=True):
    """To the master: these sessions of a trial have ended, and why."""

    cell: int
    worker: int
    ended: list[tuple[int, str]]


class Answered(msgspec.Struct, frozen=True):
    """To the master: the answer of that number."""

    number: int
    answer: WorkerAnswer


def send(runner: Any, message: msgspec.Struct, worker: str | None = None) -> None:
    """Send a message to the master, or from it to a worker by Locust's id."""
    kind = _OURS.format(type(message).__name__)
    runner.send_message(kind, {_BYTES: msgspec.msgpack.encode(message)}, worker)


def listen(runner: Any, kind: type[msgspec.Struct], heard: Callable[[Any, str], None]) -> None:
    """Have messages of a kind heard, with Locust's id of who sent each."""

    def hear(msg: Any, **_others: Any) -> None:
        heard(msgspec.msgpack.decode(msg.data[_BYTES], type=kind), msg.node_id)

    runner.register_message(_OURS.format(kind.__name__), hear)


def shares(expected: list[int], worker: int, workers: int) -> list[int]:
    """Which trial each user of a worker belongs to, in turn.

    Args:
        expected: how many users each trial has, over all workers.
        worker: which one.
        workers: how many there are.
    """
    every = [cell for cell, many in enumerate(expected) for _ in range(many)]
    return every[worker::workers]


def spawned(expected: list[int], workers: int) -> int:
    """How many users Locust is to spawn, so that every worker has as many as any other.

    Locust shares them evenly, and which worker has one more where they do not come out even is its
    own affair; one that is left over does nothing.
    """
    return -(-sum(expected) // workers) * workers
