"""What to tell of what a server says that is no good: its own words, in one line.

The same refusal reads the same for each of a thousand sessions, so no id is in it. Nor is anything
of a packet that cannot be read, whose payload is somebody's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from loadtests.client.http import Response

#: In how much of a page its title is looked for, bytes.
_LONGEST_TITLE = 4096
_HTML = re.compile(r"<(!doctype|html|head|body|title|h\d)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_ENGINE_IO = {
    b"0": "an open packet",
    b"1": "a close packet",
    b"2": "a ping",
    b"3": "a pong",
    b"5": "an upgrade packet",
    b"6": "a noop packet",
    b"b": "a binary message",
}
_SOCKET_IO = {
    b"0": "a connect",
    b"1": "a disconnect",
    b"2": "an event",
    b"3": "an acknowledgement",
    b"4": "a connect error",
    b"5": "a binary event",
    b"6": "a binary acknowledgement",
}
#: A shorter one might be a word of a sentence.
_SHORTEST_ID = 6
#: Where something is wrong, or how many there are of it.
_PLACE = re.compile(r" \([^)]*\)|: value has \d+ digits")
#: What would do something to the terminal or the log that shows it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: python-engineio's words for an id that its process does not know, and the id.
_UNKNOWN = re.compile(
    r"(Invalid session|Unknown session|Session ID unknown)( \(its id\)| [^\s\"]+)?", re.IGNORECASE
)
_NOT_STICKY = (
    "; this process of the server does not know the session: it has timed out or was closed there, "
    "or there are several workers or processes and nothing brings all requests of a client to the "
    "same one (sticky sessions)"
)


def refusal_line(response: Response, session_id: str = "") -> str:
    """What a refusal says behind its status.

    Args:
        response: that is one.
        session_id: Engine.IO's, which is not repeated.
    """
    # Without parameters: there are the session's id, a stamp of this request, somebody's token.
    place = response.location.partition(b"?")[0]
    location = shown(place[:200].decode(errors="replace"))
    where = f" to {location}" if location else ""
    return where + behind_colon(body_line(response.body, session_id))


def behind_colon(words: str) -> str:
    """The server's words as the end of a sentence; nothing where it had none."""
    return f": {words}" if words else ""


def kind(packet: bytes) -> str:
    """What a packet is, by its type alone."""
    if not packet:
        return "an empty packet"
    first, second = packet[:1], packet[1:2]
    if first == b"4":
        return _SOCKET_IO.get(second) or f"a message that begins with {second!r}"
    return _ENGINE_IO.get(first) or f"what begins with {first!r}"


def why(error: Exception) -> str:
    """A reader's complaint without places and numbers, which differ from packet to packet."""
    if isinstance(error, UnicodeError):
        return "no UTF-8"
    return _PLACE.sub("", str(error).partition("; see ")[0])


def without_ids(words: str, ids: Iterable[str]) -> str:
    """The same words for whichever session they are said to."""
    for each in ids:
        if len(each) >= _SHORTEST_ID:
            words = words.replace(each, "(its id)")
    return words


def page(body: bytes) -> str:
    """What to tell of a page of HTML; nothing of what is none."""
    text = body[:_LONGEST_TITLE].decode(errors="replace").strip()
    if not _HTML.match(text):
        return ""
    title = _TITLE.search(text)
    told = shown(html.unescape(title[1]))[:80] if title else ""
    return f"a page of HTML, {told!r}" if told else "a page of HTML"


def body_line(body: bytes, session_id: str = "") -> str:
    """A refusal's body as part of a sentence; of a page of HTML its title."""
    found = page(body)
    if found:
        return found
    line = shown(body[:_LONGEST_TITLE].decode(errors="replace"))[:200]
    line = without_ids(line, [session_id])
    unknown = _UNKNOWN.search(line)
    return _UNKNOWN.sub(r"\1", line) + _NOT_STICKY if unknown else line


def shown(text: str) -> str:
    """What a server says, in one line, and with nothing in it that is no text."""
    return _CONTROL.sub("\ufffd", " ".join(text.split()))
