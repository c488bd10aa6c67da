"""What readers get: the page, the terminal, files for other programs, docs/disconnect.md."""
