"""What is said about disconnects alone: names, clients, settings, tables, findings, docs page."""
