"""Environment variables that OpenMP and ONNX Runtime read when they are loaded.

Every package that loads one of the two calls `set_defaults` first, so that it holds in a notebook and on a worker of
Dask too. What the user has set stays.
"""

import os

DEFAULTS = {
    # Threads of OpenMP that wait by spinning take a busy machine's cores from the work they wait for: training beside
    # other work then takes many times as long, and alone it is hardly slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    # From 1.29 on ONNX Runtime's wheels tell their maker of every model they run, and keep a device's name in the home
    # folder. What a forecast is made of is nobody's business.
    "ORT_DISABLE_TELEMETRY": "1",
}


def set_defaults() -> None:
    """Set the variables that are not set yet."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
