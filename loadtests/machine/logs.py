"""Why a process ended, found in what it printed. Pure."""

from __future__ import annotations

import re

#: How a line begins that says: now I can be asked.
READY = '{"ready"'

#: The head of the first of them.
_STATISTICS = re.compile(r"Type +Name +# reqs ")
_LONGEST = 300
_TRACEBACK = "Traceback (most recent call last):"
#: A file that nobody who serves an application has written: packages, Python, and our own servers.
_LIBRARY = re.compile(
    r"(site|dist)-packages|[/\\]lib[/\\]python3|^<|[/\\]servers[/\\](elsewhere|__main__|modes)"
)
_KIND = re.compile(r"([A-Za-z_][\w.]{0,80})(?::\s|\s*$)")
_FRAME = re.compile(r'\s*File "(.*)", line (\d+)')
#: What stands before one that came of another.
_CHAINED = ("During handling of the above exception", "The above exception was")
#: How a warning begins (warnings.formatwarning); its last line is that of the source, indented.
_WARNING = re.compile(r"\S.*:\d+: \w*Warning: ")


def reason(log: str) -> str:
    """The last words of a process, in one line.

    What stands before the READY line was survived, and a warning has ended nothing. Of a traceback
    the exception counts; with it the last line of all, where others came after it (gunicorn's
    master tells of its worker, gevent of its greenlet).
    """
    lines = log.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(READY)]
    if starts:
        lines = lines[starts[-1] + 1 :]
    lines = [line for line in _without_warnings(lines) if line.strip()]
    if not lines:
        return "it printed nothing more" if starts else "it printed nothing"
    last = lines[-1].strip()[:_LONGEST]
    exception = _exception(lines)
    return last if exception in (None, last) else f"{exception}; then: {last}"


def tells(log: str) -> bool:
    """Whether there is anything to read: beside the READY line, and Locust's tables at the end."""
    lines = log.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(READY)]
    for line in lines[starts[-1] + 1 :] if starts else lines:
        if _STATISTICS.match(line):
            return False
        if line.strip():
            return True
    return False


def raised(log: str) -> str:
    """How many exceptions a server has told of since it was ready, and the first; or nothing."""
    lines = log.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(READY)]
    lines = lines[starts[-1] + 1 :] if starts else lines
    lines = [line for line in lines if line.strip()]
    at = [
        number
        for number, line in enumerate(lines)
        if line.strip() == _TRACEBACK and not lines[number - 1].startswith(_CHAINED)
    ]
    found = [told for number in at if (told := _told(lines[number + 1 :]))]
    if not found:
        return ""
    many = "an exception" if len(found) == 1 else f"{len(found)} exceptions, the first"
    return f"{many}: {found[0]}"


def _told(block: list[str]) -> str:
    """``KeyError (app.py, line 7)``; nothing of one that is a library's own, from end to end.

    Not its words: they may hold what is nobody else's business, and go into files.
    """
    end = next((number for number, line in enumerate(block) if line[:1].strip()), len(block))
    frames = [found.groups() for line in block[:end] if (found := _FRAME.match(line))]
    # Libraries have exceptions in peace, as when a client goes: threads of Werkzeug's for each.
    own = [(file, line) for file, line in frames if not _LIBRARY.search(file)]
    if frames and not own:
        return ""
    # What stands there may be another's line, between those of the traceback.
    named = _KIND.match(block[end]) if end < len(block) else None
    kind = named[1] if named else "of no name"
    if not own:
        return kind
    file, line = own[-1]
    return f"{kind} ({file.replace(chr(92), '/').rpartition('/')[2]}, line {line})"


def _without_warnings(lines: list[str]) -> list[str]:
    kept: list[str] = []
    left_out = 0
    for number, line in enumerate(lines):
        if _WARNING.match(line):
            left_out = number + _length_of_warning(lines[number:])
        if number >= left_out:
            kept.append(line)
    return kept


def _length_of_warning(lines: list[str]) -> int:
    """With its source, which is not there where Python does not find it."""
    for number, line in enumerate(lines[1:], start=1):
        if line.startswith("  "):
            return number + 1
        if line.startswith(_TRACEBACK) or _WARNING.match(line):
            break
    return 1


def _exception(lines: list[str]) -> str | None:
    """That of the last traceback, if its process lived to name it."""
    headers = [number for number, line in enumerate(lines) if line == _TRACEBACK]
    if not headers:
        return None
    rest = lines[headers[-1] + 1 :]
    return next((line[:_LONGEST] for line in rest if not line.startswith(" ")), None)
