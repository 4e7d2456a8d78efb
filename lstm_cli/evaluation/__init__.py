"""Metrics, baselines, prediction intervals, and the scores of a model over windows."""
