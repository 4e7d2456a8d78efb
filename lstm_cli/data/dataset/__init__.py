"""The dataset of a run: its series, windows, scaling and imputation."""
