"""Exponential moving average of the weights."""

import copy

import torch
from torch import Tensor, nn

from lstm_cli.training.loop.optimizer_step import replace_value


class ExponentialMovingAverage:
    """Exponential moving average of a model's weights, with decay min(.99, (1 + t) / (10 + t)): short at first."""

    def __init__(self, model: nn.Module) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        device = next(model.parameters()).device
        for module in self.model.modules():
            if isinstance(module, nn.RNNBase):
                module.flatten_parameters()  # else cuDNN would gather the copied weights at every call
        self.weight: float | Tensor = torch.zeros((), device=device) if device.type == "cuda" else 0.0

    def set_step(self, step: int) -> None:
        """Set the weight of the next update, which follows this step (from 0)."""
        self.weight = replace_value(self.weight, 1 - min(0.99, (1 + step) / (10 + step)))

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Add the current weights of the model to the average."""
        for average, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            average.lerp_(weight, self.weight)
