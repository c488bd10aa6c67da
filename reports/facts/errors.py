"""The exceptions that a caller of this room has to know."""


class ReportError(Exception):
    """A result cannot be reported; the message is one line that says what, where and what to do."""


class WriteError(ReportError):
    """A file of a report cannot be written; the result that it is made from was read, and stays."""
