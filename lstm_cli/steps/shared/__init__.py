"""Functions that several steps share."""
