"""The textbook LSTM: layers over every step of the window, the last hidden state to all steps and targets."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from lstm_cli.models.dropout import SeededDropout
from lstm_cli.models.masking import run_unpadded


class Stacked(nn.Module):
    """One or more LSTM layers, dropout between them, and one linear layer over all H steps and C targets."""

    def __init__(
        self,
        *,
        inputs: int,  # F
        targets: int,  # C
        known_ahead: int,  # K
        lookback: int,  # L
        horizon: int,  # H
        hidden: tuple[int, ...],
        dropout: float,
    ) -> None:
        super().__init__()
        self.lookback, self.horizon, self.targets = lookback, horizon, targets
        sizes = (inputs, *hidden)
        self.layers = nn.ModuleList(nn.LSTM(size, after, batch_first=True) for size, after in pairwise(sizes))
        # A layer of its own: dropout inside a multi-layer cuDNN LSTM is not reproducible.
        self.dropout = SeededDropout(dropout)
        self.head = nn.Linear(hidden[-1], horizon * targets)
        self.ahead = nn.Linear(horizon * known_ahead, horizon * targets, bias=False) if known_ahead else None
        if self.ahead is not None:
            nn.init.zeros_(self.ahead.weight)

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """past [B, L, F], future [B, H, K], mask [B, L] -> [B, H, C]."""
        lengths = mask.sum(dim=1).long().clamp(min=1)
        state = run_unpadded(self.layers, self.dropout, past * mask[:, :, None], lengths)
        forecast = self.head(self.dropout(state))
        if self.ahead is not None:
            forecast = forecast + self.ahead(future.flatten(1))
        return forecast.unflatten(1, (self.horizon, self.targets))

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """[B, 1, C] of ones: the loss is in scaled units."""
        return torch.ones_like(past[:, :1, : self.targets])
