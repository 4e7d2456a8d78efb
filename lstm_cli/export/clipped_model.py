"""A network as it leaves the house: its forecast held within bounds."""

from typing import cast

import torch
from torch import Tensor, nn

from lstm_cli.models.mixture import Mixture


class ClippedModel(nn.Module):
    """The model, its forecast held between `lower` and `upper` [C] (scaled; infinite: no bound).

    With the forecasts of its parts beside it, where it combines several.
    """

    lower: Tensor | None
    upper: Tensor | None

    def __init__(self, model: nn.Module, lower: Tensor | None, upper: Tensor | None) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("lower", lower)
        self.register_buffer("upper", upper)

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        if isinstance(self.model, Mixture):
            each = self.model.part_forecasts(past, future, mask)
            return self._held(self.model.combine(each)), each
        return (self._held(self.model(past, future, mask)),)

    def _held(self, forecast: Tensor) -> Tensor:
        if self.lower is not None:
            forecast = torch.maximum(forecast, self.lower)
        if self.upper is not None:
            forecast = torch.minimum(forecast, self.upper)
        return forecast


class ForecastOnly(nn.Module):
    """The bounded forecast [B, H, C] as one tensor, without those of the parts: what a person expects of a call."""

    def __init__(self, bounded: ClippedModel) -> None:
        super().__init__()
        self.bounded = bounded

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """past [B, L, F], future [B, H, K], mask [B, L] -> [B, H, C], scaled."""
        return cast(Tensor, self.bounded(past, future, mask)[0])


def example_windows(model: nn.Module, *, inputs: int, known_ahead: int) -> tuple[Tensor, Tensor, Tensor]:
    """past [2, L, F], future [2, H, K] and mask [2, L] for tracing.

    A batch of 2, since an exporter takes an axis of length 1 for one that never changes.
    """
    lookback, horizon = cast(int, model.lookback), cast(int, model.horizon)
    return torch.zeros(2, lookback, inputs), torch.zeros(2, horizon, known_ahead), torch.ones(2, lookback)
