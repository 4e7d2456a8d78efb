"""Batch normalization over steps of which some are padding."""

import torch
from torch import Tensor, nn

MOMENTUM = 0.1  # weight of a batch in the running statistics
EPSILON = 1e-5  # added to the variance


class MaskedBatchNorm(nn.Module):
    """Batch normalization (Ioffe & Szegedy 2015) with statistics of the real steps only.

    Without padding it equals `torch.nn.BatchNorm1d` over all steps.
    """

    running_mean: Tensor  # [D]
    running_var: Tensor  # [D]

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, steps: Tensor, real: Tensor) -> Tensor:
        """Return normalized steps [B, T, D], where real [B, T] is 1 for steps that count."""
        if self.training:
            mean, variance = self._batch_statistics(steps, real[:, :, None])
        else:
            mean, variance = self.running_mean, self.running_var
        return (steps - mean) * torch.rsqrt(variance + EPSILON) * self.weight + self.bias

    def _batch_statistics(self, steps: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance [D] of the real steps, and update the running statistics."""
        count = real.sum()
        mean = (steps * real).sum(dim=(0, 1)) / count
        variance = (((steps - mean) * real) ** 2).sum(dim=(0, 1)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, MOMENTUM)
            unbiased = variance * count / (count - 1).clamp(min=1)
            self.running_var.lerp_(unbiased, MOMENTUM)
        return mean, variance
