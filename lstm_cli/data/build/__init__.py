"""Building of a dataset from a time grid: splits, scaling, and writing to a run."""
