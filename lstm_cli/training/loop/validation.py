"""The validation losses that early stopping goes by."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.scaling import MAX_LOG
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.training.loop.batches import DeviceWindows
from lstm_cli.training.loop.optimizer_step import batch_loss


def mase_validator(
    windows: DeviceWindows, yardstick: MaseScale, *, should_stop: Callable[[], int | None] = lambda: None
) -> Callable[[nn.Module], float]:
    """Mean |error| over the series' seasonal error: MASE over windows and steps. It may raise Interrupted."""
    center, scale, weight = (
        torch.from_numpy(figures.astype(np.float32)).to(windows.device)
        for figures in (yardstick.center, yardstick.scale, yardstick.weight)
    )

    floor = None if yardstick.floor is None else torch.from_numpy(yardstick.floor).to(windows.device)

    def validate(model: nn.Module) -> float:
        total = count = torch.zeros((), dtype=torch.float64, device=windows.device)
        for batch in windows.batches(windows.windows.batch_size):
            raise_if_interrupted(should_stop)
            forecast = model(batch.past, batch.future, batch.mask)
            each = weight[batch.series][:, None, :]
            spread = scale[batch.series][:, None, :]
            if floor is not None:
                level, least = center[batch.series][:, None, :], floor[batch.series][:, None, :]
                sides = (
                    inverse_logarithm((side * spread + level).double(), least)
                    for side in (forecast, batch.target)
                )
                error = (next(sides) - next(sides)).abs()
            else:
                error = (forecast - batch.target).abs() * spread
            total = total + (error * each * batch.observed).sum(dtype=torch.float64)
            count = count + (batch.observed * (each > 0)).sum(dtype=torch.float64)
        return float(total / count.clamp(min=1))

    return validate


def inverse_logarithm(logs: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """As in `lstm_cli.data.dataset.scaling`, on the device."""
    level = floor.log()
    return torch.where(logs >= level, logs.clamp(max=MAX_LOG).exp(), floor * (1 + logs - level))


def loss_validator(
    windows: DeviceWindows, kind: str, *, should_stop: Callable[[], int | None] = lambda: None
) -> Callable[[nn.Module], float]:
    """The training loss over all validation windows. It may raise Interrupted."""

    def validate(model: nn.Module) -> float:
        total = count = torch.zeros((), dtype=torch.float64, device=windows.device)
        for batch in windows.batches(windows.windows.batch_size):
            raise_if_interrupted(should_stop)
            measured = batch.observed.sum().double()
            total = total + batch_loss(model, batch, kind).double() * measured
            count = count + measured
        return float(total / count.clamp(min=1))

    return validate
