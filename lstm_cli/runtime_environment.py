"""Environment variables that OpenMP and ONNX Runtime read when they are loaded.

Each package that loads one of these libraries calls `set_defaults` first. So the defaults also apply in a notebook and
on a Dask worker. A variable that the user has set is not changed.
"""

import os

DEFAULTS = {
    # Waiting OpenMP threads spin by default and block the cores of a busy machine. Training next to other work is then
    # many times slower. Passive waiting makes training on an idle machine only slightly slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    # The wheels of ONNX Runtime 1.29 and later send telemetry about each model to Microsoft and store a device id in
    # the home folder. Data about forecasts must not leave the machine.
    "ORT_DISABLE_TELEMETRY": "1",
}


def set_defaults() -> None:
    """Set those variables that the user has not set."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
