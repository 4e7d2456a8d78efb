"""From a time grid to a dataset: splits, scaling, and writing it into a run."""
