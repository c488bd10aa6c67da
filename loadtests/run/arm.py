"""What an experiment says of a comparison: its two arms, and what decides between them."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from loadtests.client.target import HIDDEN
from loadtests.scenarios.scenario import Heartbeat

#: A pair, or a trial of it, of which there are to be at least two.
_Pairs = Annotated[int, Meta(ge=2, le=1000)]

#: What a gate decides by where nothing else is said: what two identical servers agree on best.
GATED = (
    "echo.server_cpu",
    "echo.throughput",
    "echo.latency_p50",
    "broadcast.server_cpu",
    "broadcast.last_recipient_p50",
)


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of two; what it does not say is as in the working tree that the command runs in.

    Attributes:
        ref: git's name of a commit whose application is served; None for the working tree.
        requires: packages in pip's spelling, on top of those that are pinned there.
        python: interpreter; None for the one that runs this.
        mode: in place of the experiment's modes.
        server: options of its servers, in place of the experiment's.
        environment: variables of its servers.
    """

    ref: str | None = None
    requires: list[str] = []
    python: str | None = None
    mode: str | None = None
    server: Heartbeat | None = None
    environment: dict[str, str] = {}

    def unsaid(self) -> Arm:
        """The same for everybody's eyes: no values of variables, no passwords, no paths."""
        return msgspec.structs.replace(
            self,
            python=self.python and re.split(r"[/\\]", self.python)[-1],
            environment=dict.fromkeys(self.environment, HIDDEN),
            requires=[_without_path(without_password(each)) for each in self.requires],
        )


def without_password(requirement: str) -> str:
    """A package for everybody's eyes: its address may have a password or a token."""
    shown = re.sub(r"(?<=://)[^/@]*@", f"{HIDDEN}@", requirement)
    return re.sub(r"(?<=://)([^?\s]*)\?[^#\s]*", rf"\1?{HIDDEN}", shown)


def _without_path(requirement: str) -> str:
    """The same where it is a folder or a file: its name alone."""
    is_path = "://" not in requirement and "/" in requirement
    return f"…/{requirement.rstrip('/').rpartition('/')[2]}" if is_path else requirement


class Deciding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a gate decides.

    Attributes:
        detect: the slowdown that it is to find, as a share.
        metrics: those that can make it fail, ``scenario.metric``; all others are only shown.
        first, most: pairs before the first look, and before the screen gives up.
        confirm_first, confirm_most: between them lies how many fresh pairs confirm a suspicion.
        removed: cells that head lacks on purpose, ``mode`` or ``mode/transport``: not measured.
        contrast: beside every so manieth pair of the screen is one of two bases, and as many more
            as can show that these differ; 0 for none.
    """

    detect: Annotated[float, Meta(ge=0.01, le=1.0)] = 0.10
    metrics: list[str] = msgspec.field(default_factory=lambda: list(GATED))
    first: _Pairs = 6
    most: _Pairs = 24
    confirm_first: _Pairs = 8
    confirm_most: _Pairs = 24
    contrast: Annotated[int, Meta(ge=0, le=1000)] = 4
    removed: list[str] = []

    def is_removed(self, mode: str, transport: str) -> bool:
        """Whether a cell is declared to be gone in head on purpose."""
        return not {mode, f"{mode}/{transport}"}.isdisjoint(self.removed)
