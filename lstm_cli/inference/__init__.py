"""Forecasting without torch: ONNX Runtime sessions and quantized models."""

from lstm_cli.runtime_environment import set_defaults

set_defaults()
