"""What to tell of a response that is a refusal: the server's own words, in one line.

The same refusal reads the same for each of a thousand sessions, so no id is in it.
"""

from __future__ import annotations

import html
import re

from loadtests.client.http import Response

#: In how much of a page its title is looked for, bytes.
_LONGEST_TITLE = 4096
_HTML = re.compile(r"<(!doctype|html|head|body|title|h\d)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
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
    return f"{where}: {body_line(response.body, session_id)}"


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
    if session_id:
        line = line.replace(session_id, "(its id)")
    unknown = _UNKNOWN.search(line)
    return _UNKNOWN.sub(r"\1", line) + _NOT_STICKY if unknown else line


def shown(text: str) -> str:
    """What a server says, in one line, and with nothing in it that is no text."""
    return _CONTROL.sub("\ufffd", " ".join(text.split()))
