"""Base against head: two live servers under load at the same time, in pairs until it is settled."""
