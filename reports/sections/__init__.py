"""What is said about each scenario."""
