"""What explains a run: reads ``result.json`` and writes tables, charts and one page beside it.

The way of the data, with no way back::

    result.json -> rows (one per number, with its status) -> findings, answers -> files

Nothing here measures and nothing here starts a server: of loadtests, only the words and files
(``loadtests.record``) and python-engineio's rules (``loadtests.scenarios.disconnect.windows``) are
imported.
"""
