"""Functions for labelled sequences that several steps share."""
