"""The charts of disconnects: every point is a client."""
