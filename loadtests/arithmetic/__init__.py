"""From raw times to numbers. Pure: no sockets, no processes, no clock."""
