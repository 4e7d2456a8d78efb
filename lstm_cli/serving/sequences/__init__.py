"""Classifier of a run in memory: sequences in, classes out. It knows no HTTP library."""
