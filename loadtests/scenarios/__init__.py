"""The workloads, one file each.

A scenario file has ``measure(bench, options)``, which drives the connected sessions through one
trial and returns a measurement per row name; what is measured on the way are raw times, and pure
functions make the numbers from them afterwards.
"""
