"""Network for export, whose forecast is clipped to bounds."""

from typing import cast

import torch
from torch import Tensor, nn

from lstm_cli.models.mixture import Mixture


class ClippedModel(nn.Module):
    """Model whose forecast is clipped to `lower` and `upper` [C] (scaled; infinite: no bound).

    A model that combines several forecasts also returns the forecasts of its parts.
    """

    lower: Tensor | None
    upper: Tensor | None

    def __init__(self, model: nn.Module, lower: Tensor | None, upper: Tensor | None) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("lower", lower)
        self.register_buffer("upper", upper)

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Return the clipped forecast [B, H, C], and the forecasts of the parts [B, H, C, P] if there are any.

        Args:
            past: Inputs [B, L, F], scaled.
            future: Known-ahead inputs [B, H, K], scaled.
            mask: 1 for a step of the series, 0 for padding [B, L].
        """
        if isinstance(self.model, Mixture):
            parts = self.model.part_forecasts(past, future, mask)
            return self._clip(self.model.combine(parts)), parts
        return (self._clip(self.model(past, future, mask)),)

    def _clip(self, forecast: Tensor) -> Tensor:
        if self.lower is not None:
            forecast = torch.maximum(forecast, self.lower)
        if self.upper is not None:
            forecast = torch.minimum(forecast, self.upper)
        return forecast


class ForecastOnly(nn.Module):
    """Clipped model that returns the forecast [B, H, C] as a single tensor, without the forecasts of its parts."""

    def __init__(self, bounded: ClippedModel) -> None:
        super().__init__()
        self.bounded = bounded

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """Return the clipped forecast [B, H, C], scaled.

        Args:
            past: Inputs [B, L, F], scaled.
            future: Known-ahead inputs [B, H, K], scaled.
            mask: 1 for a step of the series, 0 for padding [B, L].
        """
        return cast(Tensor, self.bounded(past, future, mask)[0])


def example_windows(model: nn.Module, *, inputs: int, known_ahead: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return past [2, L, F], future [2, H, K] and mask [2, L] for tracing.

    The batch has 2 windows, because exporters treat an axis of length 1 as constant.

    Args:
        model: Model with the attributes `lookback` (L) and `horizon` (H).
        inputs: Number of past inputs F.
        known_ahead: Number of known-ahead inputs K.
    """
    lookback, horizon = cast(int, model.lookback), cast(int, model.horizon)
    return torch.zeros(2, lookback, inputs), torch.zeros(2, horizon, known_ahead), torch.ones(2, lookback)
