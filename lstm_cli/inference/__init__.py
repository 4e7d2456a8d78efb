"""Forecasting without torch: the ONNX Runtime session, and smaller versions of the file it runs."""

import os

# From 1.29 on ONNX Runtime's wheels tell their maker of every model they run, and keep a device's name in the home
# folder, unless this is set before it is loaded. What a forecast is made of is nobody's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
