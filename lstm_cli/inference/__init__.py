"""Forecasting without torch: the ONNX Runtime session, and smaller versions of the file it runs."""

from lstm_cli.runtime_environment import set_defaults

set_defaults()
