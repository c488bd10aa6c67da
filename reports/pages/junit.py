"""A gate as JUnit's XML, which every CI shows: a test case for each comparison, count and limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from loadtests.record.gate import Gate
from loadtests.record.words import Kept, Verdict
from reports.facts.changes import Change
from reports.facts.gating import cell_of, changes_of, headline
from reports.facts.numbers import short
from reports.facts.text import shown

_TYPE = "transport-bench"


def junit(gate: Gate) -> bytes:
    """The file: failure is a regression, error failed or missing, skipped inconclusive."""
    suites = (
        ("comparisons", _comparisons(gate)),
        ("counts", _counts(gate)),
        ("limits", _limits(gate)),
        ("measurements", _measurements(gate)),
    )
    document = JUnitXml("transport-bench gate")
    for name, cases in suites:
        suite = _suite(name, cases)
        if suite.tests:
            document.add_testsuite(suite)
    document.update_statistics()
    found: bytes = document.tostring()
    return found


def _suite(name: str, cases: Iterable[TestCase]) -> TestSuite:
    suite = TestSuite(name)
    for case in cases:
        suite.add_testcase(case)
    suite.update_statistics()
    return suite


def _comparisons(gate: Gate) -> Iterator[TestCase]:
    for change in changes_of(gate):
        case = _case(change.name, str(change.cell), change.row)
        case.system_out = shown(_said(change))
        if change.verdict is Verdict.SLOWER and change.decides:
            # A run that is not fit to compare convicts nobody by a ratio.
            case.result = [_result(Skipped if gate.unfit else Failure, change.words)]
        elif change.verdict is Verdict.INCONCLUSIVE:
            case.result = [_result(Skipped, change.words)]
        yield case


def _said(change: Change) -> str:
    advisory = "" if change.decides else " (advisory)"
    return f"{change.words}{advisory}; {change.basis}"


def _counts(gate: Gate) -> Iterator[TestCase]:
    for one in gate.counts:
        case = _case(f"{one.row}.{one.metric}", str(cell_of(one)), one.row)
        if one.regression:
            words = f"base {short(one.base)}, head {short(one.head)}"
            case.result = [_result(Failure, f"{words}, in {one.head_trials} trials of head")]
        yield case


def _limits(gate: Gate) -> Iterator[TestCase]:
    for one in gate.limits:
        case = _case(one.limit, str(cell_of(one)), "limits")
        read = "no number" if one.estimate is None else f"{short(one.estimate)} {one.unit}"
        words = f"{read}; {one.note}" if one.note else read
        if one.kept is Kept.BROKEN:
            case.result = [_result(Failure, words)]
        elif one.kept is Kept.UNDECIDED:
            case.result = [_result(Skipped, words)]
        yield case


def _measurements(gate: Gate) -> Iterator[TestCase]:
    """What failed or is missing, and why the run decides nothing."""
    for kind, lines in ((Error, gate.failures), (Skipped, gate.unfit)):
        for line in lines:
            case = _case(line, "", "measurements")
            case.result = [_result(kind, line)]
            yield case
    if not gate.comparisons and not gate.failures:
        case = _case("comparisons", "", "measurements")
        case.result = [_result(Error, str(headline(gate)))]
        yield case


def _case(name: str, cell: str, group: str) -> TestCase:
    return TestCase(shown(f"{name} {cell}".rstrip()), classname=shown(group))


def _result(kind: type[FinalResult], words: str) -> FinalResult:
    return kind(shown(words), _TYPE)
