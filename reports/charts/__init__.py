"""Charts: pure renderings of a summary. One file per kind; the registry is in ``gallery``."""
