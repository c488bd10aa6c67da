"""A run in three to five sentences: a closed set of rules, each of which makes its own or none.

Pure: the same numbers make the same sentences. What the trials cannot tell is said as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadtests.record.words import Better, Status, Transport, scenario_of
from loadtests.scenarios.disconnect.rows import NAME as DISCONNECT
from loadtests.scenarios.echo import SCENARIO as ECHO
from reports.facts.acknowledgement import PYWSGI_MODES
from reports.facts.best import Answer, Certainty
from reports.facts.findings import Finding, Kind
from reports.facts.numbers import counted, percent, times, with_unit
from reports.facts.ratios import ranked, ratio_of
from reports.facts.rows import Row, scenarios_in
from reports.facts.run import Facts, troubles_of
from reports.facts.stats import Ratio
from reports.facts.text import shown
from reports.sections.short import noticing
from reports.sections.short.held import held
from reports.sections.short.lines import TRANSPORTS, Number, answer_of, rows_of
from reports.sections.short.words import LABEL, NAMED, listed, mode_of, names_of, span_of

#: Echoes whose ratio is surely within this are alike to whoever waits for them.
_ALIKE = 1.25
#: A run without echoes is told by so many of its first places.
_PLACES = 3
_ECHO = Number("", ECHO.name, "latency_p50")
_CPU = Number("", ECHO.name, "server_cpu")
_UNDECIDED = "undecided: "
_MEDIAN, _TAIL = 0.5, 0.99


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a run says, its gist first.

    Attributes:
        gist: what a reader in a hurry takes along.
        rest: the numbers, and what else belongs to it; it goes on where the gist ends.
    """

    gist: str
    rest: str

    def __str__(self) -> str:
        """All of it."""
        return f"{self.gist}{self.rest}"


@dataclass(frozen=True, slots=True)
class Told:
    """What the rules look at.

    Attributes:
        facts: of the run.
        answers: to the questions of all sections.
        findings: about the run.
    """

    facts: Facts
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]


Rule = Callable[[Told], Iterator[Sentence]]


def sentences(told: Told) -> tuple[Sentence, ...]:
    """What the rules make of a run, in their order."""
    if all(row.estimate is None for row in told.facts.own_rows):
        return tuple(nothing(told))
    return tuple(sentence for rule in RULES for sentence in rule(told))


def nothing(told: Told) -> Iterator[Sentence]:
    """No number at all: what went wrong first is what there is to say."""
    reasons = [reason for row in told.facts.own_rows for reason in row.reasons]
    first = f": {reasons[0].rstrip('.')}" if reasons else ""
    logs = any(trial.server_log for trial in told.facts.result.trials)
    more = " The servers' logs say more." if logs else ""
    end = "" if first.endswith("?") else "."
    yield Sentence("Nothing was measured", f"{first}{end}{more}")


def over_websocket(told: Told) -> Iterator[Sentence]:
    """Who answers soonest over WebSocket, and who takes the least CPU for it."""
    return _echoes(told, Transport.WEBSOCKET)


def over_polling(told: Told) -> Iterator[Sentence]:
    """The same over long-polling."""
    return _echoes(told, Transport.POLLING)


def waits(told: Told) -> Iterator[Sentence]:
    """A server that has time and whose answers wait all the same, where the check found it."""
    seen = {cell for one in told.findings if one.kind == Kind.DELAYED_ACK for cell in one.cells}
    rows = rows_of(told.facts, _ECHO, Transport.POLLING)
    found = [row for row in rows if row.cell.mode in PYWSGI_MODES and str(row.cell) in seen]
    if found:
        yield Sentence(
            f"{names_of(found)} over {TRANSPORTS[Transport.POLLING]} "
            f"{'waits' if len(found) == 1 else 'wait'} {span_of(found)}",
            " for each echo with time to spare: the server's last packet is held until the client "
            "acknowledges the one before. gunicorn's gevent worker and WebSocket do not have it.",
        )


def first_places(told: Told) -> Iterator[Sentence]:
    """A run without echoes: who is first at what it measured, the clear ones before the ties."""
    if any(row.row == ECHO.name for row in told.facts.own_rows):
        return
    order = list(Certainty)
    asked = [one for one in told.answers if scenario_of(one.question.row) != DISCONNECT]
    known = [one for one in asked if one.first is not None and one.certainty in _SAID]
    for answer in sorted(known, key=lambda one: order.index(one.certainty))[:_PLACES]:
        yield _place(answer, told.facts)


def gone(told: Told) -> Iterator[Sentence]:
    """When the server notices that somebody is gone, at this run's heartbeat and the library's."""
    found = noticing.told(told.facts)
    if found is not None:
        yield Sentence(*found)


def trust(told: Told) -> Iterator[Sentence]:
    """Which numbers may be quoted."""
    judged = (row for row in told.facts.own_rows if row.metric.better is not Better.NEITHER)
    rows = [row for row in judged if row.estimate is not None]
    behind = _failures(told.facts)
    once = _tried_once(rows)
    if once == scenarios_in(rows):
        yield Sentence(
            "Everything was tried once",
            f": a first look, which makes nobody the better one. More blocks would tell.{behind}",
        )
        return
    medians = [row for row in rows if row.metric.quantile == _MEDIAN]
    tails = [row for row in rows if (row.metric.quantile or 0) >= _TAIL]
    if shaky := _doubtful(medians):
        gist = f"Do not quote {shaky} of {len(medians)} medians"
    else:
        gist = "Trust the medians" if medians else "Read the intervals"
    if loose := _doubtful(tails):
        rest = f"; do not quote p99: {loose} of {len(tails)} are invalid or of too few samples."
    else:
        rest = "; no p99 is invalid or of too few samples." if tails else "."
    if once:
        rest += f" What was tried once makes nobody the better one: {listed(once)}."
    yield Sentence(gist, rest + behind)


def _tried_once(rows: Sequence[Row]) -> list[str]:
    """The scenarios none of whose cells has a second trial."""
    most: dict[str, int] = {}
    for row in rows:
        scenario = scenario_of(row.row)
        most[scenario] = max(most.get(scenario, 0), row.trials)
    return [scenario for scenario, trials in most.items() if trials < 2]


def _failures(facts: Facts) -> str:
    """How many cells have no number of a row at all."""
    failed = {(one.row, one.cell) for one in troubles_of(facts) if one.status is Status.FAILED}
    if not failed:
        return ""
    are = "is" if len(failed) == 1 else "are"
    return f" {counted(len(failed), 'measurement')} failed and {are} in no sentence here."


#: All rules, in the order in which readers ask.
RULES: tuple[Rule, ...] = (over_websocket, over_polling, waits, first_places, gone, trust)
_SAID = (Certainty.CLEAR, Certainty.TIE, Certainty.SINGLE_TRIAL, Certainty.ALONE)


def _echoes(told: Told, transport: Transport) -> Iterator[Sentence]:
    answer = answer_of(rows := rows_of(told.facts, _ECHO, transport))
    if answer is None:
        return
    over = f"Over {TRANSPORTS[transport]}"
    gist, rest = _answered(answer, [row for row in rows if row.status is Status.OK])
    left_out = f" {_left_out(answer)}" if answer.left_out and answer.first else ""
    more = f"{_dearest(told.facts, transport)}{held(told.facts, transport)}"
    yield Sentence(f"{over} {gist}", f"{rest}{left_out}{more}")


def _answered(answer: Answer, sound: Sequence[Row]) -> tuple[str, str]:
    """How soon the modes of one transport answer: the gist, and how it goes on."""
    first = answer.first
    if first is None:
        return "no echo has a number to be trusted", "."
    match answer.certainty:
        case Certainty.ALONE:
            return (
                f"{mode_of(first)} answers in {span_of([first])}",
                ", with nothing beside it to compare.",
            )
        case Certainty.SINGLE_TRIAL:
            return f"echoes took {span_of(sound)}", ": one trial of each mode names no winner."
        case Certainty.UNDECIDED:
            return "nobody is named the quickest", f": {answer.lead.removeprefix(_UNDECIDED)}."
    if _are_alike(first, sound):
        return "the modes answer alike", f", in {span_of(sound)}: less than 25 % apart."
    level = [row for row in sound if row.cell in answer.cells]
    behind = [
        row
        for row in ranked(sound)
        if row.cell not in answer.cells and _is_told(ratio_of(first, row))
    ]
    if not behind:
        return "the trials tell no mode's echo from another's", f": {span_of(sound)}, a tie."
    verb = "answer" if len(level) > 1 else "answers"
    tie = ", a tie" if len(level) > 1 else ""
    return (
        f"{names_of(level)} {verb} soonest",
        f", in {span_of(level)}{tie}; {_later(first, behind)}.",
    )


def _is_told(ratio: Ratio | None) -> bool:
    return ratio is not None and ratio.low is not None and ratio.high is not None


def _are_alike(first: Row, sound: Iterable[Row]) -> bool:
    """Whether every interval of a ratio to the first ends where nobody would notice."""
    for row in sound:
        found = None if row is first else ratio_of(first, row)
        if row is not first and (found is None or found.high is None or found.high > _ALIKE):
            return False
    return True


def _later(first: Row, behind: Sequence[Row]) -> str:
    """``gevent takes 117 × [110, 125] as long``, of many the last alone."""
    told = behind if len(behind) <= NAMED else behind[-1:]
    parts = [
        f"{mode_of(row)} takes {times(ratio)} as long"
        for row in told
        if (ratio := ratio_of(first, row))
    ]
    others = len(behind) - len(told)
    return f"{', '.join(parts)}{f', {others} others less' if others else ''}"


def _dearest(facts: Facts, transport: Transport) -> str:
    """What an echo takes of the server's CPU, the least beside the most that is told from it."""
    rows = rows_of(facts, _CPU, transport)
    answer = answer_of(rows)
    if answer is None or answer.first is None:
        return ""
    if answer.certainty not in (Certainty.CLEAR, Certainty.TIE):
        return ""
    sound = ranked(row for row in rows if row.status is Status.OK)
    last = sound[-1]
    if last.cell in answer.cells:
        return " The trials do not tell the modes' CPU per echo apart."
    found = ratio_of(last, answer.first)
    if found is None or found.low is None or found.high is None:
        return ""
    less, low, high = (percent(100 * (1 - end)) for end in (found.value, found.high, found.low))
    tie = f" ({counted(len(answer.rivals), 'mode')} in a tie with it)" if answer.rivals else ""
    return (
        f" {mode_of(answer.first)} takes {less} % less [{low}, {high}] CPU per echo than "
        f"{mode_of(last)}{tie}."
    )


def _place(answer: Answer, facts: Facts) -> Sentence:
    """``Most recipients of a broadcast in time: a tie`` and among whom."""
    first = answer.first
    assert first is not None
    assert first.estimate is not None
    text = answer.question.text
    asked = f"{text[:1].upper()}{text[1:]}"
    number = with_unit(first.estimate, first.metric.unit)
    match answer.certainty:
        case Certainty.CLEAR:
            return Sentence(
                f"{asked}: {shown(str(first.cell), LABEL)}", f", {number}; {answer.lead}."
            )
        case Certainty.TIE:
            cells = [shown(str(cell), LABEL) for cell in answer.cells]
            alike = [
                row
                for row in facts.own_rows
                if (row.row, row.metric.name) == (first.row, first.metric.name)
            ]
            among = f"all {len(cells)}" if len(cells) == len(alike) else listed(cells)
            return Sentence(f"{asked}: a tie", f" of {among}; the first reads {number}.")
        case Certainty.SINGLE_TRIAL:
            return Sentence(
                f"{asked}: one trial cannot tell",
                f"; it read best for {shown(str(first.cell), LABEL)}, {number}.",
            )
        case _:
            return Sentence(
                f"{asked}: {shown(str(first.cell), LABEL)}",
                f", {number}, with nothing beside it to compare.",
            )


def _left_out(answer: Answer) -> str:
    one = answer.left_out == 1
    return f"{counted(answer.left_out, 'mode')} {'has' if one else 'have'} no number to be trusted."


def _doubtful(rows: Iterable[Row]) -> int:
    return sum(row.undersampled or row.status is Status.INVALID for row in rows)
