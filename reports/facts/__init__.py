"""What a result says, computed once: rows, estimates, ratios, findings."""
