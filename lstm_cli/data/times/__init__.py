"""Parsing, formats, frequency and calendar features of times."""
