"""Metrics, baselines, prediction intervals, and the scores of a model over windows."""

BASELINES = ("naive", "seasonal_naive", "linear")  # from the plainest on; tables show the last one first
