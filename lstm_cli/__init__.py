"""Command-line tool for time series forecasting with LSTM networks."""

__version__ = "0.2.0.dev0"
