"""Forecaster of a torch network, for scores without an exported graph."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.evaluation import scoring

if TYPE_CHECKING:
    from torch import nn


def torch_forecaster(network: "nn.Module", lookback: int) -> scoring.Forecaster:
    """Return a forecaster, named `model`, of a network on the CPU that reads `lookback` steps."""
    import torch

    @torch.no_grad()
    def forecast(batch: Any) -> dict[str, np.ndarray]:
        past, mask = batch.past[:, -lookback:], batch.mask[:, -lookback:]
        inputs = (torch.from_numpy(np.ascontiguousarray(side)) for side in (past, batch.future, mask))
        return {"model": network(*inputs).numpy()}

    return forecast
