"""The validation losses that early stopping goes by."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from lstm_cli.training.batches import DeviceWindows
from lstm_cli.training.fit import batch_loss

BATCH = 512  # windows validated at a time


def by_score(windows: DeviceWindows, error_scale: np.ndarray) -> Callable[[nn.Module], float]:
    """Mean |error| over the series' seasonal error: MASE over windows and steps.

    error_scale [S, C]: the seasonal errors in scaled units. Where no series has one, the plain mean |error|.
    """
    usable = np.isfinite(error_scale) & (error_scale > 0)
    weight = (
        np.where(usable, 1 / np.where(usable, error_scale, 1), 0) if usable.any() else np.ones(usable.shape)
    )
    weights = torch.from_numpy(weight.astype(np.float32)).to(windows.device)

    def validate(model: nn.Module) -> float:
        total = count = 0.0
        for batch in windows.in_order(BATCH):
            each = weights[batch.series][:, None, :]
            error = (model(batch.past, batch.future, batch.mask) - batch.target).abs() * batch.observed
            total += float((error * each).sum(dtype=torch.float64))
            count += float((batch.observed * (each > 0)).sum(dtype=torch.float64))
        return total / max(count, 1.0)

    return validate


def by_loss(windows: DeviceWindows, kind: str) -> Callable[[nn.Module], float]:
    """The training loss over all validation windows."""

    def validate(model: nn.Module) -> float:
        total = count = 0.0
        for batch in windows.in_order(BATCH):
            measured = float(batch.observed.sum())
            total += float(batch_loss(model, batch, kind)) * measured
            count += measured
        return total / max(count, 1.0)

    return validate
