"""Can these numbers be trusted? A closed set of findings about a run, each ending in advice.

The form is hyperfine's (sharkdp/hyperfine, src/output/warnings.rs): a warning that does not say
what to do is noise.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeGuard

from loadtests.record.generator_facts import DEFLATE, NOT_COMPRESSED
from loadtests.record.words import Status, scenario_of
from loadtests.scenarios.registry import SCENARIOS
from reports.facts.findings import Finding, Kind, Severity, names
from reports.facts.numbers import counted, short
from reports.facts.rows import Row, cells_of, fewest_samples
from reports.facts.run import Facts, compressions
from reports.facts.text import shown

#: A hypervisor that takes more than this share of the CPU time makes stalls that reach a p99.
STOLEN_PERCENT = 0.5

#: So much of a name that somebody has chosen is shown.
_WORDS = 40

#: The same work taking so many times as long in one trial as in another is no longer the server.
UNSTEADY_RATIO = 1.2


def _interrupted(facts: Facts) -> Iterator[Finding]:
    if facts.result.ended == "complete":
        return
    done, planned = len(facts.result.trials), len(facts.result.plan)
    yield Finding(
        Kind.INTERRUPTED,
        Severity.WARNING,
        f"The run ended early ({facts.result.ended}): {done} of {planned} trials ran.",
        "Run it again to the end before comparing cells: what is missing is missing unevenly.",
    )


def _failed(facts: Facts) -> Iterator[Finding]:
    rows = [row for row in facts.own_rows if row.status is Status.FAILED]
    if rows:
        logs = (
            " and the servers' logs" if any(one.server_log for one in facts.result.trials) else ""
        )
        yield Finding(
            Kind.FAILED,
            Severity.WARNING,
            f"{counted(len(rows), 'number')} not measured: {_some_reasons(rows)}.",
            f"Read the reasons{logs} under “Failed and invalid”, then run again.",
            names(cells_of(rows)),
        )


def _invalid(facts: Facts) -> Iterator[Finding]:
    rows = [row for row in facts.own_rows if row.status is Status.INVALID]
    if rows:
        yield Finding(
            Kind.INVALID,
            Severity.WARNING,
            f"{counted(len(rows), 'number')} measured but not to be trusted: {_causes(rows)}.",
            "Do not quote them; they are left out of “Best at” and marked in charts and tables.",
            names(cells_of(rows)),
        )


def _single_trial(facts: Facts) -> Iterator[Finding]:
    rows = [
        row for row in facts.own_rows if row.trials == 1 and not _every_client_counts(facts, row)
    ]
    if rows:
        everywhere = all(row.trials == 1 for row in facts.own_rows if row.trials)
        yield Finding(
            Kind.SINGLE_TRIAL,
            Severity.WARNING,
            f"{'Every number rests' if everywhere else 'Some numbers rest'} on a single trial, so "
            "there is no interval and chance cannot be told from a difference.",
            "Run several trials of each cell before deciding: more blocks, as the profile "
            "“default” has.",
            () if everywhere else names(cells_of(rows)),
        )


def _every_client_counts(facts: Facts, row: Row) -> bool:
    """Whether a single trial was asked for, of a scenario in which every client is a point."""
    scenario = scenario_of(row.row)
    return facts.setting(scenario, "blocks") == 1 and SCENARIOS[scenario].every_client_counts


def _undersampled(facts: Facts) -> Iterator[Finding]:
    rows = [row for row in facts.own_rows if row.undersampled]
    fewest: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        trials = zip(facts.own_outcomes[row.row, row.cell], row.values, strict=True)
        count = fewest_samples(row.metric, (one for one, value in trials if value is not None))
        fewest[row.row, row.metric.name].append(count or 0)
    listed = [
        f"{name} {metric} ({min(counts):,} samples)" for (name, metric), counts in fewest.items()
    ]
    if rows:
        yield Finding(
            Kind.UNDERSAMPLED,
            Severity.WARNING,
            "A p99 wants 1,000 samples in its trial (a p99.9 wants 10,000); fewer stand behind "
            f"{', '.join(listed)}.",
            "Read these as the slowest few, not as percentiles; longer trials or a higher rate "
            "mend it.",
            names(cells_of(rows)),
        )


def _noisy_machine(facts: Facts) -> Iterator[Finding]:
    stolen = [trial.generator.stolen_percent for trial in facts.result.trials]
    noisy = sum(1 for percent in stolen if percent > STOLEN_PERCENT)
    if noisy:
        yield Finding(
            Kind.NOISY_MACHINE,
            Severity.WARNING,
            "This is a virtual machine whose host gave CPU time to others while it was wanted: up "
            f"to {short(max(stolen))} %, and more than {STOLEN_PERCENT} % in {noisy} of "
            f"{counted(len(stolen), 'trial')}. That stalls servers for tens of milliseconds.",
            "Trust medians, throughput and CPU per message; read p99, max and lateness as the "
            "machine's as much as the server's, or run on a machine of your own.",
        )


def _unsteady_machine(facts: Facts) -> Iterator[Finding]:
    sticks = [
        trial.generator.yardstick_ms
        for trial in facts.result.trials
        if trial.generator.yardstick_ms
    ]
    if len(sticks) > 1 and max(sticks) > UNSTEADY_RATIO * min(sticks):
        yield Finding(
            Kind.UNSTEADY_MACHINE,
            Severity.WARNING,
            f"The machine's speed changed while it measured: a fixed piece of Python took "
            f"{short(min(sticks))} to {short(max(sticks))} ms from trial to trial.",
            "Compare cells by their ratios, which are free of most of it; the figures themselves "
            "are this machine's of that day, and their own intervals are wide.",
        )


def _not_pinned(facts: Facts) -> Iterator[Finding]:
    pinning = facts.result.environment.get("pinning")
    note = pinning.get("note") if isinstance(pinning, Mapping) else None
    if isinstance(pinning, Mapping) and not note and not _shared_cores(pinning):
        return
    yield Finding(
        Kind.NOT_PINNED,
        Severity.WARNING,
        "Server and generator were not kept on cores of their own"
        f"{f' ({note})' if note else ''}, so they may have taken time from each other.",
        "Run on Linux with two or more cores, or read the differences as upper bounds.",
    )


def _crowded_generators(facts: Facts) -> Iterator[Finding]:
    found = facts.result.environment.get("generators")
    if not isinstance(found, Mapping):
        return
    many, cores = found.get("processes"), found.get("cores")
    if isinstance(many, int) and isinstance(cores, int) and cores < many:
        yield Finding(
            Kind.CROWDED_GENERATORS,
            Severity.WARNING,
            f"{many} load generators shared {cores} core{'s' if cores > 1 else ''}: together they "
            "can do no more than that, and keep each other waiting.",
            "Run on a machine with a core for each beside the server's, or with fewer generators.",
        )


def _shared_cores(pinning: Mapping[str, object]) -> bool:
    server, generator = pinning.get("server"), pinning.get("generator")
    if not isinstance(server, list) or not isinstance(generator, list):
        return True
    return not server or not generator or any(core in generator for core in server)


def _user_space_clock(facts: Facts) -> Iterator[Finding]:
    cells = {
        cell
        for (name, cell), outcomes in facts.own_outcomes.items()
        for outcome in outcomes
        if SCENARIOS[scenario_of(name)].times_arrivals
        and outcome.trial
        and outcome.measurement
        and outcome.trial.generator.arrival_clock != "kernel"
    }
    if cells:
        yield Finding(
            Kind.USER_SPACE_CLOCK,
            Severity.WARNING,
            "Arrivals were stamped in user space, not by the kernel, so time that a message "
            "waited inside the generator counts as the server's.",
            "Run on Linux for the kernel's stamps (SO_TIMESTAMPNS), or look at receive_lag_p99 "
            "and generator_busy before trusting a tail.",
            names(sorted(cells, key=str)),
        )


def _uncompressed(facts: Facts) -> Iterator[Finding]:
    """Compression was offered, by the result's own word: older ones have none."""
    agreed = compressions(facts)
    cells = agreed.get(NOT_COMPRESSED, [])
    if not cells or facts.result.experiment.get("compress") is not True:
        return
    which = ", ".join(names(cells))
    others = ", ".join(names(agreed.get(DEFLATE, [])))
    yield Finding(
        Kind.UNCOMPRESSED,
        Severity.NOTE,
        "WebSocket messages are not compressed, which the clients offer as browsers do, in "
        f"{which}{f'; they are in {others}' if others else ''}.",
        "That saves CPU and memory and costs bytes: to compare servers without it, run all of them "
        "with --no-compression (compression = false in an experiment).",
        names(cells),
    )


def _whose_messages(facts: Facts) -> Iterator[Finding]:
    """What applications of somebody's own were sent: their own messages, or those beside them."""
    told = facts.result.experiment
    subjects = told.get("subject")
    tables = [each for each in subjects if isinstance(each, dict)] if _is_list(subjects) else []
    sent: dict[str, list[str]] = {}
    for table in tables:
        own = table.get("messages") or told.get("messages")
        if isinstance(own, dict):
            sent.setdefault(_exchanges(own), []).append(str(table.get("label")))
        elif table.get("app"):
            sent.setdefault("", []).append(str(table.get("label")))
    labels = [label for several in sent.values() for label in several]
    for words, several in sent.items():
        who = "" if len(several) == len(labels) else f" by {', '.join(map(_short, several))}"
        yield Finding(
            Kind.WHOSE_MESSAGES,
            Severity.NOTE if len(sent) == 1 else Severity.WARNING,
            f"Messages to the application's own handlers were measured{who}: {words}."
            if words
            else f"The application's own handlers were not measured{who}: messages went to a "
            "namespace beside its own, through all that is around them.",
            "What these do not say went to the namespace beside the application's own, or was left "
            "out; subjects that were sent different messages are not to be compared."
            if words
            else "[messages] in the experiment say what its handlers are sent "
            "(docs/your-own-app.md).",
        )


def _exchanges(own: Mapping[str, object]) -> str:
    found = [
        f"{kind} is {_short(each.get('event'))}, answered by "
        f"{_short(each.get('answer', 'acknowledgement'))}"
        for kind in ("echo", "broadcast")
        if isinstance(each := own.get(kind), dict)
    ]
    return "; ".join(found) or "none but what is said first"


def _short(words: object) -> str:
    return repr(shown(str(words), _WORDS))


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _raised(facts: Facts) -> Iterator[Finding]:
    """Of applications of somebody's own: what of it is a fault, they know."""
    plan = {planned.number: planned for planned in facts.result.plan}
    found = [(plan[each.number], each.raised) for each in facts.result.trials if each.raised]
    if not found:
        return
    cells = dict.fromkeys(f"{planned.mode} × {planned.transport}" for planned, _ in found)
    planned, first = found[0]
    yield Finding(
        Kind.RAISED,
        Severity.NOTE,
        f"The servers' logs tell of exceptions in {counted(len(found), 'trial')}: in "
        f"{planned.scenario} of {planned.mode} × {planned.transport} {first}.",
        "An answer that never came may be one of these. Where the place is a library's, a client "
        "that went, or sent what it does not read, may be all; the logs have them in full.",
        tuple(cells),
    )


#: What is looked for in every run, whatever its scenarios.
CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _interrupted,
    _failed,
    _invalid,
    _single_trial,
    _undersampled,
    _noisy_machine,
    _unsteady_machine,
    _not_pinned,
    _crowded_generators,
    _user_space_clock,
    _uncompressed,
    _raised,
    _whose_messages,
)


def _causes(rows: Sequence[Row]) -> str:
    """Each cause once, with how many numbers it spoils; the rows have the figures."""
    causes = Counter(
        re.sub(r"^\d+ of \d+ trials \w+: | \([^()]*\)$", "", reason)
        for row in rows
        for reason in row.reasons[:1]
    )
    return "; ".join(f"{cause} ({count})" for cause, count in causes.most_common())


def _some_reasons(rows: Sequence[Row]) -> str:
    """The first few distinct reasons, and how many more there are."""
    reasons = list(dict.fromkeys(reason for row in rows for reason in row.reasons))
    shown = "; ".join(reasons[:3])
    return f"{shown}; and {len(reasons) - 3} more" if len(reasons) > 3 else shown
