"""Words and files: the vocabulary, and what runs and calibrations leave behind."""
