"""The gate's own error rates on this machine: real gates, between arms of a known difference."""
