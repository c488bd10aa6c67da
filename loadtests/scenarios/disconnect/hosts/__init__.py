"""Processes that hold the clients which a load generator cannot send away within itself.

A host is one process, with whatever it starts in turn. It is told what to hold by its arguments
(a configuration as JSON, and the path of its diary), and when its clients are to go by a line of
JSON on its standard input, whose end is the host's own end. What happens it writes into the diary.
"""
