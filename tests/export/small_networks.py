"""Networks with random weights, and windows with padding."""

from typing import Any

import torch
from torch import Tensor, nn

from lstm_cli.models.mixture import Mixture
from lstm_cli.models.stacked_lstm import StackedLSTM

LOOKBACK, HORIZON, INPUTS, TARGETS = 30, 10, 4, 2
PARTS = ("linear", "anchored", "free", "simple")


def randomize_weights(model: nn.Module) -> nn.Module:
    """Add random numbers to weights and statistics, so that each part of the graph affects the forecast."""
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.1 * torch.randn_like(value))
        for name, value in model.named_buffers():
            if "running" in name:
                value.uniform_(0.5, 2)
        if isinstance(model, Mixture):
            for value in model.linear.buffers():
                value.add_(0.1 * torch.randn_like(value))
            model.weights.uniform_(0, 0.5)
    return model


def segment(known_ahead: int, **settings: Any) -> nn.Module:
    torch.manual_seed(1)
    return randomize_weights(
        Mixture(
            **{
                "inputs": INPUTS,
                "targets": TARGETS,
                "known_ahead": known_ahead,
                "lookback": LOOKBACK,
                "horizon": HORIZON,
                "parts": PARTS,
                "linear_reach": 30,
                "linear_window": 20,
                "linear_share": 0.6,
                "linear_response": known_ahead,
                "anchored_lookback": 20,
                "free_lookback": 24,
                "networks": 1,
                "segment": 4,
                "seasons": (4, 12),
                "hidden": 32,
                "dropout": 0.2,
                "simple_season": 4,
            }
            | settings
        )
    )


def stacked(known_ahead: int, **settings: Any) -> nn.Module:
    torch.manual_seed(2)
    return randomize_weights(
        StackedLSTM(
            **{
                "inputs": INPUTS,
                "targets": TARGETS,
                "known_ahead": known_ahead,
                "lookback": LOOKBACK,
                "horizon": HORIZON,
                "hidden": (32, 16),
                "dropout": 0.2,
            }
            | settings
        )
    )


class Last(nn.Module):
    """Model that repeats the last values H times, which is fast to export."""

    lookback, horizon, targets = LOOKBACK, HORIZON, TARGETS

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        return past[:, -1:, :TARGETS].expand(-1, self.horizon, -1)


def windows(size: int, known_ahead: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return windows. Every second window has padding at the front, of all rows but one at most."""
    generator = torch.Generator().manual_seed(size)
    past = torch.randn(size, LOOKBACK, INPUTS, generator=generator)
    mask = torch.ones(size, LOOKBACK)
    for row in range(1, size, 2):
        mask[row, : 1 + (7 * row) % 29] = 0
    return past, torch.randn(size, HORIZON, known_ahead, generator=generator), mask
