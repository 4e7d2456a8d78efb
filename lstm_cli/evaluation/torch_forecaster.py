"""Forecasts of a network as it was trained, for scores that need no exported graph."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.evaluation import scoring

if TYPE_CHECKING:
    from torch import nn


def torch_forecaster(network: "nn.Module", lookback: int) -> scoring.Forecaster:
    """The forecast of a network on the CPU that looks back `lookback` steps, as `model`."""
    import torch

    @torch.no_grad()
    def forecast(batch: Any) -> dict[str, np.ndarray]:
        past, mask = batch.past[:, -lookback:], batch.mask[:, -lookback:]
        inputs = (torch.from_numpy(np.ascontiguousarray(side)) for side in (past, batch.future, mask))
        return {"model": network(*inputs).numpy()}

    return forecast
