"""The validation losses that early stopping goes by."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from lstm_cli.data.scaling import LARGEST_LOG
from lstm_cli.data.yardstick import Yardstick
from lstm_cli.training.batches import DeviceWindows
from lstm_cli.training.step import batch_loss

BATCH = 512  # windows validated at a time


def by_score(windows: DeviceWindows, yardstick: Yardstick) -> Callable[[nn.Module], float]:
    """Mean |error| over the series' seasonal error: MASE over windows and steps."""
    center, scale, weight = (
        torch.from_numpy(figures.astype(np.float32)).to(windows.device)
        for figures in (yardstick.center, yardstick.scale, yardstick.weight)
    )

    floor = None if yardstick.floor is None else torch.from_numpy(yardstick.floor).to(windows.device)

    def validate(model: nn.Module) -> float:
        total = count = 0.0
        for batch in windows.in_order(BATCH):
            forecast = model(batch.past, batch.future, batch.mask)
            each = weight[batch.series][:, None, :]
            spread = scale[batch.series][:, None, :]
            if floor is not None:
                level, least = center[batch.series][:, None, :], floor[batch.series][:, None, :]
                sides = (
                    from_logarithm((side * spread + level).double(), least)
                    for side in (forecast, batch.target)
                )
                error = (next(sides) - next(sides)).abs()
            else:
                error = (forecast - batch.target).abs() * spread
            total += float((error * each * batch.observed).sum(dtype=torch.float64))
            count += float((batch.observed * (each > 0)).sum(dtype=torch.float64))
        return total / max(count, 1.0)

    return validate


def from_logarithm(logs: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """As in `lstm_cli.data.scaling`, on the device."""
    level = floor.log()
    return torch.where(logs >= level, logs.clamp(max=LARGEST_LOG).exp(), floor * (1 + logs - level))


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
