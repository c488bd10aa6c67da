"""Disconnect: who goes away, and how long until the other side knows."""
