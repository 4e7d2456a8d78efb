"""Dropout with its own random generator."""

import torch
from torch import Tensor, nn


class SeededDropout(nn.Module):
    """Dropout with its own generator, so that networks that train in parallel give reproducible results."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None  # None: torch's default generator

    def forward(self, values: Tensor) -> Tensor:
        """Return values of any shape after dropout; unchanged in evaluation mode."""
        if not self.training or self.share == 0:
            return values
        kept = torch.empty_like(values).bernoulli_(1 - self.share, generator=self.generator)
        return values * kept / (1 - self.share)


def seed_dropout(model: nn.Module, generator: torch.Generator) -> None:
    """Set the generator of every dropout of the model; it must be on the model's device."""
    for module in model.modules():
        if isinstance(module, SeededDropout):
            module.generator = generator
