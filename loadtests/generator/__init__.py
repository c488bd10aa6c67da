"""The load generator on the bench: calibrated, and compared with other clients."""
