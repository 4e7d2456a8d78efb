"""Forecasting without torch: the ONNX Runtime session, and smaller versions of the file it runs."""
