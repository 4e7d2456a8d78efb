"""Dropout with a source of chance of its own."""

import torch
from torch import Tensor, nn


class SeededDropout(nn.Module):
    """Dropout that draws from its own generator, so that networks may train side by side with the same result."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None  # None: torch's own

    def forward(self, values: Tensor) -> Tensor:
        """values of any shape; in evaluation mode they stay as they are."""
        if not self.training or self.share == 0:
            return values
        kept = torch.empty_like(values).bernoulli_(1 - self.share, generator=self.generator)
        return values * kept / (1 - self.share)


def seed_dropout(model: nn.Module, generator: torch.Generator) -> None:
    """Every dropout of the model draws from this generator, which lies on the model's device."""
    for module in model.modules():
        if isinstance(module, SeededDropout):
            module.generator = generator
