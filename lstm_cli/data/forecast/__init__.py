"""Forecasting from a dataset: inputs, new data, bounds, and the output file."""
