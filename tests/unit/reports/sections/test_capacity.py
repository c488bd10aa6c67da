"""What is said about capacity: the number, what ended the search, and what is no capacity."""

from __future__ import annotations

from loadtests.record.results import Measurement, Result
from loadtests.record.words import Transport
from loadtests.scenarios.bearing import Kind
from reports.charts.gallery import draw
from reports.facts.run import Facts, facts_of
from reports.sections.capacity import SECTION
from tests.unit.reports.builder import measurement, planned, ran, result

WS = Transport.WEBSOCKET
FULL = "p99 beyond 50 ms: the server's core is full ({} % of the server's core used)"
WAITS = "p99 beyond 50 ms, with the server's core not full ({} % of the server's core used)"
REFUSED = "connections were lost or refused: no answer to the handshake within 5 s (31 of 1055)"


def found(
    kind: Kind, notes: list[str], *, busy: float = 95.0, doubt: str = "", value: float = 800.0
) -> Measurement:
    taken = measurement(kind.row, capacity=value, server_busy=busy)
    return Measurement(
        row=taken.row,
        metrics=taken.metrics,
        invalid={"capacity": doubt} if doubt else {},
        notes={"capacity": notes.pop(0)},
    )


def run(
    notes: list[str],
    *,
    modes: tuple[str, ...] = ("gevent",),
    kind: Kind = Kind.ECHO,
    **more: object,
) -> Result:
    numbers = range(len(notes))
    plan = [
        planned(
            number,
            kind.row,
            mode=modes[number % len(modes)],
            transport=WS,
            block=number // len(modes),
        )
        for number in numbers
    ]
    left = list(notes)
    return result(plan, [ran(number, found(kind, left, **more)) for number in numbers])  # type: ignore[arg-type]


def facts(notes: list[str], **more: object) -> Facts:
    return facts_of(run(notes, **more))  # type: ignore[arg-type]


def kinds(of: Facts) -> dict[str, str]:
    return {each.kind: each.text for check in SECTION.checks for each in check(of)}


def last_column(of: Facts) -> list[str]:
    assert SECTION.tables is not None
    return [line[-1].text for table in SECTION.tables(of) for line in table.lines]


def test_what_ended_it_stands_in_the_table_once_without_a_trials_figures() -> None:
    of = facts([FULL.format(97), FULL.format(98), FULL.format(96)])
    assert last_column(of) == ["p99 beyond 50 ms: the server's core is full"]


def test_trials_that_ended_otherwise_are_all_told_the_most_frequent_first() -> None:
    of = facts([WAITS.format(60), FULL.format(97), FULL.format(98)])
    assert last_column(of) == [
        "p99 beyond 50 ms: the server's core is full; "
        "p99 beyond 50 ms, with the server's core not full"
    ]


def test_each_kind_has_its_table() -> None:
    assert SECTION.tables is not None
    (table,) = SECTION.tables(facts([FULL.format(97)], kind=Kind.BROADCAST))
    assert table.caption == "Capacity, recipients of a broadcast"
    assert table.head[:2] == ("cell", "capacity, clients")


def test_server_that_is_full_is_as_it_should_be() -> None:
    assert kinds(facts([FULL.format(97)] * 2)) == {}


def test_server_that_is_slow_before_it_is_full_waits_for_something() -> None:
    told = kinds(facts([WAITS.format(60)] * 2, busy=60.0))
    assert told == {
        "slow-before-full": "The limit of latency is reached while the server's core is not full: "
        "gevent × websocket at 800 (60 % busy)."
    }


def test_server_that_refuses_connections_is_told_with_its_words() -> None:
    told = kinds(facts([REFUSED], kind=Kind.BROADCAST))
    assert told["refuses-connections"].startswith(
        "A limit of the server ends it, not its speed: gevent × websocket at 800 (connections were "
        "lost or refused: no answer to the handshake within 5 s"
    )


def test_end_of_the_generator_is_a_warning_and_no_capacity() -> None:
    doubt = "at least this: the load generator came to its own limit first (90 % of its core used)"
    told = kinds(facts(["the load generator had no more to give"], doubt=doubt))
    assert told == {
        "at-least": "The capacity in echoes per second was not reached: "
        "gevent × websocket bears 800 at least."
    }


def test_charts_are_drawn_of_what_is_there() -> None:
    of = facts([FULL.format(97), FULL.format(98)], modes=("gevent", "eventlet"))
    wanted = [kind for kind in SECTION.charts if kind.wanted(of)]
    assert [kind.name for kind in wanted] == ["capacity-echo"]
    assert "gevent" in draw(wanted[0], of).svg
