"""This machine and the processes on it: cores, limits, clocks, launching, networks."""
