"""What the load generator itself can do, measured against the cheapest peer that we can run."""
