"""Forecasts over HTTP: the model in memory, the server, and the page about it."""
