"""``result.json``: everything a run knows, from which every other file can be made again.

docs/result-format.md describes it for people who read it with other tools.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from loadtests.record import files
from loadtests.record.generator_facts import Count, GeneratorFacts, Number
from loadtests.record.words import Client, Purpose, Status, Transport

FORMAT = "transport-bench/1"
FILE_NAME = "result.json"

#: A result's own parts are a dozen deep; what is beyond all of them is no result.
_DEEPEST = 50
#: An error quotes so much of a file.
_QUOTED = 300


class ResultError(Exception):
    """A result file is missing, is none, or is of a format that this version cannot read."""


class Window(msgspec.Struct, frozen=True):
    """When something is to be noticed, in seconds from when it happened.

    loadtests/scenarios/disconnect/windows.py derives it.

    Attributes:
        earliest_s, latest_s: between them, by the rules alone: no tolerance is in them.
        reasons: any of these is to be given, in the library's words.
    """

    earliest_s: Number
    latest_s: Number
    reasons: list[str]


class Detection(msgspec.Struct, frozen=True):
    """What became of one client that went away.

    Attributes:
        gone_s: when it went, from the start of the departures.
        detected_s: from then to the server's disconnect handler; None if not within the window.
        reason: what the handler was given, in python-engineio's words.
        silent_s: how long before it went it had answered its last heartbeat; None if not known.
        expected: when it was to be noticed, by its own phase where that is known.
        calls: how often the handler ran for it.
    """

    gone_s: Number
    detected_s: Number | None
    reason: str | None
    silent_s: Number | None = None
    expected: Window | None = None
    calls: Count = 1


class Reconnection(msgspec.Struct, frozen=True):
    """What one client made of its server's going away.

    Attributes:
        noticed_s: from the server's end (or its freezing) to the client's disconnect event; None if
            there was none.
        reason: what that event said, in the client library's words.
        reconnected_s: from when a server answered again to the client's next connect event; None if
            there was none within the observation window. Below 0 by milliseconds where the client
            was served beside the request that asked.
    """

    noticed_s: Number | None
    reason: str | None
    reconnected_s: Number | None


class Measurement(msgspec.Struct, frozen=True):
    """The numbers of one trial for one row of the summary.

    Attributes:
        row: its name: ``echo``, ``broadcast``, ``disconnect:kill``, ...; ``scenario`` in the file.
        metrics: metric name -> number in the metric's unit; None where it could not be known.
        invalid: metric name -> why its number is not to be trusted.
        unavailable: metric name -> why there is no number.
        disturbed: metrics whose number the machine or the load generator touched, which has nothing
            to do with the server: a report may do without this trial there. Those of them that are
            not in ``invalid`` stand as long as no other trial is left out for such a thing.
        samples: metric family -> how many samples stand behind it (``latency``: messages, ...).
        distributions: metric family -> HdrHistogram of nanoseconds, V2 compressed, base64.
        detections: one entry per departed client (disconnect only).
        reconnections: one entry per client whose server went away (disconnect, avalanche).
        expected: when the clients of this row are to be noticed (or to notice), whatever their
            phase; None where there is no rule.
        notes: metric name -> what belongs to its number, in words (what ended a search), this
            trial's figures in brackets at the end.
    """

    row: str = msgspec.field(name="scenario")
    metrics: dict[str, Number | None]
    invalid: dict[str, str] = {}
    unavailable: dict[str, str] = {}
    disturbed: list[str] = []
    samples: dict[str, Count] = {}
    distributions: dict[str, str] = {}
    detections: list[Detection] = []
    reconnections: list[Reconnection] = []
    expected: Window | None = None
    notes: dict[str, str] = {}

    def distrusted(self, reason: str, *, above_all: bool = False) -> Measurement:
        """The same; every number is invalid, and that is no disturbance.

        Args:
            reason: why.
            above_all: whether it takes the place of all other reasons; else only of disturbances,
                with which a report may do without a trial, and fills in for the others.
        """
        doubted = {name: reason for name, value in self.metrics.items() if value is not None}
        own = {name: why for name, why in self.invalid.items() if name not in self.disturbed}
        return msgspec.structs.replace(
            self,
            invalid=self.invalid | doubted | ({} if above_all else own),
            disturbed=[name for name in self.disturbed if name not in doubted],
        )

    def disturbed_by(
        self, reason: str | None, names: Collection[str], *, lost: float
    ) -> Measurement:
        """The same; some numbers are invalid, and not by the server's fault.

        This takes the place of other reasons, which are read from what was disturbed: a generator
        that stood still looks like a server that is offered too much. Where there is no number,
        what was lost stays the reason.

        Args:
            reason: what the machine or the load generator did; None changes nothing.
            names: of the numbers that it touched.
            lost: messages of the trial that were lost, which is the server's: a report cannot do
                without such a trial.
        """
        if reason is None:
            return self
        doubted = [name for name in names if self.metrics.get(name) is not None]
        disturbed = [] if lost else list(dict.fromkeys([*self.disturbed, *doubted]))
        return msgspec.structs.replace(
            self, invalid=self.invalid | dict.fromkeys(doubted, reason), disturbed=disturbed
        )


class PlannedTrial(msgspec.Struct, frozen=True):
    """One trial that the experiment asks for, in the order in which they run.

    Attributes:
        number: from 0, over the whole run.
        block: from 0; one trial of every cell and scenario.
        rows: the row names that it yields (``disconnect:close``, ``disconnect:kill``, ...).
        client: whose clients load the server; the rows of the reference's end in ``:reference``.
        variant: which of the scenario's trials it is, where it has several kinds (disconnect: empty
            for clients that go, ``server`` for a server that goes, ``10/5:1000`` for a sweep's).
        group: trials of one block with the same group are carried out together, with servers that
            take turns; None for one that runs alone.
        purpose: of its pair, where arms are compared; None elsewhere.
    """

    number: Count
    block: Count
    scenario: str
    mode: str
    transport: Transport
    rows: list[str]
    client: Client = Client.TRANSPORT_BENCH
    variant: str = ""
    group: Count | None = None
    purpose: Purpose | None = None

    @property
    def at_once(self) -> bool:
        """Whether the trials of its group are loaded at the same time, as those of a pair are."""
        return self.purpose is not None


class Trial(msgspec.Struct, frozen=True):
    """What came of a planned trial.

    Attributes:
        number: that of the planned trial.
        status: ``ok``, ``failed`` or ``unavailable`` (what a single number is worth is said in its
            measurement).
        reason: why it failed or is unavailable, in one line.
        server_log: path of the server's log inside the run folder.
        started_s: since the start of the run.
        seconds: how long it took, start-up included.
        server: the server's READY line; empty where there was none.
        generator: what the load generator says of itself.
        measurements: one per row name; empty where the trial failed.
        raised: how many exceptions the server of somebody's own application told of, and the first.
    """

    number: Count
    status: Status
    reason: str | None = None
    server_log: str | None = None
    started_s: Number = 0.0
    seconds: Number = 0.0
    server: dict[str, Any] = {}
    generator: GeneratorFacts = GeneratorFacts()
    measurements: list[Measurement] = []
    raised: str = ""


class Result(msgspec.Struct, frozen=True):
    """A whole run.

    Attributes:
        format: of this file.
        version: of transport-bench.
        started: UTC, ISO 8601.
        ended: ``complete``, ``interrupted`` or ``running`` (what a killed run leaves).
        seconds: how long it has taken so far.
        experiment: the experiment as it was run, after every narrowing.
        environment: machine, kernel, Python, packages, limits, pinning.
        plan: every trial that was to run, in order.
        trials: those that ran, in order.
        calibration: what the load generator can do on this machine (``calibration.json``); None
            where that was not measured, or not with what runs here now: ``environment`` says why.
    """

    format: str
    version: str
    started: str
    ended: str
    seconds: Number
    experiment: dict[str, Any]
    environment: dict[str, Any]
    plan: list[PlannedTrial]
    trials: list[Trial]
    calibration: dict[str, Any] | None = None


def write(result: Result, folder: Path) -> None:
    """Replace ``result.json`` in one step, so that a run that is killed leaves its last state.

    Raises:
        OSError: it cannot be written.
    """
    encoded = msgspec.json.format(msgspec.json.encode(result), indent=1)
    files.replace(folder / FILE_NAME, encoded + b"\n")


def read(path: Path) -> Result:
    """Read a result file, or the one in a run folder.

    Raises:
        ResultError: with one line that says what is wrong and where.
    """
    return decoded(path / FILE_NAME if path.is_dir() else path, FORMAT, Result)


Kind = TypeVar("Kind", bound=msgspec.Struct)


def decoded(path: Path, written: str, kind: type[Kind]) -> Kind:
    """What a file of ours holds.

    Args:
        path: of it.
        written: the format that its field ``format`` is to name.
        kind: what it holds.

    Raises:
        ResultError: see ``read``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from error
    try:
        document = msgspec.json.decode(content, type=dict[str, Any])
        found = document.get("format")
        if found != written:
            raise ResultError(
                f"{path}: format is {_quoted(repr(found))}, this version reads {written!r}; "
                "run the experiment again"
            )
        if _is_deeper(document, _DEEPEST):
            raise ResultError(f"{path}: not a result file: it is nested too deeply")
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultError(f"{path}: not a result file: {_quoted(str(error))}") from error


def _quoted(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def _is_deeper(document: Any, levels: int) -> bool:
    """Whether it has more levels; level by level, so that depth costs no stack."""
    level = [document]
    for _ in range(levels):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)
