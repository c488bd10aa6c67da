"""Base against head: pairs of live servers that take turns, until it is decided which is slower."""
