"""Experiments: TOML files, what they may say, and the order of trials that follows.

A profile is an experiment that comes with the project (``loadtests/experiments/*.toml``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_args

import msgspec
from msgspec import Meta

from loadtests.client.target import Target
from loadtests.record.words import Client, Transport
from loadtests.run.arm import Arm, Deciding
from loadtests.run.subjects import SubjectTable, check, subjects_of
from loadtests.scenarios.own_messages import Messages
from loadtests.scenarios.registry import SCENARIOS
from loadtests.scenarios.scenario import Heartbeat, Scenario, Variant
from servers.modes import ADAPTERS, MAIN

#: A key, or a table's head, and how many dots none of an experiment has.
_KEY = re.compile(r"""\s*\[{0,2}([\w"' .-]*)[\]=]""")
_DEEPEST = 20
#: More processes of load than any machine has cores for is a slip of the pen.
MOST_GENERATORS = 64

PROFILES = Path(__file__).parents[1] / "experiments"


class ExperimentError(Exception):
    """An experiment cannot be run as it is written; one line says where and why."""


class _Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is run in which cells, how often and in which order.

    An :data:`Experiment` has, beside these, a table for each scenario; one that is absent is not
    run.

    Attributes:
        name: for the report's title and the run folder's name.
        description: one sentence for its reader.
        seed: of the order of trials and of the departures.
        blocks: how many trials of every scenario in every cell.
        modes, transports: the cells are their product.
        client: ``reference`` measures everything with python-socketio's client too, ``lean`` with
            ours without a browser's headers; each trial in the same block as its counterpart.
        compress: whether clients offer to compress WebSocket messages, as browsers do; a file says
            ``compression = false``, since a field of that name has the scenario's table.
        target: what every connection is told.
        server: options of every server.
        base, head: what ``gate`` compares; None for the working tree as it is.
        gate: how it decides.
        limits: what its head is held against, ``scenario.metric`` -> ``<= 50 ms``; with a cell
            (``echo.latency_p99@gevent/websocket``) for that alone.
        messages: of an application of one's own, which its servers are spoken to with.
        subject: what is measured in place of modes; ``modes`` are their labels then.
        generators: processes that hold the clients, in scenarios that can be spread.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
    description: str = ""
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] = 1
    blocks: Annotated[int, Meta(ge=1, le=10**9)] = 1
    modes: Annotated[list[str], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(MAIN)
    )
    transports: Annotated[list[Transport], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(Transport)
    )
    client: Client = Client.TRANSPORT_BENCH
    compress: bool = True
    server: Heartbeat = Heartbeat()
    target: Target = Target()
    base: Arm | None = None
    head: Arm | None = None
    gate: Deciding = Deciding()
    limits: dict[str, str] = {}
    messages: Messages | None = None
    subject: list[SubjectTable] = []
    generators: Annotated[int, Meta(ge=1, le=MOST_GENERATORS)] = 1

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios that this experiment has."""
        return [name for name in SCENARIOS if getattr(self, name) is not None]

    @property
    def clients(self) -> list[Client]:
        """Whose clients measure; ours always do, since a reference is to be compared with."""
        return list(dict.fromkeys((Client.TRANSPORT_BENCH, self.client)))

    def variants(self, scenario: str) -> list[Variant]:
        """The kinds of trials of a scenario.

        Raises:
            KeyError: the experiment has no such scenario.
        """
        options = getattr(self, scenario, None)
        if options is None:
            raise KeyError(scenario)
        return SCENARIOS[scenario].kinds(options)

    def variant(self, scenario: str, name: str = "") -> Variant:
        """One of them, the main one if no other is named.

        Raises:
            KeyError: there is none.
        """
        found = [each for each in self.variants(scenario) if each.name == name]
        if not found:
            raise KeyError(f"{scenario}:{name}")
        return found[0]

    def generators_of(self, scenario: Scenario[Any]) -> int:
        """How many processes hold a scenario's clients."""
        return self.generators if scenario.spreads else 1

    def blocks_of(self, scenario: str) -> int:
        """In how many blocks, from the first, a scenario has trials."""
        own = getattr(getattr(self, scenario), "blocks", None)
        return self.blocks if own is None else min(own, self.blocks)


_RESERVED = set(_Common.__struct_fields__) & SCENARIOS.keys()
if _RESERVED:
    raise ValueError(f"no scenario can be called {', '.join(_RESERVED)}: experiments have that")
if TYPE_CHECKING:
    Experiment = _Common
else:
    Experiment = msgspec.defstruct(
        "Experiment",
        [(each.name, each.options | None, None) for each in SCENARIOS.values()],
        bases=(_Common,),
        frozen=True,
        forbid_unknown_fields=True,
    )


def experiment_of(name: str, scenarios: Mapping[str, msgspec.Struct], **more: Any) -> Experiment:
    """An experiment of which no file exists.

    Args:
        name: of the experiment.
        scenarios: name -> its options.
        more: fields of an experiment.
    """
    fields: dict[str, Any] = {**scenarios, **more}
    return Experiment(name=name, **fields)


def load(name: str) -> Experiment:
    """The experiment of a profile's name or of a TOML file.

    Raises:
        ExperimentError: no such profile or file, or it breaks a rule; the line and the field are
            named.
    """
    profiles = sorted(path.stem for path in PROFILES.glob("*.toml"))
    path = PROFILES / f"{name}.toml" if name in profiles else Path(name)
    if path.suffix != ".toml":
        _unknown("profile", name, profiles, hint="; or give a file that ends in .toml")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ExperimentError(f"{path}: cannot be read: {why}") from error
    return parse(text, str(path))


def parse(text: str, origin: str) -> Experiment:
    """The experiment in a TOML text; ``origin`` stands in messages.

    Raises:
        ExperimentError: as in ``load``.
    """
    for number, written in enumerate(text.splitlines(), start=1):
        key = _KEY.match(written)
        if key is not None and key[1].count(".") > _DEEPEST:
            # Reading it takes tomllib a time that grows with the square of its depth.
            raise ExperimentError(f"{origin}, line {number}: nested too deeply to be an experiment")
    try:
        experiment: Experiment = msgspec.convert(_tables(text), Experiment)
    except RecursionError as error:
        raise ExperimentError(f"{origin}: nested too deeply to be an experiment") from error
    except msgspec.ValidationError as error:
        # msgspec says "Expected `float` > 0.0 - at `$.echo.rate_hz`".
        problem, _, where = str(error).partition(" - at `$")
        field = where.strip("`.")
        unknown = re.search(r"unknown field `(.+)`", problem)
        if unknown:
            guess = _nearest(unknown[1], _fields_of(field))
            problem = f"{problem}; {guess}".removesuffix("; ").rstrip()
            field = ".".join(filter(None, [field, unknown[1]]))
        line = _line_of(text, re.sub(r"\[.*", "", field))
        raise ExperimentError(f"{origin}, line {line}, {field or 'file'}: {problem}") from error
    except (msgspec.DecodeError, ValueError) as error:  # a number of thousands of digits
        raise ExperimentError(f"{origin}: not valid TOML: {error}") from error
    if not experiment.scenarios:
        known = ", ".join(f"[{name}]" for name in SCENARIOS)
        raise ExperimentError(f"{origin}, line 1: no scenario; add at least one of {known}")
    if experiment.subject:
        experiment = _with_subjects(experiment, origin, text)
    _check_cells(experiment, origin, text)
    return experiment


def _check_cells(experiment: Experiment, origin: str, text: str) -> None:
    """Whether its modes and transports are some, each once, and its clients can bear them."""
    for axis in ("modes", "transports"):
        names = getattr(experiment, axis)
        if len(set(names)) < len(names):
            line = _line_of(text, axis)
            raise ExperimentError(f"{origin}, line {line}, {axis}: one is named twice")
    for mode in experiment.modes:
        if mode not in ADAPTERS and mode not in subjects_of(experiment.subject):
            place = f"{origin}, line {_line_of(text, 'modes')}, modes"
            _unknown("mode", mode, ADAPTERS, place=place)
    for table, heartbeat in _heartbeats(experiment):
        if experiment.client is Client.REFERENCE and heartbeat.ping_interval_s % 1:
            # engineio.server.Server announces int(ping_interval) * 1000 (4.15), and the library's
            # client gives a server up that is silent for longer than it has announced.
            field = f"{table}.ping_interval_s"
            raise ExperimentError(
                f"{origin}, line {_line_of(text, field)}, {field}: with the reference client "
                "whole seconds only: python-engineio's server announces no others"
            )


def _with_subjects(experiment: Experiment, origin: str, text: str) -> Experiment:
    """The same, whose cells are its subjects."""
    try:
        check(experiment.subject, list(ADAPTERS))
    except ValueError as error:
        line = text[: text.find("[[subject]]")].count("\n") + 1
        raise ExperimentError(f"{origin}, line {line}: {error}") from error
    if "modes" in msgspec.toml.decode(text):
        place = f"{origin}, line {_line_of(text, 'modes')}, modes"
        raise ExperimentError(f"{place}: with [[subject]] tables these are what is measured")
    labels = [each.label for each in experiment.subject]
    return msgspec.structs.replace(experiment, modes=labels)


def _tables(text: str) -> dict[str, Any]:
    """What a TOML text says, by the names of an experiment's fields."""
    written: dict[str, Any] = msgspec.toml.decode(text)
    if "compress" in written:
        raise msgspec.ValidationError("say `compression = true` or `false` - at `$.compress`")
    if not isinstance(written.get("compression", True), bool | dict):
        raise msgspec.ValidationError("true or false, or a table - at `$.compression`")
    if isinstance(written.get("compression"), bool):  # else it is the scenario's table
        written["compress"] = written.pop("compression")
    return written


def _heartbeats(experiment: Experiment) -> Iterator[tuple[str, Heartbeat]]:
    """Every table with a heartbeat of a server that a reference client may connect to."""
    yield "server", experiment.server
    for subject in experiment.subject:
        if subject.server is not None:
            yield "subject", subject.server
    for scenario in experiment.scenarios:
        for variant in experiment.variants(scenario):
            if variant.heartbeat is not None and variant.scenario.conduct is None:
                yield variant.table or scenario, variant.heartbeat


def _fields_of(table: str) -> list[str]:
    """What a table may hold; nothing where it is no table of ours."""
    owner: Any = Experiment
    for name in filter(None, re.sub(r"\[.*?\]", "", table).split(".")):
        kinds = {field.name: field.type for field in msgspec.structs.fields(owner)}
        found = list(_structs_in(kinds.get(name)))
        if not found:
            return []
        owner = found[0]
    return [field.encode_name for field in msgspec.structs.fields(owner)]


def _structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The structures that a field's type names: ``Echo`` of ``Echo | None``."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for inner in get_args(kind):
        yield from _structs_in(inner)


def _line_of(text: str, field: str) -> int:
    """The line of a field (``echo.rate_hz``), or of its table where the field is missing, or 1."""
    table, _, key = field.rpartition(".")
    in_table = re.compile(rf"\s*{re.escape(key)}\s*=")
    # Also TOML's other ways to write it: "echo.rate_hz = 1" and "echo = { rate_hz = 1 }".
    above_tables = re.compile(rf"\s*({re.escape(field)}|{re.escape(table or field)})\s*=")
    current = ""
    table_line = 1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            current = header[1]
            if current == field or current.startswith(f"{field}."):
                return number
            if current == table:
                table_line = number
        elif (current == table and in_table.match(line)) or (
            not current and above_tables.match(line)
        ):
            return number
    return table_line


def known(kind: str, names: Iterable[str], all_names: Iterable[str], place: str = "") -> None:
    """Refuse a name that is none.

    Args:
        kind: of name.
        names: to be looked at.
        all_names: those that there are.
        place: where they are written, for the message.

    Raises:
        ExperimentError: with those that there are.
    """
    listed = list(all_names)
    for name in names:
        if name not in listed:
            _unknown(kind, name, listed, place=place)


def _unknown(
    kind: str, name: str, all_names: Iterable[str], *, place: str = "", hint: str = ""
) -> NoReturn:
    names = list(all_names)
    guess = _nearest(name, names)
    prefix = f"{place}: " if place else ""
    raise ExperimentError(
        f"{prefix}unknown {kind} {name!r}; {guess}known: {', '.join(names)}{hint}"
    )


def _nearest(name: str, names: Sequence[str]) -> str:
    """``did you mean echo? ``, or nothing where no known name is near."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}? " if close else ""
