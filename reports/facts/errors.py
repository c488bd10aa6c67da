"""The one exception that a caller of this room has to know."""


class ReportError(Exception):
    """A result cannot be reported; the message is one line that says what, where and what to do."""
