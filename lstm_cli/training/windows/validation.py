"""Validation losses for early stopping."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.scaling import MAX_LOG
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.training.windows.device_windows import DeviceWindows


def mase_validator(
    windows: DeviceWindows, mase_scale: MaseScale, *, should_stop: Callable[[], int | None] = lambda: None
) -> Callable[[nn.Module], float]:
    """Return a function that computes the MASE of a network over windows and steps.

    Args:
        windows: validation windows.
        mase_scale: scale of each series and target.
        should_stop: asked before every batch; a signal raises Interrupted.
    """
    center, scale, weight = (
        torch.from_numpy(values.astype(np.float32)).to(windows.device)
        for values in (mase_scale.center, mase_scale.scale, mase_scale.weight)
    )

    floor = None if mase_scale.floor is None else torch.from_numpy(mase_scale.floor).to(windows.device)

    def validate(model: nn.Module) -> float:
        total = count = torch.zeros((), dtype=torch.float64, device=windows.device)
        for batch in windows.batches(windows.scored_at_once):
            raise_if_interrupted(should_stop)
            forecast = model(batch.past, batch.future, batch.mask)
            weights = weight[batch.series][:, None, :]
            scales = scale[batch.series][:, None, :]
            if floor is not None:
                centers, floors = center[batch.series][:, None, :], floor[batch.series][:, None, :]
                sides = (
                    inverse_logarithm((side * scales + centers).double(), floors)
                    for side in (forecast, batch.target)
                )
                error = (next(sides) - next(sides)).abs()
            else:
                error = (forecast - batch.target).abs() * scales
            total = total + (error * weights * batch.observed).sum(dtype=torch.float64)
            count = count + (batch.observed * (weights > 0)).sum(dtype=torch.float64)
        return float(total / count.clamp(min=1))

    return validate


def inverse_logarithm(logs: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """Return what `lstm_cli.data.dataset.scaling` does, on the device.

    Args:
        logs: logarithms.
        floor: value below which the transform is linear.
    """
    level = floor.log()
    return torch.where(logs >= level, logs.clamp(max=MAX_LOG).exp(), floor * (1 + logs - level))


def loss_validator(
    windows: DeviceWindows, kind: str, *, should_stop: Callable[[], int | None] = lambda: None
) -> Callable[[nn.Module], float]:
    """Return a function that computes the training loss over all validation windows.

    Args:
        windows: validation windows.
        kind: `mae`, `mse` or `huber`.
        should_stop: asked before every batch; a signal raises Interrupted.
    """

    def validate(model: nn.Module) -> float:
        total = count = torch.zeros((), dtype=torch.float64, device=windows.device)
        for batch in windows.batches(windows.scored_at_once):
            raise_if_interrupted(should_stop)
            measured = batch.observed.sum().double()
            total = total + batch.loss(model, kind).double() * measured
            count = count + measured
        return float(total / count.clamp(min=1))

    return validate
