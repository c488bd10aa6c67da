"""Does a cell bear a load: what was measured says yes, says no, or says nothing. Pure.

A measurement is a point: so many clients, so many messages a second, and where the p99 lay there.
It says yes to the same load and to every lighter one, no to the same load and to every heavier one,
and nothing else. The page's form asks the same questions of the same points (advise.js among the
page's templates), and a test in a browser holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from reports.facts.advise_words import rate, sentence, spelled, time
from reports.facts.loads import (
    Advice,
    CellAdvice,
    CellKnown,
    Decision,
    Grounds,
    Keeping,
    Known,
    Need,
    Needs,
)

#: µs of CPU time per second -> per cent of a core.
_US_PER_PERCENT = 10_000
#: A core has no more than a core.
_WHOLE_CORE = 100
_KIB_PER_MIB = 1024


class _Ask(NamedTuple):
    """A need as numbers: the load, and the limit in ms."""

    need: Need
    clients: int
    rate_hz: float
    limit_ms: float


class _Ruling(NamedTuple):
    decision: Decision
    grounds: Grounds
    known: Known | None = None
    against: Known | None = None


def advise(
    needs: Needs, cells: Iterable[CellKnown], settings: Sequence[Keeping] = ()
) -> list[CellAdvice]:
    """What each cell says to what is asked for.

    Args:
        needs: what is asked for.
        cells: what is known of each.
        settings: heartbeats for limits, the shortest limit first.
    """
    return [CellAdvice(each.cell, tuple(_of(needs, each, settings))) for each in cells]


def _of(needs: Needs, cell: CellKnown, settings: Sequence[Keeping]) -> Iterable[Advice]:
    for ask in _asks(needs):
        ruling = _ruled(ask, cell.known.get(ask.need, ()))
        messages_hz = _messages_hz(needs, ask.need)
        cost = cell.cost_us.get(ask.need)
        percent = None if cost is None else cost * messages_hz / _US_PER_PERCENT
        if ruling.decision is Decision.NOT_MEASURED and percent and percent > _WHOLE_CORE:
            ruling = ruling._replace(decision=Decision.NOT_MET, grounds=Grounds.ARITHMETIC)
        text = [_reason(ask, ruling, percent)]
        if ruling.decision is Decision.NOT_MEASURED and percent is not None:
            text.append(sentence("would-take", percent=spelled(percent)))
        if ask.need is Need.CLIENTS and cell.connection_kib is not None:
            mib = cell.connection_kib * needs.clients / _KIB_PER_MIB
            text.append(sentence("memory", mib=spelled(mib)))
        if ask.need is Need.SILENT and ruling.decision is not Decision.MET:
            text.append(_keeping(ask.limit_ms, settings))
        yield Advice(ask.need, ruling.decision, ruling.grounds, " ".join(text))
    if needs.echo_hz and needs.broadcast_hz:
        yield _together(needs, cell)


def _asks(needs: Needs) -> Iterable[_Ask]:
    yield _Ask(Need.CLIENTS, needs.clients, 0.0, 0.0)
    limit_ms = needs.p99_ms or 0.0
    if needs.echo_hz:
        yield _Ask(Need.ECHO, needs.clients, needs.echoes_hz, limit_ms)
    if needs.broadcast_hz:
        yield _Ask(Need.BROADCAST, needs.clients, needs.broadcast_hz, limit_ms)
    if needs.detect_ms:
        yield _Ask(Need.SILENT, 0, 0.0, needs.detect_ms)


def _messages_hz(needs: Needs, need: Need) -> float:
    """What the server's CPU time counts: echoes, and copies of broadcasts."""
    if need is Need.BROADCAST:
        return needs.clients * (needs.broadcast_hz or 0.0)
    return needs.echoes_hz


def _ruled(ask: _Ask, known: Sequence[Known]) -> _Ruling:
    heavier = [k for k in known if k.clients >= ask.clients and k.rate_hz >= ask.rate_hz]
    lighter = [k for k in known if k.clients <= ask.clients and k.rate_hz <= ask.rate_hz]
    # The nearest to what is asked for says most.
    held = _first((k for k in heavier if k.holds(ask.limit_ms)), _lightest)
    missed = _first((k for k in lighter if k.exceeds(ask.limit_ms)), _heaviest)
    if held and missed and ask.need is not Need.SILENT:  # of two heartbeats one may do
        return _Ruling(Decision.NOT_MEASURED, Grounds.DISAGREE, held, missed)
    if held:
        return _Ruling(Decision.MET, Grounds.HELD, held)
    if missed:
        return _Ruling(Decision.NOT_MET, _missed_by(missed), missed)
    return _not_measured(ask, known, heavier, lighter)


def _missed_by(known: Known) -> Grounds:
    if known.overloaded:
        return Grounds.OVERLOADED
    return Grounds.BEYOND_TIME if known.bears is None else Grounds.BEYOND_LOAD


def _not_measured(
    ask: _Ask, known: Sequence[Known], heavier: Sequence[Known], lighter: Sequence[Known]
) -> _Ruling:
    """The measurement that comes nearest to what is asked for, and what it lacks."""
    limit_ms = ask.limit_ms
    seen = [k for k in known if k.value_ms is not None or k.overloaded]
    held = [k for k in seen if k.holds(limit_ms)]
    near = (
        (Grounds.UNDECIDED, _first((k for k in heavier if k.below(limit_ms)), _lightest)),
        (Grounds.UNDECIDED, _first((k for k in lighter if k.above(limit_ms)), _heaviest)),
        (Grounds.FEWER, _first((k for k in held if k.rate_hz >= ask.rate_hz), _most_clients)),
        (Grounds.SLOWER, _first((k for k in held if k.clients >= ask.clients), _heaviest)),
        (Grounds.OTHER, _first(held, _heaviest) or _first(seen, _heaviest)),
        (Grounds.DISTRUSTED, known[0] if known else None),
    )
    for grounds, found in near:
        if found is not None:
            return _Ruling(Decision.NOT_MEASURED, grounds, found)
    return _Ruling(Decision.NOT_MEASURED, Grounds.NOTHING)


_Key = Callable[[Known], tuple[float, ...]]


def _first(found: Iterable[Known], key: _Key) -> Known | None:
    """The least by a key, of equals the first."""
    return min(found, key=key, default=None)


def _lightest(known: Known) -> tuple[float, ...]:
    return known.rate_hz, known.clients, -(known.at_most_ms or 0.0)


def _heaviest(known: Known) -> tuple[float, ...]:
    return -known.rate_hz, -known.clients, known.at_least_ms or 0.0


def _most_clients(known: Known) -> tuple[float, ...]:
    return -known.clients, known.rate_hz, -(known.at_most_ms or 0.0)


def _reason(ask: _Ask, ruling: _Ruling, percent: float | None) -> str:
    known = ruling.known
    excess_ms = (known.value_ms or 0.0) - ask.limit_ms if known else 0.0
    asked = ask.clients if ask.need is Need.BROADCAST else ask.rate_hz
    return sentence(
        ruling.grounds,
        ask.need,
        told=known.told if known else "",
        against=ruling.against.told if ruling.against else "",
        excess=time(excess_ms),
        times=spelled(asked / known.bears) if known and known.bears else "",
        clients=spelled(ask.clients),
        rate=rate(ask.rate_hz),
        percent="" if percent is None else spelled(percent),
    )


def _keeping(limit_ms: float, settings: Sequence[Keeping]) -> str:
    setting = kept_by(limit_ms, settings)
    return sentence("no-setting") if setting is None else sentence("setting", setting=setting.told)


def kept_by(limit_ms: float, settings: Sequence[Keeping]) -> Keeping | None:
    """The heartbeats for the longest limit that is not above this one; None where none keeps it."""
    return next((each for each in reversed(settings) if each.limit_s * 1000 <= limit_ms), None)


def _together(needs: Needs, cell: CellKnown) -> Advice:
    costs = [cell.cost_us.get(need) for need in (Need.ECHO, Need.BROADCAST)]
    rates = [_messages_hz(needs, need) for need in (Need.ECHO, Need.BROADCAST)]
    if costs[0] is None or costs[1] is None:
        return Advice(Need.TOGETHER, Decision.NOT_MEASURED, Grounds.ALONE, sentence(Grounds.ALONE))
    percent = (costs[0] * rates[0] + costs[1] * rates[1]) / _US_PER_PERCENT
    taken = spelled(percent)
    if percent > _WHOLE_CORE:
        text = sentence(Grounds.ARITHMETIC, percent=taken)
        return Advice(Need.TOGETHER, Decision.NOT_MET, Grounds.ARITHMETIC, text)
    text = f"{sentence(Grounds.ALONE)} {sentence('would-take', percent=taken)}"
    return Advice(Need.TOGETHER, Decision.NOT_MEASURED, Grounds.ALONE, text)
