"""Linear forecast as a module, with the arithmetic of `linear.model.LinearEnsemble` (a test checks this)."""

import torch
from torch import Tensor, nn

from lstm_cli.linear.model import DEVIATION_FLOOR


class LinearForecast(nn.Module):
    """Linear map that training does not change: it has buffers and no parameters."""

    last_weights: Tensor  # [K, H]
    mean_weights: Tensor  # [K, H]
    bias: Tensor  # [H]
    deviation_bias: Tensor  # [H]
    unit: Tensor  # [C]
    response: Tensor  # [A, C]

    def __init__(
        self,
        *,
        targets: int,  # C
        horizon: int,  # H
        reach: int,  # K
        window: int,  # steps of the mean and the deviation
        share: float,  # share of the maps that are centred on the last value
        response: int,  # A: known-ahead inputs that are used, 0 or all
    ) -> None:
        super().__init__()
        self.targets, self.reach, self.window, self.share = targets, reach, window, share
        self.known_ahead = response
        for name, shape in {
            "last_weights": (reach, horizon),
            "mean_weights": (reach, horizon),
            "bias": (horizon,),
            "deviation_bias": (horizon,),
            "response": (response, targets),
        }.items():
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("unit", torch.ones(targets))

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """Return the forecast [B, H, C].

        Args:
            past: [B, L, F] scaled, targets first.
            future: [B, H, A] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """
        values = past[:, :, : self.targets]
        if self.known_ahead:
            values = values - past[:, :, -self.known_ahead :] @ self.response
        mean, deviation = window_moments(values, mask, self.window, DEVIATION_FLOOR * self.unit)
        last, recent, real = values[:, -1:], values[:, -self.reach :], mask[:, -self.reach :, None]
        forecast = (
            self.share * last
            + (1 - self.share) * mean
            + (((recent - last) * real).transpose(1, 2) @ self.last_weights).transpose(1, 2)
            + (((recent - mean) * real).transpose(1, 2) @ self.mean_weights).transpose(1, 2)
            + self.unit * self.bias[:, None]
            + deviation * self.deviation_bias[:, None]
        )
        return forecast + future @ self.response if self.known_ahead else forecast


def window_moments(values: Tensor, mask: Tensor, window: int, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation [B, 1, C] of the real steps among the last `window` steps.

    Args:
        values: [B, L, C].
        mask: [B, L], 0 for padding.
        window: number of steps.
        floor: [C] added to the deviation in squares, so that the deviation of a constant window is not 0.
    """
    recent, real = values[:, -window:], mask[:, -window:, None]
    count = real.sum(dim=1, keepdim=True).clamp(min=1)
    mean = (recent * real).sum(dim=1, keepdim=True) / count
    variance = (((recent - mean) * real) ** 2).sum(dim=1, keepdim=True) / count
    return mean, torch.sqrt(variance + floor**2)
