"""Conversion of a torch model to another format, with a comparison of the forecasts."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import nn

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import ScaledBounds
from lstm_cli.export.clipped_model import ClippedModel, ForecastOnly, example_windows
from lstm_cli.models.stacked_lstm import StackedLSTM

TOLERANCE = 1e-5  # maximum difference from torch, as a share of the largest scaled value
Forecast = Callable[..., np.ndarray]  # past [B, L, F], future [B, H, K], mask [B, L] -> [B, H, C]


def convert_model(to: str, model: nn.Module, bounds: ScaledBounds, windows: Batch) -> tuple[bytes, float]:
    """Return the bytes of the file, and the largest difference between its forecasts and torch, in scaled units.

    Args:
        to: Format: torchscript, pt2, keras or h5.
        model: Model on the CPU, in evaluation mode.
        bounds: Bounds of the forecast.
        windows: Windows whose forecasts are compared.

    Raises:
        RuntimeError: the forecasts differ by more than the tolerance.
    """
    lower, upper = (None if side is None else torch.from_numpy(side) for side in (bounds.lower, bounds.upper))
    network = ForecastOnly(ClippedModel(model, lower, upper)).eval()
    inputs = (windows.past, windows.future, windows.mask)
    with torch.no_grad():
        expected = network(*(torch.from_numpy(np.ascontiguousarray(side)) for side in inputs)).numpy()
    data, forecast = _write_and_open(to, network, cast(StackedLSTM, model), bounds, windows)
    difference = float(np.abs(forecast(*inputs) - expected).max(initial=0.0))
    largest = max(1.0, *(float(np.abs(side).max(initial=0.0)) for side in (windows.past, expected)))
    if not difference <= TOLERANCE * largest:
        raise RuntimeError(f"the {to} file differs from torch by {difference:g} in scaled units")
    return data, difference


def _write_and_open(
    to: str, network: ForecastOnly, model: StackedLSTM, bounds: ScaledBounds, windows: Batch
) -> tuple[bytes, Forecast]:
    """Return the bytes of the file, and a function that forecasts with it in its own runtime."""
    if to in ("keras", "h5"):
        from lstm_cli.export.keras import export_keras, open_keras

        data = export_keras(model, lower=bounds.lower, upper=bounds.upper, ending=f".{to}")
        return data, open_keras(data, ending=f".{to}")
    example = example_windows(model, inputs=windows.past.shape[2], known_ahead=windows.future.shape[2])
    if to == "torchscript":
        from lstm_cli.export.torchscript import export_torchscript, open_torchscript

        data = export_torchscript(network, example)
        return data, _torch_forecast(open_torchscript(data))
    from lstm_cli.export.pt2 import export_pt2, open_pt2

    data = export_pt2(network, example)
    return data, _torch_forecast(open_pt2(data))


def _torch_forecast(opened: nn.Module) -> Forecast:
    def forecast(*inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            values: np.ndarray = opened(
                *(torch.from_numpy(np.ascontiguousarray(side)) for side in inputs)
            ).numpy()
        return values

    return forecast
