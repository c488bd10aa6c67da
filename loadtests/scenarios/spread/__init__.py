"""A trial whose clients are spread over several load generators, conducted by another process.

All are on this host, so that a due time and an arrival are by the same clock. One process makes
the schedules and the numbers; the others hold clients, send as they are told and give their raw
times back, of which one loses nothing by putting them together.
"""
