"""Labelled sequences of unequal length: splits, scaling, statistics and the simple model. NumPy only."""
