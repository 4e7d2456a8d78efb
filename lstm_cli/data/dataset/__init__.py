"""Dataset of a run: its series, windows, scaling and imputation."""
