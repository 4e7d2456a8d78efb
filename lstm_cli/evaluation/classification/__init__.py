"""Scores of classifiers: metrics, intervals and the baseline."""
