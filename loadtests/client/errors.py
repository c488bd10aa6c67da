"""The two ways in which a connection can end before we end it."""

from __future__ import annotations


class ProtocolError(Exception):
    """The peer sent what its protocol does not allow; the message quotes or names it."""


class ConnectionFailed(Exception):
    """The peer refused, closed or never answered; the message is for a person."""
