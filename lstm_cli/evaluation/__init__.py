"""Metrics, baselines, prediction intervals, and the scores of a model over windows."""

BASELINES = ("naive", "seasonal_naive", "linear")  # simplest first; tables show the last one first
