"""A Socket.IO peer that does next to nothing, to see what the load generator can do."""
