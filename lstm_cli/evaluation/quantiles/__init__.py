"""Quantiles of a forecast, learned from its errors, and sample paths with the dependence between its steps."""
